// What happened, as marks on every chart: alerts that fired, processes that were started or changed
// their version, what people noted, and what the dashboard's own annotation queries say.
import {sampleNumber, type Labels} from '../api/client';
import {rangeQuery} from '../api/query';
import type {Mark} from '../charts/plot_view';
import {onStep, stepFor, type TimeRange} from '../time/range';
import {listAnnotations} from '../api/annotations';
import {legendText} from './frame';
import {interpolateQuery, type Scope} from './interpolate';
import type {AnnotationQuery} from './types';
import {versionChanges} from './versions';

const kMostMarks = 200;

/** Runs of samples no more than a step apart. */
export function regions(times: readonly number[], step: number): {from: number; to?: number}[] {
  const list: {from: number; to?: number}[] = [];
  let from = NaN, last = NaN;
  const close = (): void => { if (!Number.isNaN(from)) list.push(last > from ? {from, to: last} : {from}); };
  for (const time of times) {
    if (!(time - last <= step * 1.01)) { close(); from = time; }
    last = time;
  }
  close();
  return list;
}

const titleOf = (labels: Labels): string => Object.entries(labels).filter(([key]) => !key.startsWith('__')).map(([key, value]) => `${key}=${value}`).join(' ');

async function series(expr: string, range: TimeRange, step: number, signal: AbortSignal): Promise<{labels: Labels; times: number[]; values: number[]}[]> {
  const aligned = onStep(range, step);
  const {data} = await rangeQuery(expr, aligned.from, aligned.to, step, signal);
  if (data.resultType !== 'matrix') return [];
  return data.result.map(({metric, values = []}) => {
    const present = values.filter(([, text]) => sampleNumber(text) !== 0);
    return {labels: metric, times: present.map(([at]) => at * 1000), values: present.map(([, text]) => sampleNumber(text))};
  });
}

/** Marks of the same moment and span are one: a dashboard may ask for the alerts that are shown anyway. */
export function apart(marks: readonly Mark[]): Mark[] {
  const seen = new Map<string, Mark>();
  for (const mark of marks) {
    const key = `${mark.from}-${mark.to ?? ''}`;
    const before = seen.get(key);
    if (!before) seen.set(key, {...mark});
    else if (!before.title.includes(mark.title)) before.title = `${before.title}, ${mark.title}`.slice(0, 300);
  }
  return [...seen.values()];
}

/** What happened whatever dashboard is looked at. */
function always(scope: Scope, step: number, uid: string, signal: AbortSignal): Promise<Mark[]>[] {
  const {range} = scope;
  return [
    series('ALERTS{alertstate="firing",severity!~"none|info|P3"}', range, step, signal).then((found) => found.flatMap(({labels, times}) => (
      regions(times, step).map((region) => ({...region, title: `${labels.alertname ?? 'alert'} ${labels.severity ?? ''}`, color: 'var(--bad)'}))))),
    series('changes(process_start_time_seconds[2m]) > 0', range, step, signal).then((found) => found.flatMap(({labels, times}) => (
      regions(times, 4 * step).map(({from}) => ({from, title: `${labels.job ?? ''} ${labels.instance ?? ''} started`, color: 'var(--accent)'}))))),
    series('{__name__=~"llm_engine_info|.+_build_info"}', range, step, signal).then((found) => (
      versionChanges(found, step).map(({at, text}) => ({from: at, title: text, color: 'var(--accent)'})))),
    listAnnotations(range.from, range.to, uid).then((notes) => notes.map(({time, timeEnd, text, tags}) => (
      {from: time, to: timeEnd > time ? timeEnd : undefined, title: [text, ...tags.map((tag) => `#${tag}`)].join(' '), color: 'var(--s5)'}))),
  ];
}

/** A query that fails gives no marks: a chart without them is better than none. `uid`: of the
    dashboard whose notes are shown beside those of all. */
export async function loadMarks(queries: readonly AnnotationQuery[], scope: Scope, signal: AbortSignal, uid = ''): Promise<Mark[]> {
  const {range} = scope;
  const step = stepFor(range.to - range.from, 240, 15_000);
  const own = queries.filter((query) => query.enable && query.expr).map(async (query): Promise<Mark[]> => {
    const found = await series(interpolateQuery(query.expr ?? '', scope, step), range, step, signal);
    return found.flatMap(({labels, times, values}) => {
      const title = `${query.name}: ${query.titleFormat ? legendText(query.titleFormat, labels) : titleOf(labels)}`;
      const color = query.iconColor ?? 'var(--accent)';
      if (query.useValueForTime) return [...new Set(values)].map((at) => ({from: at, title, color}));
      return regions(times, step).map((region) => ({...region, title, color}));
    });
  });
  const lists = await Promise.all([...own, ...always(scope, step, uid, signal)].map((one) => one.catch(() => [])));
  return apart(lists.flat()).slice(0, kMostMarks);
}
