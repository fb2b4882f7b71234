import {readdirSync, readFileSync} from 'node:fs';
import {describe, expect, it} from 'vitest';
import {interpolate, interpolateQuery, kAll, type Scope, type VariableState} from '../src/dashboard/interpolate';
import {layout} from '../src/dashboard/layout';
import {readDashboard} from '../src/dashboard/read';
import type {Variable} from '../src/dashboard/types';
import {choose, filterOptions, inOrder, parseCustom, parseVariableQuery, sortOptions} from '../src/dashboard/variables';

const variable = (name: string, more: Partial<Variable> = {}): Variable => ({name, type: 'query', ...more});
function state(name: string, value: string | string[], options: string[] = [], more: Partial<Variable> = {}): [string, VariableState] {
  return [name, {variable: variable(name, more), options: options.map((text) => ({text, value: text})), current: {text: value, value}}];
}
const scope = (...states: [string, VariableState][]): Scope => ({variables: new Map(states), range: {from: 1_000_000, to: 4_600_000}});

describe('variables in expressions', () => {
  const several = {multi: true, includeAll: true};
  it('one value, several, all', () => {
    const where = scope(state('a', 'x'), state('b', ['10.0.0.1:80', 'y'], [], several), state('c', [kAll], [kAll, 'p', 'q'], several), state('d', [kAll], [kAll, 'p'], {...several, allValue: '.*'}));
    expect(interpolateQuery('m{a="$a"}', where)).toBe('m{a="x"}');
    expect(interpolateQuery('m{b=~"${b}"}', where)).toBe('m{b=~"(10\\\\.0\\\\.0\\\\.1:80|y)"}');
    expect(interpolateQuery('m{c=~"$c"}', where)).toBe('m{c=~"(p|q)"}');
    expect(interpolateQuery('m{d=~"[[d]]"}', where)).toBe('m{d=~".*"}');
  });
  it('formats', () => {
    const where = scope(state('b', ['x', 'y.z'], [], several));
    expect(interpolate('${b:csv} ${b:pipe} ${b:regex} ${b:json} ${b:raw} $b', where)).toBe('x,y.z x|y.z (x|y\\.z) ["x","y.z"] x,y.z x + y.z');
  });
  it('macros', () => {
    expect(interpolateQuery('rate(x[$__rate_interval]) $__interval ${__interval_ms} $__range $__range_s $__from', scope(), 30_000, 15_000))
      .toBe('rate(x[1m]) 30s 30000 3600s 3600 1000000');
  });
  it('what nobody defined stays as it is', () => {
    expect(interpolateQuery('m{a="$nobody"} $1', scope())).toBe('m{a="$nobody"} $1');
  });
});

describe('queries of variables', () => {
  it('are understood', () => {
    expect(parseVariableQuery('label_values(node)')).toEqual({kind: 'label_values', selector: '', label: 'node'});
    expect(parseVariableQuery('label_values(up{job=~"a,b", x="(y)"}, instance)')).toEqual({kind: 'label_values', selector: 'up{job=~"a,b", x="(y)"}', label: 'instance'});
    expect(parseVariableQuery('metrics(llm_.*)')).toEqual({kind: 'metrics', pattern: 'llm_.*'});
    expect(parseVariableQuery('query_result(topk(3, up))')).toEqual({kind: 'query_result', expr: 'topk(3, up)'});
    expect(parseVariableQuery('up{job="a"}')).toEqual({kind: 'series', selector: 'up{job="a"}'});
  });
  it('are filtered, named and sorted', () => {
    expect(filterOptions(['a:1', 'b:2', 'c'], '/(\\w):\\d/')).toEqual([{text: 'a', value: 'a'}, {text: 'b', value: 'b'}]);
    expect(filterOptions(['n="x",i="1"'], '/n="(?<text>[^"]+)",i="(?<value>[^"]+)"/')).toEqual([{text: 'x', value: '1'}]);
    expect(filterOptions(['a'], '/(/')).toHaveLength(1);
    const names = ['b10', 'b9', 'a'].map((text) => ({text, value: text}));
    expect(sortOptions(names, 1).map((one) => one.text)).toEqual(['a', 'b10', 'b9']);
    expect(sortOptions(names, 3).map((one) => one.text)).toEqual(['a', 'b9', 'b10']);
    expect(parseCustom('1, 2, five : 5, a\\,b').map((one) => one.value)).toEqual(['1', '2', '5', 'a,b']);
  });
  it('come in the order in which they depend on each other, also in a circle', () => {
    const list = [variable('c', {query: 'x{b="$b"}'}), variable('b', {query: {query: 'y{a="${a}"}'}}), variable('a', {query: 'z{c="$c"}'})];
    expect(inOrder(list).map((one) => one.name)).toEqual(['a', 'b', 'c']);
  });
  it('the URL decides, then the dashboard, then the first', () => {
    const options = ['p', 'q'].map((text) => ({text, value: text}));
    expect(choose(variable('a'), options, ['q']).value).toBe('q');
    expect(choose(variable('a', {current: {value: 'q'}}), options, []).value).toBe('q');
    expect(choose(variable('a', {current: {value: 'gone'}}), options, []).value).toBe('p');
    expect(choose(variable('a', {multi: true, includeAll: true}), options, ['All']).value).toEqual([kAll]);
  });
});

describe('dashboards of any age', () => {
  it('rows of old, graphs and single stats', () => {
    const {panels} = readDashboard({title: 'Old', rows: [{title: 'R', showTitle: true, height: '250px', panels: [
      {type: 'graph', span: 6, title: 'G', fill: 2, stack: true, yaxes: [{format: 'bytes', min: 0}, {format: 'short'}], seriesOverrides: [{alias: '/x/', yaxis: 2}], targets: [{expr: 'up'}]},
      {type: 'singlestat', span: 6, title: 'S', format: 'percent', thresholds: '50,80', colors: ['green', 'orange', 'red'], valueName: 'current', gauge: {show: true}, targets: [{expr: 'up'}]}]}]});
    expect(panels.map((panel) => [panel.type, panel.gridPos.w])).toEqual([['row', 24], ['timeseries', 12], ['gauge', 12]]);
    expect(panels[1].fieldConfig.defaults).toMatchObject({unit: 'bytes', min: 0, custom: {fillOpacity: 20, stacking: {mode: 'normal'}}});
    expect(panels[1].fieldConfig.overrides[0].properties).toContainEqual({id: 'custom.axisPlacement', value: 'right'});
    expect(panels[2].fieldConfig.defaults.thresholds?.steps.map((step) => step.color)).toEqual(['green', 'orange', 'red']);
  });
  it('anything else is no reason to fail', () => {
    for (const json of [null, 7, 'x', [], {}, {panels: 'no'}, {panels: [null, 1, {type: 5}]}, {templating: {list: [{}, null]}}, {dashboard: {rows: [{panels: {}}]}}]) {
      expect(() => readDashboard(json)).not.toThrow();
    }
    expect(readDashboard({panels: Array.from({length: 5000}, () => ({type: 'stat'}))}).notes[0]).toContain('1000 of 5000');
    expect(readDashboard({elements: {}}).notes[0]).toContain('v2');
  });
  it('repeats panels and rows, and folds rows', () => {
    const dashboard = readDashboard({panels: [
      {type: 'stat', title: '$n', repeat: 'n', gridPos: {x: 0, y: 0, w: 24, h: 4}}, {type: 'row', title: 'R', repeat: 'n', collapsed: true, gridPos: {x: 0, y: 4, w: 24, h: 1}, panels: [{type: 'stat', gridPos: {x: 0, y: 5, w: 6, h: 4}}]}]});
    const where = scope(state('n', ['a', 'b'], ['a', 'b'], {multi: true}));
    const placed = layout(dashboard.panels, where, new Set());
    expect(placed.map(({panel, x, y, w}) => [panel.type, x, y, w])).toEqual([['stat', 0, 0, 12], ['stat', 12, 0, 12], ['row', 0, 4, 24], ['row', 0, 5, 24]]);
    expect(placed[1].panel.scope?.n.value).toBe('b');
    expect(layout(dashboard.panels, where, new Set([placed[2].key])).map(({panel}) => panel.type)).toEqual(['stat', 'stat', 'row', 'stat', 'row']);
  });
});

describe('the dashboards that Strata brings', () => {
  const folder = new URL('../../dashboards/', import.meta.url);
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  it('are there', () => expect(files).toEqual(expect.arrayContaining(['business.json', 'engine.json', 'gpu.json'])));
  it.each(files)('%s has a place for every panel and only kinds that are drawn', (file) => {
    const dashboard = readDashboard(JSON.parse(readFileSync(new URL(file, folder), 'utf8')));
    expect(dashboard.notes).toEqual([]);
    const kinds = new Set(dashboard.panels.map((panel) => panel.type));
    for (const kind of kinds) expect(['row', 'timeseries', 'stat', 'gauge', 'bargauge', 'table', 'text', 'heatmap', 'piechart', 'barchart', 'state-timeline']).toContain(kind);
    const placed = layout(dashboard.panels, {variables: new Map(), range: {from: 0, to: 1}}, new Set());
    for (const one of placed) expect(one.x + one.w, one.panel.title).toBeLessThanOrEqual(24);
    expect(new Set(dashboard.panels.map((panel) => panel.id)).size).toBe(dashboard.panels.length);
  });
});
