// Exemplars: single requests behind a series, each with the labels (a trace's id) that it came with.
import {get, sampleNumber, type Labels} from '../api/client';
import type {Dot} from '../charts/plot_view';
import type {TimeRange} from '../time/range';

interface Exemplars { seriesLabels: Labels; exemplars: {labels: Labels; value: string; timestamp: number}[] }
const kMost = 500;

/** The highest of each stretch of time, so that a chart of an hour shows what is worth a look. */
export async function loadExemplars(query: string, range: TimeRange, signal: AbortSignal): Promise<Dot[]> {
  const {data} = await get<Exemplars[]>('query_exemplars', {query, start: range.from / 1000, end: range.to / 1000}, signal);
  const all = data.flatMap(({seriesLabels, exemplars}) => exemplars.map(({labels, value, timestamp}): Dot => (
    {at: timestamp * 1000, value: sampleNumber(value), labels, of: seriesLabels})));
  return all.sort((a, b) => b.value - a.value).slice(0, kMost).sort((a, b) => a.at - b.at);
}
