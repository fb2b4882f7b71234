// What pages work out before they draw: links of others, the topology, metrics, the wall, on call.
import {describe, expect, it, vi} from 'vitest';

// What modules of the page ask of a browser when they are loaded.
vi.hoisted(() => {
  const globals = {
    localStorage: {getItem: () => null, setItem: () => {}},
    matchMedia: () => ({matches: false, addEventListener: () => {}}),
    location: {pathname: '/', search: '', origin: 'http://x'},
    navigator: {language: 'en'},
    document: {documentElement: {lang: 'en', dataset: {}}, getElementById: () => null, addEventListener: () => {}},
  };
  for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
});
import {queriesOf, rangeOf} from '../src/explore/url';
import {describe as about, firstQuery} from '../src/explore/metrics';
import {matchersOf, placesOf, type Topology} from '../src/overview/topology';
import {daysOf} from '../src/pages/oncall';
import {nextBoard} from '../src/shell/tv';

describe('Explore\'s links', () => {
  const of = (text: string) => new URLSearchParams(text);
  it('Prometheus\'', () => {
    expect(queriesOf(of('g0.expr=up&g0.tab=1&g0.show_exemplars=1&g0.step_input=30&g1.expr=x&g1.display_mode=stacked'))).toEqual([
      {expr: 'up', tab: 'table', stacked: false, exemplars: true, step: 30_000}, {expr: 'x', tab: 'graph', stacked: true, exemplars: false, step: 0}]);
    expect(rangeOf(of('g0.range_input=2h'), 0)).toEqual({from: 'now-2h', to: 'now'});
    expect(rangeOf(of('g0.range_input=1h&g0.end_input=2026-11-24 03:00:00'), 0)).toEqual({from: Date.UTC(2026, 10, 24, 2), to: Date.UTC(2026, 10, 24, 3)});
    expect(rangeOf(of('g0.range_input=1h&from=now-5m'), 0)).toBeUndefined();
  });
  it('Grafana\'s, of now and of old', () => {
    const pane = {queries: [{expr: 'rate(x[1m])'}, {expr: 'y'}], range: {from: 'now-3h', to: 'now'}};
    for (const params of [of(`panes=${encodeURIComponent(JSON.stringify({abc: pane}))}`), of(`left=${encodeURIComponent(JSON.stringify(pane))}`)]) {
      expect(queriesOf(params).map(({expr}) => expr)).toEqual(['rate(x[1m])', 'y']);
      expect(rangeOf(params, 0)).toEqual({from: 'now-3h', to: 'now'});
    }
    for (const broken of ['panes=%7B', 'left=null', 'panes=[]', 'panes=7']) expect(queriesOf(of(broken))[0].expr).toBe('');
  });
});

describe('the topology', () => {
  const places = placesOf(
    [{model_name: 'a', instance: 'n0:8000'}, {model_name: 'b', instance: 'n0:8001'}, {model_name: 'a', instance: 'n1:8000'}],
    [{instance: 'n0:8000', node: 'n0', uuid: 'G1'}, {instance: 'n0:8000', node: 'n0', uuid: 'G2'}, {instance: 'n0:8001', node: 'n0', uuid: 'G3'}]);
  const topology: Topology = {places, gpus: new Map<string, Record<string, string>>([['G1', {node: 'n0', gpu: '0'}], ['G3', {node: 'n0', gpu: '2'}], ['G9', {instance: 'n1:9400', gpu: '0'}]])};
  const nothing = {model: '', instance: '', node: '', gpu: ''};
  it('nothing chosen leaves everything', () => {
    expect(matchersOf(nothing, topology)).toEqual({app: '', engine: '', infra: '', gpu: ''});
  });
  it('a GPU leaves the engine that uses it, its model, its node', () => {
    expect(matchersOf({...nothing, gpu: 'G3'}, topology)).toEqual({app: 'model_name=~"b"', engine: 'instance=~"n0:8001"', infra: 'node=~"n0"', gpu: 'uuid=~"G3"'});
  });
  it('a GPU whose user nobody told leaves what is on its node', () => {
    expect(matchersOf({...nothing, gpu: 'G9'}, topology)).toMatchObject({engine: 'instance=~"n1:8000"', infra: 'node=~"n1"', gpu: 'uuid=~"G9"'});
  });
  it('an engine leaves its GPUs; a model all of its engines', () => {
    expect(matchersOf({...nothing, instance: 'n0:8000'}, topology)).toMatchObject({gpu: 'uuid=~"G1|G2"', app: 'model_name=~"a"'});
    expect(matchersOf({...nothing, model: 'a'}, topology)).toMatchObject({engine: 'instance=~"n0:8000|n1:8000",model_name=~"a"', infra: 'node=~"n0|n1"'});
  });
  it('a node leaves both of its engines, and its GPUs by node', () => {
    expect(matchersOf({...nothing, node: 'n0'}, topology)).toEqual({app: 'model_name=~"a|b"', engine: 'instance=~"n0:8000|n0:8001"', infra: 'node=~"n0"', gpu: 'node=~"n0"'});
  });
});

describe('the metric explorer', () => {
  it('a family is one row, with the catalog\'s words first', () => {
    const rows = about(['a_bucket', 'a_count', 'a_sum', 'b_total', 'lonely_count'], [{name: 'a', type: 'histogram', unit: 'seconds', help: 'The catalog\'s.'}], {b_total: [{type: 'counter', help: 'Its own.', unit: ''}], a: [{type: 'histogram', help: 'No.', unit: ''}]});
    expect(rows.map(({family, type, help}) => [family, type, help])).toEqual([
      ['a', 'histogram', 'The catalog\'s.'], ['b_total', 'counter', 'Its own.'], ['lonely', 'unknown', undefined]]);
  });
  it('asks of a metric what its type is good for', () => {
    expect(firstQuery('a', 'histogram')).toContain('histogram_quantile(0.95, sum by (le) (rate(a_bucket');
    expect(firstQuery('b_total', 'counter')).toBe('sum(rate(b_total[$__rate_interval]))');
    expect(firstQuery('c', 'gauge')).toBe('c');
  });
});

describe('a screen on the wall', () => {
  it('goes round', () => {
    const boards = ['overview', 'gpu', 'x'];
    expect(nextBoard(boards, '/overview')).toBe('gpu');
    expect(nextBoard(boards, '/')).toBe('gpu');
    expect(nextBoard(boards, '/d/gpu/slug')).toBe('x');
    expect(nextBoard(boards, '/d/x')).toBe('overview');
    expect(nextBoard(boards, '/elsewhere')).toBe('overview');
    expect(nextBoard([], '/')).toBeUndefined();
  });
});

describe('the calendar', () => {
  it('cuts slots by days', () => {
    const day = new Date(2026, 10, 24).getTime(), hour = 3_600_000;
    const slot = (person: string | null, since: number, until: number) => ({person, from: 'layer 1', since: new Date(since).toISOString(), until: new Date(until).toISOString()});
    const days = daysOf([slot('alice', day + 9 * hour, day + 33 * hour), slot(null, day + 33 * hour, day + 48 * hour)], day + 12 * hour, 2);
    expect(days.map(({parts}) => parts.map(({person, share}) => [person, Math.round(share * 24)]))).toEqual([[['alice', 15]], [['alice', 9], ['', 15]]]);
  });
});
