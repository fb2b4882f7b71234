// Changes to a dashboard's JSON. What nobody here knows of it stays as it came, so that what is
// exported is still what Grafana wrote. Nothing is changed in place.
import {isObject, readDashboard} from '../dashboard/read';
import type {GridPos, Panel} from '../dashboard/types';

export type Json = Record<string, unknown>;

const panelsOf = (source: Json): Json[] => (Array.isArray(source.panels) ? source.panels.filter(isObject) : []);

/** The same with `panels` of today, which is what is edited: `rows` of old become them. */
export function modern(source: Json): Json {
  if (Array.isArray(source.panels)) return source;
  const {rows: _, ...rest} = source;
  return {...rest, panels: readDashboard(source).panels as unknown as Json[], schemaVersion: 39};
}

/** Calls `change` for the panel of that id, also one in a folded row; null takes it away. */
function mapPanels(panels: readonly Json[], id: number, change: (panel: Json) => Json | null): Json[] {
  return panels.flatMap((panel) => {
    if (panel.id === id) {
      const next = change(panel);
      return next ? [next] : [];
    }
    return Array.isArray(panel.panels) ? [{...panel, panels: mapPanels(panel.panels.filter(isObject), id, change)}] : [panel];
  });
}

/** `edited` in place of the panel of its id: what the editor knows is taken from it, a panel of an
    old kind becomes today's, and the rest of its JSON stays. */
export function withPanel(source: Json, edited: Panel): Json {
  const {id, type, title, description, gridPos, targets, options, fieldConfig, transformations, interval} = edited;
  return {...source, panels: mapPanels(panelsOf(source), id, (panel) => {
    const {seriesOverrides: _1, yaxes: _2, xaxis: _3, legend: _4, thresholds: _5, ...rest} = panel;
    const kept = panel.type === type ? panel : rest;  // of another kind now: what only the old one had goes
    return {...kept, type, title, description: description ?? '', gridPos, targets, options, fieldConfig, transformations, ...(interval ? {interval} : {})};
  })};
}

export const withoutPanel = (source: Json, id: number): Json => ({...source, panels: mapPanels(panelsOf(source), id, () => null)});

function nextId(panels: readonly Json[]): number {
  return panels.reduce((most, panel) => Math.max(most, Number(panel.id) || 0, Array.isArray(panel.panels) ? nextId(panel.panels.filter(isObject)) - 1 : 0), 0) + 1;
}

const bottomOf = (panels: readonly Json[]): number => panels.reduce((most, panel) => {
  const grid = isObject(panel.gridPos) ? panel.gridPos : {};
  return Math.max(most, (Number(grid.y) || 0) + (Number(grid.h) || 8));
}, 0);

/** A new panel below all others, and its id. */
export function withNewPanel(source: Json, like: Json = {}): {source: Json; id: number} {
  const panels = panelsOf(source), id = nextId(panels);
  const grid = isObject(like.gridPos) ? like.gridPos : {w: 12, h: 8};
  const panel = {
    type: 'timeseries', title: 'New panel', targets: [{refId: 'A', expr: ''}], options: {}, fieldConfig: {defaults: {}, overrides: []},
    ...like, id, gridPos: {...grid, x: 0, y: bottomOf(panels)},
  };
  return {source: {...source, panels: [...panels, panel]}, id};
}

export function withCopy(source: Json, id: number): {source: Json; id: number} {
  let found: Json | undefined;
  mapPanels(panelsOf(source), id, (panel) => { found = panel; return panel; });
  return withNewPanel(source, found ? {...found, title: `${String(found.title ?? '')} (copy)`} : {});
}

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, Math.round(value)));
export const placed = ({x, y, w, h}: GridPos): GridPos => {
  const width = clamp(w, 1, 24);
  return {w: width, h: clamp(h, 1, 60), x: clamp(x, 0, 24 - width), y: clamp(y, 0, 10_000)};
};

export const withPlace = (source: Json, id: number, gridPos: GridPos): Json => (
  {...source, panels: mapPanels(panelsOf(source), id, (panel) => ({...panel, gridPos: placed(gridPos)}))});

export interface Settings { title: string; description: string; tags: string[]; time: {from: string; to: string}; refresh: string; graphTooltip?: number }
export const withSettings = (source: Json, settings: Partial<Settings>): Json => ({...source, ...settings});

export interface VariableEdit { name: string; type: string; label: string; query: string; multi: boolean; includeAll: boolean }
const listOf = (source: Json): Json[] => {
  const {list} = isObject(source.templating) ? source.templating : {list: []};
  return Array.isArray(list) ? list.filter(isObject) : [];
};
/** The variables in their order; those of a name that is there keep what the form does not have. */
export function withVariables(source: Json, edits: readonly VariableEdit[]): Json {
  const before = new Map(listOf(source).map((one) => [one.name, one]));
  const list = edits.filter((one) => /^\w+$/.test(one.name)).map((one) => {
    const old: Json = before.get(one.name) ?? {refresh: 2, sort: 1, datasource: {type: 'prometheus', uid: '${datasource}'}};
    const query = isObject(old.query) ? {...old.query, query: one.query} : one.query;
    return {...old, ...one, query, ...(one.type === 'query' ? {definition: one.query} : {})};
  });
  return {...source, templating: {...(isObject(source.templating) ? source.templating : {}), list}};
}

export function variablesOf(source: Json): VariableEdit[] {
  return listOf(source).map((one) => ({
    name: String(one.name ?? ''), type: String(one.type ?? 'query'), label: String(one.label ?? ''),
    query: typeof one.query === 'string' ? one.query : isObject(one.query) ? String(one.query.query ?? '') : String(one.definition ?? ''),
    multi: one.multi === true, includeAll: one.includeAll === true,
  }));
}
