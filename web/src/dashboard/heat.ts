// Histograms as a heatmap: buckets from a query of *_bucket series, each less the one below it.
import {align} from '../charts/align';
import {nameOf, timeField, type Frame} from './frame';

export interface Heat { times: readonly number[]; labels: string[]; rows: (number | null)[][] }

const bound = (text: string): number => (text === '+Inf' ? Infinity : Number(text));

/** Rows from the lowest bucket up. Series without "le" are rows as they are. */
export function heatOf(frames: readonly Frame[]): Heat {
  const {times, lines} = align(frames);
  const named = lines.map((line) => {
    const le = line.field.labels.le ?? nameOf(line.field, line.frame);
    return {le, bound: bound(le), values: line.values, cumulative: line.field.labels.le !== undefined || line.frame.kind === 'heatmap'};
  });
  const numeric = named.every((row) => !Number.isNaN(row.bound));
  // Several series of one bound (of several instances) are summed.
  const byBound = new Map<string, typeof named[number]>();
  for (const row of named) {
    const before = byBound.get(row.le);
    if (!before) byBound.set(row.le, row);
    else byBound.set(row.le, {...before, values: before.values.map((value, i) => (value === null && row.values[i] === null ? null : (value ?? 0) + (row.values[i] ?? 0)))});
  }
  const rows = [...byBound.values()];
  if (numeric) rows.sort((a, b) => a.bound - b.bound);
  const cumulative = numeric && rows.every((row) => row.cumulative);
  return {
    times, labels: rows.map((row) => row.le),
    rows: rows.map((row, i) => row.values.map((value, at) => {
      if (value === null || !cumulative || i === 0) return value;
      return Math.max(0, value - (rows[i - 1].values[at] ?? 0));
    })),
  };
}

/** What Grafana makes of `format: heatmap` for panels that are none: series by their "le", each less
    the one below it. Frames without an "le" stay as they are. */
export function singleBuckets(frames: readonly Frame[]): Frame[] {
  const {times, lines} = align(frames);
  const rows = lines.map((line) => ({...line, bound: bound(line.field.labels.le ?? '')}));
  if (rows.length !== frames.length || rows.some((row) => row.field.labels.le === undefined || Number.isNaN(row.bound))) return [...frames];
  rows.sort((a, b) => a.bound - b.bound);
  return rows.map(({frame, field, values}, i) => ({...frame, length: times.length, fields: [timeField(times),
    {...field, values: values.map((value, at) => (value === null || i === 0 ? value : Math.max(0, value - (rows[i - 1].values[at] ?? 0))))}]}));
}
