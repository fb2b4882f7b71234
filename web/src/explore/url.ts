// Explore's place in the URL, in Prometheus' spelling (g0.expr, g0.tab, g0.step_input, …); Grafana's
// `panes` and `left` are understood too.
import {setParams} from '../shell/location';
import {parseDuration, parseTime, type RawRange, type TimeRange} from '../time/range';

export const kMostQueries = 10;
export type Tab = 'graph' | 'table' | 'explain';
export interface Query {
  expr: string;
  tab: Tab;
  stacked: boolean;
  exemplars: boolean;
  step: number;  // milliseconds; 0: chosen by the width
}

const query = (expr: string): Query => ({expr, tab: 'graph', stacked: false, exemplars: false, step: 0});

function tabOf(text: string | null): Tab {
  if (text === '1' || text === 'table') return 'table';
  return text === 'explain' || text === '2' ? 'explain' : 'graph';
}

interface Pane { queries?: {expr?: string}[]; range?: {from?: string; to?: string} }

/** Grafana's Explore: panes={"a":{…}} of now, left={…} of old. */
function grafanaPane(params: URLSearchParams): Pane | undefined {
  for (const [name, inner] of [['panes', true], ['left', false]] as const) {
    const text = params.get(name);
    if (!text) continue;
    try {
      const json: unknown = JSON.parse(text);
      const pane = inner ? Object.values(json as Record<string, unknown>)[0] : json;
      if (typeof pane === 'object' && pane !== null) return pane as Pane;
    } catch {
      // Not Grafana's then.
    }
  }
  return undefined;
}

export function queriesOf(params: URLSearchParams): Query[] {
  const list: Query[] = [];
  for (let i = 0; i < kMostQueries && params.has(`g${i}.expr`); i += 1) {
    const get = (name: string): string | null => params.get(`g${i}.${name}`);
    list.push({
      expr: get('expr') ?? '', tab: tabOf(get('tab')), stacked: get('stacked') === '1' || get('display_mode') === 'stacked',
      exemplars: get('show_exemplars') === '1', step: (Number(get('step_input')) || 0) * 1000,
    });
  }
  if (!list.length) {
    for (const {expr} of grafanaPane(params)?.queries ?? []) if (typeof expr === 'string') list.push(query(expr));
  }
  return list.length ? list.slice(0, kMostQueries) : [query('')];
}

export function setQueries(queries: readonly Query[]): void {
  const changes: Record<string, string | null> = {left: null, panes: null, schemaVersion: null, orgId: null};
  for (let i = 0; i < kMostQueries; i += 1) {
    const one = queries[i];
    changes[`g${i}.expr`] = one?.expr ?? null;
    changes[`g${i}.tab`] = !one || one.tab === 'graph' ? null : one.tab === 'table' ? '1' : 'explain';
    changes[`g${i}.display_mode`] = one?.stacked ? 'stacked' : null;
    changes[`g${i}.show_exemplars`] = one?.exemplars ? '1' : null;
    changes[`g${i}.step_input`] = one?.step ? String(one.step / 1000) : null;
    for (const old of ['stacked', 'range_input', 'end_input', 'moment_input', 'res_type', 'res_density', 'show_tree']) changes[`g${i}.${old}`] = null;
  }
  setParams(changes);
}

export const emptyQuery = query;

/** The range that such a link asks for; undefined where it asks for none. */
export function rangeOf(params: URLSearchParams, now: number): RawRange | TimeRange | undefined {
  if (params.has('from')) return undefined;
  const grafana = grafanaPane(params)?.range;
  if (grafana?.from) return {from: grafana.from, to: grafana.to ?? 'now'};
  const prometheus = (text: string | null): number | undefined => (text ? parseTime(`${text.replace(' ', 'T').replace(/Z$/, '')}Z`, now) : undefined);
  const end = prometheus(params.get('g0.end_input')) ?? prometheus(params.get('g0.moment_input'));
  const span = parseDuration(params.get('g0.range_input') ?? '');
  if (end !== undefined) return {from: end - (span ?? 3_600_000), to: end};
  return span ? {from: `now-${params.get('g0.range_input') ?? '1h'}`, to: 'now'} : undefined;
}
