// What a reader chose for this browser: theme and language. Kept in localStorage, where that is
// allowed.
import {effect, signal} from '@preact/signals';

export type Theme = 'system' | 'light' | 'dark';
export type Language = 'en' | 'zh';

function stored(name: string): string | null {
  try {
    return localStorage.getItem(`strata.${name}`);
  } catch {
    return null;
  }
}

export function store(name: string, value: string): void {
  try {
    localStorage.setItem(`strata.${name}`, value);
  } catch {
    // A browser that keeps nothing forgets it with the page.
  }
}

export const recall = stored;

const isTheme = (text: string | null): text is Theme => text === 'system' || text === 'light' || text === 'dark';
const storedTheme = stored('theme');
export const theme = signal<Theme>(isTheme(storedTheme) ? storedTheme : 'system');
export const language = signal<Language>(
  stored('language') === 'zh' || (!stored('language') && navigator.language.startsWith('zh')) ? 'zh' : 'en');

const prefersDark = matchMedia('(prefers-color-scheme: dark)');
/** Whether the page is dark now. Charts, which paint themselves, depend on it. */
export const dark = signal(false);

export function startSettings(): void {
  const apply = (): void => {
    dark.value = theme.value === 'dark' || (theme.value === 'system' && prefersDark.matches);
    document.documentElement.dataset.theme = dark.value ? 'dark' : 'light';
  };
  effect(apply);
  prefersDark.addEventListener('change', apply);
  effect(() => {
    document.documentElement.lang = language.value === 'zh' ? 'zh-CN' : 'en';
  });
}

export function setTheme(value: Theme): void {
  theme.value = value;
  store('theme', value);
}

export function setLanguage(value: Language): void {
  language.value = value;
  store('language', value);
}
