// Why a panel is empty, in words: what was asked is taken apart until something is found.
import {useState} from 'preact/hooks';
import {get, messageOf, post} from '../api/client';
import {instantQuery} from '../api/query';
import type {PanelData} from '../dashboard/load';
import {href} from '../shell/location';
import {t} from '../shell/words';

interface Node { type: string; name?: string; matchers?: {name: string; type: string; value: string}[]; [child: string]: unknown }

/** The selectors of a parsed expression. */
function selectorsOf(node: unknown, found: Node[] = []): Node[] {
  if (Array.isArray(node)) node.forEach((one) => selectorsOf(one, found));
  else if (typeof node === 'object' && node !== null) {
    const one = node as Node;
    if ((one.type === 'vectorSelector' || one.type === 'matrixSelector') && Array.isArray(one.matchers)) found.push(one);
    Object.values(one).forEach((child) => { if (typeof child === 'object') selectorsOf(child, found); });
  }
  return found;
}

const quote = (text: string): string => JSON.stringify(text);
const selectorText = (node: Node, without?: string): string => `{${(node.matchers ?? []).filter((one) => one.name !== without)
  .map((one) => `${one.name}${one.type}${quote(one.value)}`).join(',')}}`;

async function count(selector: string, time: number): Promise<number> {
  const {data} = await instantQuery(`count(last_over_time(${selector}[1h]))`, time);
  return data.resultType === 'vector' && data.result[0]?.value ? Number(data.result[0].value[1]) : 0;
}

/** One sentence a cause, most telling first. */
export async function explain(expr: string, time: number): Promise<string[]> {
  const {data: tree} = await post<unknown>('parse_query', {query: expr});
  const reasons: string[] = [];
  for (const node of selectorsOf(tree).slice(0, 4)) {
    const name = node.matchers?.find((one) => one.name === '__name__' && one.type === '=')?.value ?? node.name;
    if (await count(selectorText(node), time) > 0) continue;
    if (name && await count(`{__name__=${quote(name)}}`, time) === 0) {
      const {data: ever} = await get<unknown[]>('series', {'match[]': `{__name__=${quote(name)}}`, limit: 1});
      reasons.push(ever.length ? t('{0} has been stored, but not in the last hour: its target may be gone.', name)
        : t('{0} was never stored: nothing that is scraped has it.', name));
      continue;
    }
    for (const one of node.matchers ?? []) {
      if (one.name === '__name__' || await count(selectorText(node, one.name), time) === 0) continue;
      reasons.push(t('No series of {0} has {1}; others do.', name ?? '', `${one.name}${one.type}${quote(one.value)}`));
    }
    if (!reasons.length) reasons.push(t('{0} exists, but not with all of these labels at once.', name ?? ''));
  }
  if (!reasons.length) reasons.push(t('Its series exist: the expression has no result for them, as a comparison or a match of labels that leaves nothing.'));
  return reasons;
}

export function Empty({data}: {data: PanelData}) {
  const [reasons, setReasons] = useState<string[] | null>(null);
  const failed = data.queries.filter((query) => query.error);
  const ask = (): void => {
    // The server's own hints say it best, when it has any.
    if (data.infos.length) return setReasons([...new Set(data.infos)]);
    setReasons([t('Looking…')]);
    Promise.all(data.queries.map((query) => explain(query.expr, data.range.to))).then(
      (lists) => setReasons([...new Set(lists.flat())]), (error: unknown) => setReasons([messageOf(error)]));
  };
  if (failed.length) {
    return <div class="empty bad" role="alert">{failed.map((query) => <p><b>{query.refId}</b> {query.error}</p>)}
      <a href={href('explore', {'g0.expr': failed[0].expr})}>{t('Open in Explore')}</a></div>;
  }
  return (
    <div class="empty">
      <p>{data.queries.length ? t('No data') : t('This panel asks nothing.')}</p>
      {reasons ? <ul>{reasons.map((reason) => <li>{reason}</li>)}</ul>
        : data.queries.length > 0 && <button onClick={ask}>{t('Why?')}</button>}
    </div>
  );
}
