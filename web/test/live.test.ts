// Refreshing: what is new is put behind what is known, and versions are told apart.
import {describe, expect, it} from 'vitest';
import {merged} from '../src/api/merge';
import type {MatrixSeries} from '../src/api/client';
import {versionChanges} from '../src/dashboard/versions';
import {noteServerTime, serverNow, skew} from '../src/time/now';

const series = (name: string, ...values: [number, string][]): MatrixSeries => ({metric: {__name__: name}, values});

describe('merging what a refresh brought', () => {
  const old = [series('a', [10, '1'], [20, '2'], [30, '3']), series('gone', [10, '1'], [20, '1'])];
  it('drops what is before the range, keeps what cannot have changed, takes what is new', () => {
    expect(merged(old, [series('a', [30, '9'], [40, '4'])], 20_000, 30_000)).toEqual([
      series('a', [20, '2'], [30, '9'], [40, '4']), series('gone', [20, '1'])]);
  });
  it('forgets series of which nothing is left, and takes new ones', () => {
    expect(merged(old, [series('new', [40, '1'])], 30_000, 40_000)).toEqual([series('a', [30, '3']), series('new', [40, '1'])]);
  });
  it('tells series apart by their labels, whatever their order', () => {
    const before = [{metric: {x: '1', y: '2'}, values: [[10, '1']] as [number, string][]}];
    const after = [{metric: {y: '2', x: '1'}, values: [[20, '2']] as [number, string][]}];
    expect(merged(before, after, 0, 20_000)).toHaveLength(1);
  });
  it('leaves what it was given as it was', () => {
    const copy = JSON.stringify(old);
    merged(old, [series('a', [40, '4'])], 20_000, 30_000);
    expect(JSON.stringify(old)).toBe(copy);
  });
  it('merges histograms too', () => {
    const h = (at: number): [number, {count: string; sum: string}] => [at, {count: '1', sum: '2'}];
    expect(merged([{metric: {}, histograms: [h(10), h(20)]}], [{metric: {}, histograms: [h(20), h(30)]}], 0, 20_000)[0].histograms?.map(([at]) => at)).toEqual([10, 20, 30]);
  });
});

describe('versions of a process', () => {
  const at = (labels: Record<string, string>, from: number, to: number) => ({labels: {instance: 'n:8000', ...labels}, times: Array.from({length: (to - from) / 15 + 1}, (_, i) => (from + i * 15) * 1000)});
  it('a label that changes is a deployment', () => {
    expect(versionChanges([at({version: '0.10'}, 0, 600), at({version: '0.11'}, 660, 1200)], 15_000)).toEqual([{at: 660_000, text: 'n:8000: version 0.10 → 0.11'}]);
  });
  it('other instances, what was there all the time and what was gone for long are none', () => {
    expect(versionChanges([at({version: '1'}, 0, 600), at({version: '2', instance: 'm'}, 660, 1200)], 15_000)).toEqual([]);
    expect(versionChanges([at({version: '1'}, 0, 1200), at({version: '2'}, 600, 1200)], 15_000)).toEqual([]);
    expect(versionChanges([at({version: '1'}, 0, 600), at({version: '2'}, 6000, 7000)], 15_000)).toEqual([]);
    expect(versionChanges([], 15_000)).toEqual([]);
  });
});

describe('the server\'s clock', () => {
  const header = (ms: number): string => new Date(ms).toUTCString();
  it('is taken when it is away by more than a few seconds', () => {
    const here = Date.now();
    noteServerTime(header(here + 600_000), here, here);
    expect(Math.abs(serverNow() - Date.now() - 600_000)).toBeLessThan(2000);
    noteServerTime(header(here + 1000), here, here);
    expect(skew.value).toBe(0);
  });
  it('of a slow answer and of none says nothing', () => {
    const here = Date.now();
    noteServerTime(header(here + 600_000), here - 5000, here);
    noteServerTime(null, here, here);
    noteServerTime('soon', here, here);
    expect(skew.value).toBe(0);
  });
});
