// Frames of several queries on one list of times.
import type {Frame, Field} from '../dashboard/frame';

export interface Line { frame: Frame; field: Field; values: readonly (number | null)[] }
export interface Aligned { times: readonly number[]; lines: Line[] }

const asNumbers = (field: Field): readonly (number | null)[] => (
  field.values.some((value) => typeof value === 'string') ? field.values.map((value) => (typeof value === 'number' ? value : null))
    : field.values as readonly (number | null)[]);

/** Every number column against the time column of its frame. Frames without a time are left out. */
export function align(frames: readonly Frame[]): Aligned {
  const found: {times: readonly number[]; line: Line}[] = [];
  for (const frame of frames) {
    const time = frame.fields.find((field) => field.type === 'time');
    if (!time) continue;
    for (const field of frame.fields) {
      if (field.type === 'number') found.push({times: time.values as readonly number[], line: {frame, field, values: asNumbers(field)}});
    }
  }
  if (!found.length) return {times: [], lines: []};
  const first = found[0].times;
  if (found.every(({times}) => times === first)) return {times: first, lines: found.map(({line}) => line)};
  const all = [...new Set(found.flatMap(({times}) => times))].sort((a, b) => a - b);
  const place = new Map(all.map((time, i) => [time, i]));
  const lines = found.map(({times, line}) => {
    if (times === all) return line;
    const values = new Array<number | null>(all.length).fill(null);
    times.forEach((time, i) => { values[place.get(time) ?? 0] = line.values[i]; });
    // Between samples of a coarser query there is no gap: only where it has none itself.
    bridge(values, times, line.values, all);
    return {...line, values};
  });
  return {times: all, lines};
}

function bridge(values: (number | null)[], times: readonly number[], own: readonly (number | null)[], all: readonly number[]): void {
  let at = 0;
  for (let i = 0; i + 1 < times.length; i += 1) {
    const a = own[i], b = own[i + 1];
    while (at < all.length && all[at] <= times[i]) at += 1;
    for (; at < all.length && all[at] < times[i + 1]; at += 1) {
      if (a !== null && b !== null) values[at] = a + (b - a) * (all[at] - times[i]) / (times[i + 1] - times[i]);
    }
  }
}
