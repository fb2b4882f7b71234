// All metrics that are stored, with their types, units and meanings: the catalog's words first, then
// the exposition's own.
import {useEffect, useRef, useState} from 'preact/hooks';
import {get, messageOf} from '../api/client';
import {useLoad} from '../shell/load';
import {t} from '../shell/words';

export interface Entry {
  name: string;
  type: string;
  unit?: string;
  help?: string;
  source?: string;
  beware?: string;
  enable?: string;
  until?: string;
  replacedBy?: string;
  labels?: string[];
  becomes?: string[];
}
interface About extends Entry { family: string }
const kShown = 200;

const familyOf = (name: string): string => name.replace(/_(bucket|sum|count)$/, '');

/** What to ask of a metric, by its type. */
export function firstQuery(name: string, type: string): string {
  const family = familyOf(name);
  if (/_bucket$/.test(name) || (type === 'histogram' && family === name)) return `histogram_quantile(0.95, sum by (le) (rate(${family}_bucket[$__rate_interval])))`;
  if (type === 'counter' || /_(total|sum|count)$/.test(name)) return `sum(rate(${name}[$__rate_interval]))`;
  return name;
}

/** A row a family that has series, with all that is known of it. */
export function describe(stored: readonly string[], known: readonly Entry[], told: Record<string, {type: string; help: string; unit: string}[]>): About[] {
  const byName = new Map(known.map((entry) => [entry.name, entry]));
  const families = new Map<string, string>();
  const all = new Set(stored);
  for (const name of stored) {
    const family = familyOf(name);
    const grouped = family !== name && (all.has(`${family}_count`) || byName.has(family) || family in told);
    families.set(grouped ? family : name, name);
  }
  return [...families.keys()].sort().map((family) => {
    const own = told[family]?.[0], entry = byName.get(family);
    return {family, name: family, ...entry, type: entry?.type ?? own?.type ?? 'unknown', unit: entry?.unit ?? own?.unit, help: entry?.help ?? own?.help};
  });
}

async function load(signal: AbortSignal): Promise<About[]> {
  const [names, catalog, told] = await Promise.all([
    get<string[]>('label/__name__/values', {limit: 20_000}, signal),
    get<Entry[]>('catalog', {}, signal).catch(() => ({data: []})),
    get<Record<string, {type: string; help: string; unit: string}[]>>('metadata', {limit: 20_000}, signal).catch(() => ({data: {}})),
  ]);
  return describe(names.data, catalog.data, told.data);
}

export function MetricExplorer({choose, close}: {choose: (expr: string) => void; close: () => void}) {
  const [typed, setTyped] = useState('');
  const [type, setType] = useState('');
  const {data, error} = useLoad(load, []);
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => { dialog.current?.showModal(); }, []);
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = (data ?? []).filter((one) => (!type || one.type === type) && words.every((word) => `${one.family} ${one.help ?? ''} ${one.source ?? ''}`.toLowerCase().includes(word)));
  const types = [...new Set((data ?? []).map((one) => one.type))].sort();
  return (
    <dialog class="metrics" ref={dialog} onClose={close} aria-label={t('Metrics')}>
      <div class="tools"><input type="search" autofocus aria-label={t('Search')} placeholder={t('Name or meaning')} value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
        <select aria-label={t('Type')} value={type} onChange={(event) => setType(event.currentTarget.value)}><option value="">{t('All types')}</option>{types.map((one) => <option value={one}>{one}</option>)}</select>
        <span class="quiet small">{data && t('{0} of {1} metrics', shown.length, data.length)}</span><span class="grow" />
        <form method="dialog"><button>{t('Close')}</button></form></div>
      {error !== undefined && <p class="banner bad" role="alert">{messageOf(error)}</p>}
      <div class="scroll" tabIndex={0}><table class="data"><thead><tr><th>{t('Metric')}</th><th>{t('Type')}</th><th>{t('Unit')}</th><th>{t('Meaning')}</th></tr></thead>
        <tbody>{shown.slice(0, kShown).map((one) => (
          <tr><td><button class="plain" onClick={() => { choose(firstQuery(one.family, one.type)); close(); }}><code>{one.family}</code></button></td><td>{one.type}</td><td>{one.unit ?? ''}</td>
            <td class="wrap">{one.source && <span class="tag">{one.source}</span>} {one.help}
              {one.becomes && <span class="quiet"> → {one.becomes.join(', ')}</span>}
              {one.replacedBy && <p class="state warn">{t('replaced by {0}', one.replacedBy)}</p>}
              {one.beware && <p class="state warn">{one.beware}</p>}</td></tr>))}</tbody></table></div>
      {shown.length > kShown && <p class="quiet small">{t('{0} more', shown.length - kShown)}</p>}
    </dialog>
  );
}
