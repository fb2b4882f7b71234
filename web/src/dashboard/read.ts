// Grafana's JSON of any version → Dashboard: old kinds of panels and rows become today's. Input may
// be anything at all: what does not have the shape that it should is left out.
import type {AnnotationQuery, CustomConfig, Dashboard, DashboardLink, FieldConfig, Link, Panel, PanelOptions, Target, Thresholds, Variable} from './types';

type Json = Record<string, unknown>;

export const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const object = (value: unknown): Json => (isObject(value) ? value : {});
const objects = (value: unknown): Json[] => (Array.isArray(value) ? value.filter(isObject) : []);
const text = (value: unknown, fallback = ''): string => (typeof value === 'string' ? value : fallback);
const number = (value: unknown, fallback: number): number => {
  const parsed = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof parsed === 'number' && Number.isFinite(parsed) ? parsed : fallback;
};
const maybeNumber = (value: unknown): number | undefined => {
  const parsed = number(value, NaN);
  return Number.isNaN(parsed) ? undefined : parsed;
};

const within = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value));

// What may be under a name for the page to use it; anything else there is left out.
type Shape = (value: unknown) => boolean;
const list: Shape = (value) => Array.isArray(value) && value.every(isObject);
const words: Shape = (value) => typeof value === 'string';
const numeric: Shape = (value) => typeof value === 'number' && Number.isFinite(value);
const kFieldShapes: Record<string, Shape> = {
  mappings: list, links: list, thresholds: (value) => isObject(value) && list(value.steps), color: isObject, custom: isObject,
  unit: words, displayName: words, noValue: words, decimals: numeric, min: numeric, max: numeric,
};
const kOptionShapes: Record<string, Shape> = {legend: isObject, tooltip: isObject, reduceOptions: isObject, footer: isObject, yAxis: isObject, color: isObject, sortBy: list, content: words};

const sound = (json: Json, shapes: Record<string, Shape>): Json => (
  Object.fromEntries(Object.entries(json).filter(([name, value]) => shapes[name]?.(value) ?? true)));

const kMostPanels = 1000;
const kMostVariables = 200;

function readTargets(value: unknown): Target[] {
  return objects(value).map((target, index) => ({
    ...(target as unknown as Target),
    refId: text(target.refId) || String.fromCharCode(65 + index % 26),
    expr: text(target.expr) || text(target.query),
    legendFormat: typeof target.legendFormat === 'string' ? target.legendFormat : undefined,
    interval: text(target.interval) || undefined,
  }));
}

// --- panels of old ------------------------------------------------------------------------------

function thresholdsOfOld(panel: Json): Thresholds | undefined {
  const limits = text(panel.thresholds).split(',').filter((part) => part.trim() !== '').map(Number);
  const colors = Array.isArray(panel.colors) ? panel.colors.map((one) => text(one, 'green')) : [];
  if (!limits.length || limits.some(Number.isNaN)) return undefined;
  return {mode: 'absolute', steps: [{color: colors[0] ?? 'green', value: null},
    ...limits.map((value, index) => ({color: colors[index + 1] ?? 'red', value}))]};
}

const kOldCalcs: Record<string, string> = {
  current: 'lastNotNull', avg: 'mean', total: 'sum', min: 'min', max: 'max', first: 'first', delta: 'delta', diff: 'diff', range: 'range', name: 'lastNotNull',
};

function fromSinglestat(panel: Json): {type: string; options: PanelOptions; defaults: FieldConfig} {
  const gauge = object(panel.gauge);
  const mappings = objects(panel.valueMaps).map((map) => text(map.value) === 'null'
    ? {type: 'special' as const, options: {match: 'null', result: {text: text(map.text)}}}
    : {type: 'value' as const, options: {[text(map.value)]: {text: text(map.text)}}});
  return {
    type: gauge.show === true ? 'gauge' : 'stat',
    options: {
      reduceOptions: {calcs: [kOldCalcs[text(panel.valueName)] ?? 'mean']},
      colorMode: panel.colorBackground === true ? 'background' : panel.colorValue === true ? 'value' : 'none',
      graphMode: object(panel.sparkline).show === true ? 'area' : 'none',
      textMode: panel.valueName === 'name' ? 'name' : 'auto',
    },
    defaults: {
      unit: text(panel.format) || undefined, decimals: maybeNumber(panel.decimals), mappings,
      thresholds: thresholdsOfOld(panel), noValue: text(panel.nullText) || undefined,
      min: gauge.show === true ? number(gauge.minValue, 0) : undefined,
      max: gauge.show === true ? number(gauge.maxValue, 100) : undefined,
    },
  };
}

function fromGraph(panel: Json): {options: PanelOptions; defaults: FieldConfig} {
  const [left, right] = objects(panel.yaxes);
  const legend = object(panel.legend);
  const calcs = (['min', 'max', 'avg', 'current', 'total'] as const).filter((name) => legend[name] === true).map((name) => kOldCalcs[name]);
  const custom: CustomConfig = {
    drawStyle: panel.bars === true ? 'bars' : panel.lines === false ? 'points' : 'line',
    lineWidth: number(panel.linewidth, 1),
    fillOpacity: number(panel.fill, 1) * 10,
    stacking: {mode: panel.stack === true ? (panel.percentage === true ? 'percent' : 'normal') : 'none'},
    lineInterpolation: panel.steppedLine === true ? 'stepAfter' : 'linear',
    spanNulls: panel.nullPointMode === 'connected',
    axisLabel: text(left?.label) || undefined,
    scaleDistribution: number(left?.logBase, 1) > 1 ? {type: 'log', log: number(left?.logBase, 10)} : undefined,
  };
  return {
    options: {
      legend: {showLegend: legend.show !== false, displayMode: legend.alignAsTable === true ? 'table' : 'list', placement: legend.rightSide === true ? 'right' : 'bottom', calcs},
      tooltip: {mode: object(panel.tooltip).shared === false ? 'single' : 'multi'},
    },
    defaults: {unit: text(left?.format, text(right?.format)) || undefined, min: maybeNumber(left?.min), max: maybeNumber(left?.max), decimals: maybeNumber(panel.decimals), custom},
  };
}

function overridesOfGraph(panel: Json): Panel['fieldConfig']['overrides'] {
  const right = objects(panel.yaxes)[1];
  return objects(panel.seriesOverrides).map((one) => {
    const alias = text(one.alias);
    const regex = /^\/(.*)\/[a-z]*$/.exec(alias);
    const properties: {id: string; value: unknown}[] = [];
    if (typeof one.color === 'string') properties.push({id: 'color', value: {mode: 'fixed', fixedColor: one.color}});
    if (number(one.yaxis, 1) === 2) properties.push({id: 'custom.axisPlacement', value: 'right'}, {id: 'unit', value: text(right?.format, 'short')});
    if (typeof one.fill === 'number') properties.push({id: 'custom.fillOpacity', value: one.fill * 10});
    if (typeof one.linewidth === 'number') properties.push({id: 'custom.lineWidth', value: one.linewidth});
    if (one.transform === 'negative-Y') properties.push({id: 'custom.transform', value: 'negative-Y'});
    if (one.stack === false) properties.push({id: 'custom.stacking', value: {mode: 'none'}});
    if (one.bars === true) properties.push({id: 'custom.drawStyle', value: 'bars'});
    if (one.dashes === true) properties.push({id: 'custom.lineStyle', value: {fill: 'dash', dash: [8, 6]}});
    if (one.lines === false && one.bars !== true) properties.push({id: 'custom.drawStyle', value: 'points'});
    return {matcher: {id: regex ? 'byRegexp' : 'byName', options: regex ? alias : alias}, properties};
  });
}

function readPanel(source: Json, place: {y: number}, nextId: () => number): Panel {
  const grid = object(source.gridPos);
  const fieldConfig = object(source.fieldConfig);
  const panel: Panel = {
    id: number(source.id, 0) || nextId(),
    type: text(source.type, 'unknown'),
    title: text(source.title),
    description: text(source.description) || undefined,
    gridPos: {x: within(number(grid.x, 0), 0, 23), y: within(number(grid.y, place.y), 0, 100_000), w: within(number(grid.w, 24), 1, 24), h: within(number(grid.h, 8), 1, 200)},
    targets: readTargets(source.targets),
    options: sound(object(source.options), kOptionShapes) as PanelOptions,
    fieldConfig: {
      defaults: sound(object(fieldConfig.defaults), kFieldShapes) as FieldConfig,
      overrides: objects(fieldConfig.overrides).filter((one) => isObject(one.matcher))
        .map((one) => ({matcher: object(one.matcher) as {id: string}, properties: objects(one.properties).filter(({id, value}) => typeof id === 'string' && (kFieldShapes[id]?.(value) ?? true)) as {id: string}[]})),
    },
    transformations: objects(source.transformations) as unknown as Panel['transformations'],
    interval: text(source.interval) || undefined,
    maxDataPoints: maybeNumber(source.maxDataPoints),
    timeFrom: text(source.timeFrom) || undefined,
    timeShift: text(source.timeShift) || undefined,
    transparent: source.transparent === true,
    repeat: text(source.repeat) || undefined,
    repeatDirection: source.repeatDirection === 'v' ? 'v' : 'h',
    maxPerRow: maybeNumber(source.maxPerRow),
    links: objects(source.links) as unknown as Link[],
    collapsed: source.collapsed === true,
    datasource: source.datasource,
  };
  migrate(panel, source);
  if (panel.type === 'row') panel.panels = objects(source.panels).map((inner) => readPanel(inner, place, nextId));
  return panel;
}

function migrate(panel: Panel, source: Json): void {
  if (panel.type === 'graph') {
    const {options, defaults} = fromGraph(source);
    panel.type = object(source.xaxis).mode === 'series' ? 'barchart' : 'timeseries';
    panel.options = {...options, ...panel.options};
    panel.fieldConfig.defaults = {...defaults, ...panel.fieldConfig.defaults, custom: defaults.custom};
    panel.fieldConfig.overrides.push(...overridesOfGraph(source));
  } else if (panel.type === 'singlestat' || panel.type === 'grafana-singlestat-panel') {
    const {type, options, defaults} = fromSinglestat(source);
    panel.type = type;
    panel.options = {...options, ...panel.options};
    panel.fieldConfig.defaults = {...defaults, ...panel.fieldConfig.defaults};
  } else if (panel.type === 'table-old') {
    panel.type = 'table';
  } else if (panel.type === 'grafana-piechart-panel') {
    panel.type = 'piechart';
  } else if (panel.type === 'text' && panel.options.content === undefined) {
    panel.options = {content: text(source.content), mode: text(source.mode, 'markdown')};
  }
}

/** `rows` of before 2018: panels in spans of twelve. */
function fromRows(rows: Json[], nextId: () => number): Panel[] {
  const panels: Panel[] = [];
  let y = 0;
  for (const row of rows) {
    const height = Math.max(3, Math.round(number(text(row.height).replace('px', '') || row.height, 250) / 38));
    const inner = objects(row.panels);
    const titled = row.showTitle === true || row.collapse === true;
    let x = 0, top = y + (titled ? 1 : 0);
    const placed = inner.map((source) => {
      const w = Math.max(1, Math.min(24, number(source.span, 12) * 2));
      if (x + w > 24) { x = 0; top += height; }
      const panel = readPanel({...source, gridPos: {x, y: top, w, h: height}}, {y: top}, nextId);
      x += w;
      return panel;
    });
    if (titled) {
      const header = readPanel({type: 'row', title: row.title, collapsed: row.collapse === true, repeat: row.repeat, gridPos: {x: 0, y, w: 24, h: 1}}, {y}, nextId);
      if (header.collapsed) header.panels = placed.splice(0);
      panels.push(header);
    }
    panels.push(...placed);
    y = top + (inner.length ? height : 0);
  }
  return panels;
}

// --- the rest -----------------------------------------------------------------------------------

function readVariable(source: Json): Variable {
  return {
    ...(source as unknown as Variable),
    name: text(source.name),
    type: text(source.type, 'custom'),
    regex: text(source.regex) || undefined,
    allValue: text(source.allValue) || undefined,
    hide: number(source.hide, 0),
    options: objects(source.options).map((one) => ({text: String(one.text ?? ''), value: String(one.value ?? '')})),
    current: object(source.current) as Variable['current'],
  };
}

function readAnnotation(source: Json): AnnotationQuery {
  return {
    ...(source as unknown as AnnotationQuery),
    name: text(source.name), enable: source.enable !== false,
    expr: text(source.expr) || text(object(source.target).expr) || undefined,
  };
}

/** The dashboard inside what was given: also Grafana's export wrapper and its API's answer. */
export function unwrap(json: unknown): Json {
  const outer = object(json);
  return isObject(outer.dashboard) ? outer.dashboard : outer;
}

export function readDashboard(json: unknown): Dashboard {
  const source = unwrap(json);
  const notes: string[] = [];
  let last = 1_000_000;
  const nextId = (): number => ++last;
  let panels = Array.isArray(source.panels)
    ? objects(source.panels).map((panel, index) => readPanel(panel, {y: index * 8}, nextId))
    : fromRows(objects(source.rows), nextId);
  if (isObject(source.elements)) notes.push('This is a dashboard of schema v2 (kind and elements). Export it from Grafana as classic JSON.');
  if (panels.length > kMostPanels) {
    notes.push(`Only the first ${kMostPanels} of ${panels.length} panels are shown.`);
    panels = panels.slice(0, kMostPanels);
  }
  const time = object(source.time);
  return {
    uid: text(source.uid), title: text(source.title, 'Untitled'), description: text(source.description),
    tags: Array.isArray(source.tags) ? source.tags.filter((tag): tag is string => typeof tag === 'string') : [],
    panels,
    variables: objects(object(source.templating).list).slice(0, kMostVariables).map(readVariable).filter((one) => one.name),
    annotations: objects(object(source.annotations).list).map(readAnnotation).filter((one) => one.expr),
    links: objects(source.links) as DashboardLink[],
    time: {from: text(time.from, 'now-1h'), to: text(time.to, 'now')},
    refresh: text(source.refresh), timezone: text(source.timezone), version: number(source.version, 0),
    notes, source,
  };
}
