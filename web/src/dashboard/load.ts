// The data of a panel: its targets asked, made frames, transformed and configured.
import {messageOf, Unreachable, type Answer, type QueryData} from '../api/client';
import {instantQuery, rangeQuery} from '../api/query';
import {onStep, parseDuration, parseTime, stepFor, type TimeRange} from '../time/range';
import type {Dot} from '../charts/plot_view';
import {loadExemplars} from './exemplars';
import {configured} from './field';
import {framesOfInstant, framesOfRange, tableOfInstant, tableOfRange, type Frame, type Grid} from './frame';
import {singleBuckets} from './heat';
import {interpolate, interpolateQuery, narrowed, type Scope} from './interpolate';
import {transformed} from './transform';
import type {Panel, Target} from './types';

export interface AskedQuery { refId: string; expr: string; instant: boolean; step: number; error?: string }
export interface PanelData {
  frames: Frame[];
  range: TimeRange;
  step: number;
  queries: AskedQuery[];
  warnings: string[];
  infos: string[];
  dots: Dot[];        // exemplars
  unknown: string[];  // transformations that are not known here
}

export const kScrapeInterval = 15_000;
const kMostSeries = 2000;
const kInstantPanels = new Set(['table']);

/** `timeFrom` and `timeShift` of a panel. */
export function panelRange(panel: Panel, range: TimeRange): TimeRange {
  let {from, to} = range;
  if (panel.timeFrom) from = parseTime(panel.timeFrom.startsWith('now') ? panel.timeFrom : `now-${panel.timeFrom}`, to) ?? from;
  if (panel.timeShift) {
    const shift = parseDuration(panel.timeShift) ?? 0;
    from -= shift;
    to -= shift;
  }
  return {from, to};
}

function gridOf(target: Target, panel: Panel, scope: Scope, range: TimeRange, points: number): Grid {
  const wish = interpolate(target.interval || panel.interval || '', scope).replace(/^>=?/, '');
  const least = parseDuration(wish) ?? kScrapeInterval;
  const step = stepFor(range.to - range.from, panel.maxDataPoints ?? points, least) * Math.max(1, target.intervalFactor ?? 1);
  const aligned = onStep(range, step);
  return {start: aligned.from, end: aligned.to, step};
}

function scrapeOf(target: Target, panel: Panel, scope: Scope): number {
  const wish = interpolate(target.interval || panel.interval || '', scope).replace(/^>=?/, '');
  return parseDuration(wish) ?? kScrapeInterval;
}

interface Asked { query: AskedQuery; frames: Frame[]; answer?: Answer<QueryData> }

async function ask(target: Target, panel: Panel, scope: Scope, range: TimeRange, points: number, several: boolean, signal: AbortSignal): Promise<Asked[]> {
  const refId = target.refId ?? 'A';
  const instant = target.instant === true || (target.range !== true && target.instant === undefined && kInstantPanels.has(panel.type) && target.format === 'table');
  const both = target.instant === true && target.range === true;
  const grid = gridOf(target, panel, scope, range, points);
  const expr = interpolateQuery(target.expr ?? '', scope, grid.step, scrapeOf(target, panel, scope));
  const naming = {refId, expr, legendFormat: target.legendFormat === undefined ? undefined : interpolate(target.legendFormat, scope)};
  const table = target.format === 'table';
  const one = async (isInstant: boolean): Promise<Asked> => {
    const query: AskedQuery = {refId, expr, instant: isInstant, step: grid.step};
    try {
      const answer = isInstant ? await instantQuery(expr, range.to, signal) : await rangeQuery(expr, grid.start, grid.end, grid.step, signal);
      if (answer.data.resultType === 'matrix' && answer.data.result.length > kMostSeries) {
        answer.warnings.push(`${answer.data.result.length} series: only the first ${kMostSeries} are shown`);
        answer.data.result = answer.data.result.slice(0, kMostSeries);
      }
      const frames = isInstant ? (table ? tableOfInstant(answer.data, refId, several) : framesOfInstant(answer.data, naming))
        : table && panel.type === 'table' ? tableOfRange(framesOfRange(answer.data, grid, naming), refId, several) : framesOfRange(answer.data, grid, naming);
      if (target.format !== 'heatmap') return {query, frames, answer};
      if (panel.type !== 'heatmap') return {query, frames: isInstant ? frames : singleBuckets(frames), answer};
      for (const frame of frames) frame.kind = 'heatmap';
      return {query, frames, answer};
    } catch (error) {
      if (signal.aborted || error instanceof Unreachable) throw error;  // what the panel shows stays
      return {query: {...query, error: messageOf(error)}, frames: []};
    }
  };
  return Promise.all(both ? [one(false), one(true)] : [one(instant)]);
}

/** What the same panel showed `before` milliseconds earlier, laid over now. */
function shiftedFrames(frames: Frame[], before: number, suffix: string): Frame[] {
  return frames.map((frame) => ({
    ...frame, name: `${frame.name ?? ''} ${suffix}`,
    fields: frame.fields.map((field) => (field.type === 'time' ? {...field, values: field.values.map((time) => Number(time) + before)}
      : {...field, displayName: `${field.displayName ?? field.name} ${suffix}`, config: {custom: {lineStyle: {fill: 'dash', dash: [4, 4]}, fillOpacity: 0}}})),
  }));
}

/** `points`: how many can be told apart at the panel's width. An error of one target does not take
    the others' answers away; it is in `queries`. */
export async function loadPanel(panel: Panel, outer: Scope, points: number, compare: string, signal: AbortSignal): Promise<PanelData> {
  const range = panelRange(panel, outer.range);
  const scope = {...narrowed(outer, panel.scope), range};
  const targets = panel.targets.filter((target) => !target.hide && target.expr);
  const asked = (await Promise.all(targets.map((target) => ask(target, panel, scope, range, points, targets.length > 1, signal)))).flat();
  let frames = asked.flatMap((one) => one.frames);
  const before = parseDuration(compare);
  if (before && panel.type === 'timeseries') {
    const earlier = {...scope, range: {from: range.from - before, to: range.to - before}};
    const answers = await Promise.all(targets.map((target) => ask(target, panel, earlier, earlier.range, points, targets.length > 1, signal)));
    frames = [...frames, ...shiftedFrames(answers.flat().flatMap((one) => one.frames), before, `−${compare}`)];
  }
  const exemplified = panel.type === 'timeseries' ? targets.filter((target) => target.exemplar) : [];
  const dots = (await Promise.all(exemplified.map((target) => (
    loadExemplars(interpolateQuery(target.expr ?? '', scope, asked[0]?.query.step ?? kScrapeInterval), range, signal).catch(() => []))))).flat();
  const result = transformed(frames, panel.transformations);
  return {
    frames: configured(result.frames, panel), range, step: asked[0]?.query.step ?? kScrapeInterval,
    queries: asked.map((one) => one.query),
    warnings: asked.flatMap((one) => one.answer?.warnings ?? []),
    infos: asked.flatMap((one) => one.answer?.infos ?? []),
    dots, unknown: result.unknown,
  };
}

export const isEmpty = (data: PanelData): boolean => data.frames.every((frame) => frame.length === 0
  || frame.fields.every((field) => field.type === 'time' || field.values.every((value) => value === null)));
