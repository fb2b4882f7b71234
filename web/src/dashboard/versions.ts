// Deployments, as info series tell them: a series of an instance ends, and one with another label
// (version, revision, model) begins.
import type {Labels} from '../api/client';

export interface Presence { labels: Labels; times: readonly number[] }
export interface Change { at: number; text: string }

const kIdentity = new Set(['__name__', 'job', 'instance', 'node', 'engine', 'engine_kind']);
const identityOf = (labels: Labels): string => [...kIdentity].map((name) => labels[name] ?? '').join('\xff');

function difference(before: Labels, after: Labels): string {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((name) => before[name] !== after[name]);
  return names.slice(0, 3).map((name) => `${name} ${before[name] ?? '–'} → ${after[name] ?? '–'}`).join(', ');
}

/** `step` is between samples: who is gone for longer than a few did not hand over. */
export function versionChanges(series: readonly Presence[], step: number): Change[] {
  const groups = new Map<string, Presence[]>();
  for (const one of series) {
    if (!one.times.length) continue;
    const key = identityOf(one.labels);
    groups.set(key, [...groups.get(key) ?? [], one]);
  }
  const changes: Change[] = [];
  for (const group of groups.values()) {
    group.sort((a, b) => a.times[0] - b.times[0]);
    for (let i = 1; i < group.length; i += 1) {
      const at = group[i].times[0];
      // Whoever was there last before it began.
      const earlier = group.slice(0, i).filter(({times}) => times[0] < at);
      if (!earlier.length) continue;
      const last = ({times}: Presence): number => Math.min(times[times.length - 1], at);
      const before = earlier.reduce((best, one) => (last(one) >= last(best) ? one : best));
      if (at - last(before) > 20 * step || before.times[before.times.length - 1] > at + 10 * step) continue;
      changes.push({at, text: `${group[i].labels.instance ?? group[i].labels.job ?? ''}: ${difference(before.labels, group[i].labels)}`});
    }
  }
  return changes;
}
