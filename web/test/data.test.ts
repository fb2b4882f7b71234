import {describe, expect, it} from 'vitest';
import {hits, parseMatchers} from '../src/api/alerts';
import type {QueryData} from '../src/api/client';
import {align} from '../src/charts/align';
import {stack} from '../src/charts/stack';
import {regions} from '../src/dashboard/annotations';
import {autoNames, framesOfInstant, framesOfRange, legendText, tableOfInstant, type Frame} from '../src/dashboard/frame';
import {heatOf, singleBuckets} from '../src/dashboard/heat';
import {reduce} from '../src/dashboard/reduce';
import {transformed} from '../src/dashboard/transform';

const grid = {start: 0, end: 30_000, step: 10_000};
const matrix = (...series: [Record<string, string>, [number, string][]][]): QueryData => ({resultType: 'matrix', result: series.map(([metric, values]) => ({metric, values}))});
const vector = (...samples: [Record<string, string>, string][]): QueryData => ({resultType: 'vector', result: samples.map(([metric, text]) => ({metric, value: [30, text]}))});

describe('answers as frames', () => {
  it('a missing sample is a gap and not a zero', () => {
    const [frame] = framesOfRange(matrix([{a: 'x'}, [[0, '1'], [20, 'NaN'], [30, '+Inf']]]), grid, {refId: 'A', expr: 'e', legendFormat: '{{a}}'});
    expect(frame.name).toBe('x');
    expect(frame.fields[1].values).toEqual([1, null, null, Infinity]);
  });
  it('names', () => {
    expect(legendText('{{a}} of {{ b }}', {a: '1', b: '2'})).toBe('1 of 2');
    expect(autoNames([{__name__: 'm', a: '1', b: '2'}, {__name__: 'm', a: '3', b: '2'}], 'm')).toEqual(['1', '3']);
    expect(autoNames([{}], 'sum(m)')).toEqual(['sum(m)']);
  });
  it('tables have a column a label', () => {
    const [frame] = tableOfInstant(vector([{a: 'x', b: 'y'}, '1'], [{a: 'z'}, '2']), 'B', true);
    expect(frame.fields.map((field) => [field.name, field.values])).toEqual([['Time', [30_000, 30_000]], ['a', ['x', 'z']], ['b', ['y', '']], ['Value #B', [1, 2]]]);
  });
  it('series of different steps share one axis without gaps of their own making', () => {
    const fine = framesOfRange(matrix([{}, [[0, '0'], [10, '1'], [20, '2'], [30, '3']]]), grid, {refId: 'A', expr: 'a'});
    const coarse = framesOfRange(matrix([{}, [[0, '10'], [30, '40']]]), {start: 0, end: 30_000, step: 30_000}, {refId: 'B', expr: 'b'});
    const {times, lines} = align([...fine, ...coarse]);
    expect(times).toEqual([0, 10_000, 20_000, 30_000]);
    expect(lines[1].values).toEqual([10, 20, 30, 40]);
  });
});

describe('calculations', () => {
  it.each([['lastNotNull', 3], ['last', null], ['min', 1], ['max', 3], ['mean', 2], ['sum', 6], ['count', 4], ['range', 2], ['diff', 2], ['delta', 2], ['median', 2], ['p50', 2]] as const)('%s', (calc, value) => {
    expect(reduce([1, 2, 3, null], calc)).toBe(value);
  });
  it('of nothing is nothing', () => expect(reduce([null, null], 'mean')).toBeNull());
  it('stacks, in percent too', () => {
    expect(stack([[1, 2], [3, null]], ['g', 'g'], false)).toEqual({values: [[1, 2], [4, null]], bands: [[0, -1], [1, 0]]});
    expect(stack([[1], [3], [9]], ['g', 'g', ''], true).values).toEqual([[0.25], [1], [9]]);
  });
  it('heatmaps take each bucket less the one below', () => {
    const frames = framesOfRange(matrix([{le: '+Inf'}, [[0, '5']]], [{le: '0.5'}, [[0, '2']]], [{le: '1'}, [[0, '4']]]), {...grid, end: 0}, {refId: 'A', expr: 'x', legendFormat: '{{le}}'});
    expect(heatOf(frames)).toMatchObject({labels: ['0.5', '1', '+Inf'], rows: [[2], [2], [1]]});
  });
  it('and so do other panels that are asked for the format of a heatmap', () => {
    const frames = framesOfRange(matrix([{le: '+Inf'}, [[0, '5']]], [{le: '10'}, [[0, '4']]], [{le: '2'}, [[0, '1']]]), {start: 0, end: 0, step: 1000}, {refId: 'A', expr: 'm', legendFormat: '{{le}}'});
    expect(singleBuckets(frames).map(({fields: [, field]}) => [field.displayName, ...field.values])).toEqual([['2', 1], ['10', 3], ['+Inf', 1]]);
    const others = framesOfRange(matrix([{gpu: '0'}, [[0, '5']]]), {start: 0, end: 0, step: 1000}, {refId: 'A', expr: 'm'});
    expect(singleBuckets(others)).toEqual(others);
  });

  it('annotations a step apart are one region', () => {
    expect(regions([0, 10, 20, 50, 90, 100], 10)).toEqual([{from: 0, to: 20}, {from: 50}, {from: 90, to: 100}]);
  });
});

describe('transformations', () => {
  const a = tableOfInstant(vector([{n: 'x'}, '1'], [{n: 'y'}, '2']), 'A', true);
  const b = tableOfInstant(vector([{n: 'x'}, '10']), 'B', true);
  const rows = (frames: readonly Frame[]) => frames.map((frame) => Object.fromEntries(frame.fields.map((field) => [field.displayName ?? field.name, field.values])));
  it('merge', () => expect(rows(transformed([...a, ...b], [{id: 'merge'}]).frames)).toEqual([{Time: [30_000, 30_000], n: ['x', 'y'], 'Value #A': [1, 2], 'Value #B': [10, null]}]));
  it('organize', () => expect(rows(transformed(a, [{id: 'organize', options: {excludeByName: {Time: true}, indexByName: {'Value #A': 0, n: 1}, renameByName: {'Value #A': 'V'}}}]).frames)).toEqual([{V: [1, 2], n: ['x', 'y']}]));
  it('joinByField', () => expect(rows(transformed([...a, ...b], [{id: 'joinByField', options: {byField: 'n', mode: 'outer'}}]).frames)[0]).toMatchObject({n: ['x', 'y'], 'Value #A': [1, 2], 'Value #B': [10, null]}));
  it('reduce', () => {
    const series = framesOfInstant(vector([{n: 'x'}, '1'], [{n: 'y'}, '3']), {refId: 'A', expr: '', legendFormat: '{{n}}'});
    expect(rows(transformed(series, [{id: 'reduce', options: {reducers: ['max', 'mean']}}]).frames)).toEqual([{Field: ['x', 'y'], Max: [1, 3], Mean: [1, 3]}]);
  });
  it('groupBy', () => expect(rows(transformed(a, [{id: 'groupBy', options: {fields: {n: {operation: 'groupby'}, 'Value #A': {operation: 'aggregate', aggregations: ['sum']}}}}]).frames)).toEqual([{n: ['x', 'y'], 'Value #A (sum)': [1, 2]}]));
  it('calculateField', () => expect(rows(transformed(a, [{id: 'calculateField', options: {mode: 'binary', alias: 'D', binary: {left: 'Value #A', operator: '*', right: '2'}}}]).frames)[0].D).toEqual([2, 4]));
  it('filterByValue, sortBy, limit', () => {
    expect(rows(transformed(a, [{id: 'filterByValue', options: {type: 'include', match: 'all', filters: [{fieldName: 'Value #A', config: {id: 'greater', options: {value: 1}}}]}}]).frames)[0].n).toEqual(['y']);
    expect(rows(transformed(a, [{id: 'sortBy', options: {sort: [{field: 'Value #A', desc: true}]}}, {id: 'limit', options: {limitField: 1}}]).frames)[0].n).toEqual(['y']);
  });
  it('one that is not known is named', () => expect(transformed(a, [{id: 'heatmap'}]).unknown).toEqual(['heatmap']));
  it('one that fails is named, and the rest goes on', () => expect(transformed(a, [{id: 'renameByRegex', options: {regex: '('}}]).unknown[0]).toContain('renameByRegex'));
});

describe('what a silence hits', () => {
  it('is read as amtool reads it', () => {
    expect(parseMatchers('a="x", b=~"y.*"\nc!=z')).toEqual([
      {name: 'a', value: 'x', isRegex: false, isEqual: true}, {name: 'b', value: 'y.*', isRegex: true, isEqual: true}, {name: 'c', value: 'z', isRegex: false, isEqual: false}]);
    expect(parseMatchers('a=')).toBeUndefined();
    expect(parseMatchers('nonsense')).toBeUndefined();
  });
  it('is anchored, and a label that is missing is empty', () => {
    const test = (text: string, labels: Record<string, string>) => hits(parseMatchers(text) ?? [], labels);
    expect(test('a=~"x"', {a: 'xy'})).toBe(false);
    expect(test('a=~"x.*"', {a: 'xy'})).toBe(true);
    expect(test('b=""', {a: 'x'})).toBe(true);
    expect(test('', {a: 'x'})).toBe(false);
  });
});
