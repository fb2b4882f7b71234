// Answers as frames, Grafana's model of data: columns of one length, each with labels and a
// configuration. Panels and transformations know nothing else.
import {sampleNumber, type Labels, type QueryData} from '../api/client';
import type {FieldConfig} from './types';

export type Value = number | string | null;
export interface Field {
  name: string;
  type: 'time' | 'number' | 'string';
  values: readonly Value[];
  labels: Labels;
  config: FieldConfig;
  displayName?: string;  // from legendFormat or a transformation; the config's wins
}
export interface Frame { refId: string; name?: string; fields: Field[]; length: number; kind?: 'heatmap' }

export const timeField = (values: readonly number[]): Field => ({name: 'Time', type: 'time', values, labels: {}, config: {}});

/** {a="1", b="2"} with the metric's name before it. */
export function seriesName(labels: Labels): string {
  const {__name__: name = '', ...rest} = labels;
  const pairs = Object.entries(rest).map(([key, value]) => `${key}="${value}"`);
  return pairs.length ? `${name}{${pairs.join(', ')}}` : name || '{}';
}

/** Grafana's legendFormat: `{{label}}`. */
export function legendText(format: string, labels: Labels): string {
  return format.replace(/\{\{\s*(.+?)\s*\}\}/g, (_, name: string) => labels[name] ?? '');
}

/** Grafana's "Auto" legends: only the labels in which the series differ, or what is asked where they are one. */
export function autoNames(all: readonly Labels[], expression: string): string[] {
  if (all.length === 1) {
    const {__name__: name, ...rest} = all[0];
    const pairs = Object.entries(rest);
    if (!pairs.length) return [name ?? expression];
    return [name ? seriesName(all[0]) : pairs.map(([key, value]) => (pairs.length === 1 ? value : `${key}="${value}"`)).join(', ')];
  }
  const keys = [...new Set(all.flatMap((labels) => Object.keys(labels)))];
  const differing = keys.filter((key) => all.some((labels) => labels[key] !== all[0][key]));
  if (!differing.length) return all.map(seriesName);
  return all.map((labels) => (differing.length === 1 ? labels[differing[0]] ?? '' : seriesName(Object.fromEntries(
    differing.filter((key) => labels[key] !== undefined).map((key) => [key, labels[key]])))));
}

export interface Grid { start: number; end: number; step: number }  // milliseconds

export function gridTimes({start, end, step}: Grid): number[] {
  const size = Math.floor((end - start) / step + 1e-6) + 1;
  return Array.from({length: Math.max(0, size)}, (_, i) => start + i * step);
}

interface Naming { refId: string; expr: string; legendFormat?: string }

function namesOf(all: readonly Labels[], naming: Naming): string[] {
  const {legendFormat} = naming;
  if (legendFormat === '__auto') return autoNames(all, naming.expr);
  if (!legendFormat) return all.map((labels) => (Object.keys(labels).length ? seriesName(labels) : naming.expr));
  return all.map((labels) => legendText(legendFormat, labels));
}

/** One frame a series; all share one list of times, on which a missing sample is null. */
export function framesOfRange(data: QueryData, grid: Grid, naming: Naming): Frame[] {
  if (data.resultType !== 'matrix') return [];
  const times = gridTimes(grid);
  const shown = data.result.filter((series) => series.values);
  const names = namesOf(shown.map((series) => series.metric), naming);
  return shown.map((series, index) => {
    const values = new Array<number | null>(times.length).fill(null);
    for (const [at, text] of series.values ?? []) {
      const slot = Math.round((at * 1000 - grid.start) / grid.step);
      const value = sampleNumber(text);
      if (slot >= 0 && slot < values.length) values[slot] = Number.isNaN(value) ? null : value;
    }
    return {
      refId: naming.refId, name: names[index], length: times.length,
      fields: [timeField(times), {name: 'Value', type: 'number', values, labels: series.metric, config: {}, displayName: names[index]}],
    };
  });
}

/** One frame a sample, as Grafana makes of an instant query that is not shown as a table. */
export function framesOfInstant(data: QueryData, naming: Naming): Frame[] {
  const samples = samplesOf(data);
  const names = namesOf(samples.map((sample) => sample.labels), naming);
  return samples.map(({labels, time, value}, index) => ({
    refId: naming.refId, name: names[index], length: 1,
    fields: [timeField([time]), {name: 'Value', type: 'number', values: [value], labels, config: {}, displayName: names[index]}],
  }));
}

function samplesOf(data: QueryData): {labels: Labels; time: number; value: number}[] {
  if (data.resultType === 'vector') {
    return data.result.flatMap(({metric, value}) => (value ? [{labels: metric, time: value[0] * 1000, value: sampleNumber(value[1])}] : []));
  }
  if (data.resultType === 'scalar') return [{labels: {}, time: data.result[0] * 1000, value: sampleNumber(data.result[1])}];
  return [];
}

/** One frame with a row a sample and a column a label: format "table". */
export function tableOfInstant(data: QueryData, refId: string, several: boolean): Frame[] {
  const samples = samplesOf(data);
  if (!samples.length) return [];
  const keys = [...new Set(samples.flatMap(({labels}) => Object.keys(labels)))].sort();
  return [{
    refId, length: samples.length,
    fields: [
      timeField(samples.map(({time}) => time)),
      ...keys.map((key): Field => ({name: key, type: 'string', values: samples.map(({labels}) => labels[key] ?? ''), labels: {}, config: {}})),
      {name: several ? `Value #${refId}` : 'Value', type: 'number', values: samples.map(({value}) => value), labels: {}, config: {}},
    ],
  }];
}

/** The same of a range query: a row a point. */
export function tableOfRange(frames: readonly Frame[], refId: string, several: boolean): Frame[] {
  const keys = [...new Set(frames.flatMap((frame) => Object.keys(frame.fields[1].labels)))].sort();
  const rows = frames.flatMap((frame) => frame.fields[0].values.map((time, row) => (
    {time: time as number, labels: frame.fields[1].labels, value: frame.fields[1].values[row]})))
    .filter((row) => row.value !== null).sort((a, b) => a.time - b.time);
  if (!rows.length) return [];
  return [{
    refId, length: rows.length,
    fields: [
      timeField(rows.map((row) => row.time)),
      ...keys.map((key): Field => ({name: key, type: 'string', values: rows.map((row) => row.labels[key] ?? ''), labels: {}, config: {}})),
      {name: several ? `Value #${refId}` : 'Value', type: 'number', values: rows.map((row) => row.value), labels: {}, config: {}},
    ],
  }];
}

export function nameOf(field: Field, frame: Frame): string {
  const {displayName} = field.config;
  if (displayName) {
    return displayName.replace(/\$\{__field\.labels\.([^}]+)\}/g, (_, key: string) => field.labels[key] ?? '')
      .replace(/\$\{__(field|series)\.name\}/g, () => field.displayName ?? frame.name ?? field.name)
      .replace(/\$\{__field\.displayName\}/g, () => field.displayName ?? field.name);
  }
  return field.displayName ?? field.name;
}
