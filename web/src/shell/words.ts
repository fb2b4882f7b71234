// The page's words. The English text is the key; a language that lacks one shows it in English.
import {effect, signal} from '@preact/signals';
import {language} from './settings';

const dictionary = signal<Record<string, string>>({});

/** `text` in the reader's language, with {0}, {1}, … replaced. Call it while rendering. */
export function t(text: string, ...values: (string | number)[]): string {
  const found = dictionary.value[text] ?? text;
  return values.length ? found.replace(/\{(\d)\}/g, (_, index: string) => String(values[Number(index)])) : found;
}

export function startWords(): void {
  effect(() => {
    if (language.value === 'en') {
      dictionary.value = {};
      return;
    }
    void import('./words_zh').then((words) => { dictionary.value = words.chinese; });
  });
}
