// Editing keeps what nobody here knows, and changes nothing in place.
import {describe, expect, it} from 'vitest';
import {modern, placed, variablesOf, withCopy, withNewPanel, withoutPanel, withPanel, withPlace, withVariables, type Json} from '../src/edit/draft';
import {readDashboard} from '../src/dashboard/read';

const source: Json = {title: 'T', uid: 'u', mystery: {a: 1}, panels: [
  {id: 1, type: 'timeseries', title: 'One', gridPos: {x: 0, y: 0, w: 12, h: 8}, targets: [{refId: 'A', expr: 'up', hidden_thing: 1}], pluginVersion: '11', options: {}, fieldConfig: {defaults: {custom: {unknownToUs: true}}, overrides: []}},
  {id: 2, type: 'row', title: 'Row', collapsed: true, gridPos: {x: 0, y: 8, w: 24, h: 1}, panels: [{id: 3, type: 'stat', title: 'Inner', gridPos: {x: 0, y: 9, w: 6, h: 4}, targets: []}]},
]};
const panel = (id: number) => readDashboard(source).panels.flatMap((one) => [one, ...one.panels ?? []]).find((one) => one.id === id)!;
const panelsOf = (json: Json): Json[] => json.panels as Json[];

describe('a draft', () => {
  it('keeps what the forms do not have', () => {
    const next = withPanel(source, {...panel(1), title: 'Renamed'});
    const [first] = panelsOf(next);
    expect(first).toMatchObject({title: 'Renamed', pluginVersion: '11', targets: [{expr: 'up', hidden_thing: 1}], fieldConfig: {defaults: {custom: {unknownToUs: true}}}});
    expect(next.mystery).toEqual({a: 1});
    expect(panelsOf(source)[0].title).toBe('One');
  });
  it('reaches panels in folded rows', () => {
    const next = withPanel(source, {...panel(3), title: 'Deep'});
    expect((panelsOf(next)[1].panels as Json[])[0].title).toBe('Deep');
    expect((panelsOf(withoutPanel(source, 3))[1].panels as Json[])).toEqual([]);
  });
  it('gives new panels an id that nobody has, below all others', () => {
    const {source: next, id} = withNewPanel(source);
    expect(id).toBe(4);
    expect(panelsOf(next)[2]).toMatchObject({id: 4, gridPos: {x: 0, y: 9, w: 12, h: 8}});
    const copy = withCopy(source, 1);
    expect(panelsOf(copy.source)[2]).toMatchObject({id: copy.id, title: 'One (copy)', pluginVersion: '11'});
  });
  it('keeps places on the grid', () => {
    expect(placed({x: 30, y: -2, w: 40, h: 0})).toEqual({x: 0, y: 0, w: 24, h: 1});
    expect(panelsOf(withPlace(source, 1, {x: 20.4, y: 3, w: 12, h: 5}))[0].gridPos).toEqual({x: 12, y: 3, w: 12, h: 5});
  });
  it('makes today\'s panels of rows and graphs of old', () => {
    const old = {title: 'Old', rows: [{title: 'R', panels: [{id: 1, type: 'graph', title: 'G', span: 6, yaxes: [{format: 's'}], targets: [{expr: 'up'}]}]}]};
    const next = modern(old);
    expect(next.rows).toBeUndefined();
    expect(panelsOf(next)[0]).toMatchObject({type: 'timeseries', title: 'G'});
    const graph: Json = {title: 'G', panels: [{id: 1, type: 'graph', yaxes: [{format: 's'}], seriesOverrides: [], targets: [{expr: 'up'}]}]};
    const edited = panelsOf(withPanel(graph, readDashboard(graph).panels[0]))[0];
    expect(edited).toMatchObject({type: 'timeseries', fieldConfig: {defaults: {unit: 's'}}});
    expect(edited.yaxes).toBeUndefined();
  });
  it('an exported draft is read again as the same panels', () => {
    const next = withPanel(source, {...panel(1), title: 'Again'});
    expect(readDashboard(JSON.parse(JSON.stringify(next))).panels[0]).toMatchObject({title: 'Again', targets: [{expr: 'up'}]});
  });
  it('edits variables and keeps what their form does not have', () => {
    const board: Json = {templating: {list: [{name: 'job', type: 'query', query: {query: 'label_values(job)', refId: 'x'}, regex: '/a/', multi: true}], more: 1}};
    const [job] = variablesOf(board);
    const next = withVariables(board, [{...job, label: 'Job'}, {name: 'bad name', type: 'query', label: '', query: '', multi: false, includeAll: false}, {name: 'n', type: 'custom', label: '', query: 'a,b', multi: false, includeAll: true}]);
    expect(next.templating).toMatchObject({more: 1, list: [{name: 'job', label: 'Job', regex: '/a/', query: {query: 'label_values(job)', refId: 'x'}}, {name: 'n', query: 'a,b', includeAll: true}]});
    expect(variablesOf(next)).toHaveLength(2);
  });
});
