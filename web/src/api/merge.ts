// What a refresh brings, put behind what is known already. Answers are never changed in place:
// charts may still be drawing the last one.
import type {MatrixSeries} from './client';

const keyOf = (series: MatrixSeries): string => JSON.stringify(Object.entries(series.metric).sort(([a], [b]) => (a < b ? -1 : 1)));

function joined<T extends [number, unknown]>(old: readonly T[] | undefined, more: readonly T[] | undefined, start: number, from: number): T[] | undefined {
  if (!old && !more) return undefined;
  const list = old ?? [];
  let first = 0, last = list.length;
  while (first < last && list[first][0] * 1000 < start) first += 1;
  while (last > first && list[last - 1][0] * 1000 >= from) last -= 1;
  const kept = list.slice(first, last);
  return more ? kept.concat(more) : kept;
}

/** The series of `old` from `start` up to before `from`, then those of `more`; milliseconds. */
export function merged(old: readonly MatrixSeries[], more: readonly MatrixSeries[], start: number, from: number): MatrixSeries[] {
  const news = new Map(more.map((series) => [keyOf(series), series]));
  const list: MatrixSeries[] = [];
  const take = (before: MatrixSeries | undefined, after: MatrixSeries | undefined): void => {
    const values = joined(before?.values, after?.values, start, from);
    const histograms = joined(before?.histograms, after?.histograms, start, from);
    if (!values?.length && !histograms?.length) return;
    const series: MatrixSeries = {metric: (before ?? after as MatrixSeries).metric};
    if (values?.length) series.values = values;
    if (histograms?.length) series.histograms = histograms;
    list.push(series);
  };
  for (const series of old) {
    const key = keyOf(series);
    take(series, news.get(key));
    news.delete(key);
  }
  for (const series of news.values()) take(undefined, series);
  return list;
}
