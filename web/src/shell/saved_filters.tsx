// Filters that a reader gave a name: the page's parameters, kept by this browser.
import {useState} from 'preact/hooks';
import {navigate, place} from './location';
import {recall, store} from './settings';
import {t} from './words';

type Saved = Record<string, string>;  // name → parameters

function read(page: string): Saved {
  try {
    const saved: unknown = JSON.parse(recall(`filters.${page}`) ?? '{}');
    return typeof saved === 'object' && saved !== null ? saved as Saved : {};
  } catch {
    return {};
  }
}

const kMost = 20;

export function SavedFilters({page}: {page: string}) {
  const [saved, setSaved] = useState(() => read(page));
  const now = place.value.params.toString();
  const change = (next: Saved): void => { setSaved(next); store(`filters.${page}`, JSON.stringify(next)); };
  const add = (): void => {
    const name = prompt(t('A name for this filter'))?.trim();
    if (name && Object.keys(saved).length < kMost) change({...saved, [name]: now});
  };
  const known = Object.values(saved).includes(now);
  return (
    <span class="saved-filters" role="group" aria-label={t('Saved filters')}>
      {Object.entries(saved).map(([name, params]) => (
        <span class="saved"><button aria-pressed={params === now} class={params === now ? 'primary' : ''} onClick={() => navigate(page, new URLSearchParams(params))}>★ {name}</button>
          {params === now && <button class="icon-button" aria-label={t('Forget {0}', name)} onClick={() => { const {[name]: _, ...rest} = saved; change(rest); }}>×</button>}</span>))}
      {now && !known && <button onClick={add}>☆ {t('Save this filter')}</button>}
    </span>
  );
}
