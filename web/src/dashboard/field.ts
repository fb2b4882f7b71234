// What a field looks like: the panel's defaults, overrides, thresholds, mappings and colours.
import {formatterOf, showNumber} from '../units/units';
import {colorOf, kPalette} from '../charts/colors';
import {nameOf, type Field, type Frame, type Value} from './frame';
import type {FieldConfig, Mapping, MappingResult, Override, Panel, Threshold, Thresholds} from './types';

export interface Display { text: string; prefix: string; suffix: string; color: string | undefined; number: number | undefined }

const strings = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : typeof value === 'string' ? [value] : []);

function regexOf(text: string): RegExp | undefined {
  const parts = /^\/([\s\S]*)\/([a-z]*)$/.exec(text);
  try {
    return parts ? new RegExp(parts[1], parts[2].replace('g', '')) : new RegExp(text);
  } catch {
    return undefined;
  }
}

function matches(override: Override, field: Field, frame: Frame): boolean {
  const {id, options} = override.matcher;
  const name = nameOf(field, frame);
  switch (id) {
    case 'byName': return name === options || field.name === options;
    case 'byRegexp': return regexOf(String(options))?.test(name) ?? false;
    case 'byNames': {
      const {names, mode} = (options ?? {}) as {names?: unknown; mode?: string};
      const among = strings(names).includes(name);
      return mode === 'exclude' ? !among : among;
    }
    case 'byFrameRefID': return frame.refId === options;
    case 'byType': return field.type === options;
    default: return false;
  }
}

/** Sets "custom.lineWidth" and the like. */
function setProperty(config: FieldConfig, id: string, value: unknown): FieldConfig {
  if (id.startsWith('custom.')) return {...config, custom: {...config.custom, [id.slice(7)]: value}};
  return {...config, [id]: value};
}

/** The frames with each field's configuration in place. */
export function configured(frames: readonly Frame[], panel: Panel): Frame[] {
  const {defaults, overrides} = panel.fieldConfig;
  return frames.map((frame) => ({
    ...frame,
    fields: frame.fields.map((field) => {
      let config: FieldConfig = field.type === 'time' ? {} : {...defaults, ...field.config};
      // A name that all would share says nothing where there are several.
      const named: Field = {...field, config};
      for (const override of overrides) {
        if (!matches(override, named, frame)) continue;
        for (const {id, value} of override.properties) config = setProperty(config, id, value);
      }
      return {...field, config};
    }),
  }));
}

/** Percentages are of the way from min to max. */
export function thresholdAt(thresholds: Thresholds | undefined, value: number, min = 0, max = 100): Threshold | undefined {
  if (!thresholds?.steps.length) return undefined;
  const at = thresholds.mode === 'percentage' ? (value - min) / (max - min) * 100 : value;
  let active: Threshold | undefined;
  for (const step of thresholds.steps) {
    if (step.value === null || step.value === undefined || at >= step.value) active = step;
  }
  return active ?? thresholds.steps[0];
}

function mapped(mappings: readonly Mapping[] | undefined, value: Value): MappingResult | undefined {
  for (const mapping of mappings ?? []) {
    switch (mapping.type) {
      case 'value': {
        const found = mapping.options?.[String(value)];
        if (found && value !== null) return found;
        break;
      }
      case 'range': {
        const {from, to, result} = mapping.options;
        if (typeof value === 'number' && (from === null || value >= from) && (to === null || value <= to)) return result;
        break;
      }
      case 'regex':
        if (value !== null && regexOf(mapping.options.pattern)?.test(String(value))) return mapping.options.result;
        break;
      case 'special': {
        const {match, result} = mapping.options;
        const isNaNValue = typeof value === 'number' && Number.isNaN(value);
        if ((match === 'null' && value === null) || (match === 'nan' && isNaNValue) || (match === 'null+nan' && (value === null || isNaNValue))
          || (match === 'true' && value === 1) || (match === 'false' && value === 0) || (match === 'empty' && value === '')) return result;
        break;
      }
    }
  }
  return undefined;
}

const kScheme: Record<string, string[]> = {
  'continuous-GrYlRd': ['green', 'yellow', 'red'], 'continuous-RdYlGr': ['red', 'yellow', 'green'], 'continuous-BlYlRd': ['blue', 'yellow', 'red'],
  'continuous-YlRd': ['yellow', 'red'], 'continuous-BlPu': ['blue', 'purple'], 'continuous-YlBl': ['yellow', 'blue'],
  'continuous-blues': ['#e6f0ff', 'blue'], 'continuous-reds': ['#ffe6e6', 'red'], 'continuous-greens': ['#e6ffe6', 'green'], 'continuous-purples': ['#f0e6ff', 'purple'],
};

function schemeColor(mode: string, share: number): string | undefined {
  const stops = kScheme[mode];
  if (!stops) return undefined;
  const place = Math.min(0.9999, Math.max(0, share)) * (stops.length - 1);
  const index = Math.floor(place);
  return `color-mix(in srgb, ${colorOf(stops[index])} ${Math.round((1 - (place - index)) * 100)}%, ${colorOf(stops[index + 1])})`;
}

/** The colour that a value has by the field's configuration. */
export function valueColor(config: FieldConfig, value: number | undefined): string | undefined {
  const mode = config.color?.mode ?? 'thresholds';
  if (mode === 'fixed') return config.color?.fixedColor ? colorOf(config.color.fixedColor) : undefined;
  if (mode.startsWith('continuous-')) {
    const min = config.min ?? 0, max = config.max ?? 100;
    return value === undefined ? undefined : schemeColor(mode, (value - min) / (max - min));
  }
  if (mode !== 'thresholds' || value === undefined) return undefined;
  const step = thresholdAt(config.thresholds, value, config.min, config.max);
  return step ? colorOf(step.color) : undefined;
}

/** A colour for a series: by its own value, or by its place in the palette. */
export function seriesColor(config: FieldConfig, index: number, last?: number): string {
  const mode = config.color?.mode ?? 'palette-classic';
  if (mode === 'fixed' && config.color?.fixedColor) return colorOf(config.color.fixedColor);
  if (mode === 'shades' && config.color?.fixedColor) return colorOf(config.color.fixedColor);
  if (mode === 'thresholds' || mode.startsWith('continuous-')) return valueColor(config, last) ?? kPalette[index % kPalette.length];
  return kPalette[index % kPalette.length];
}

export function display(config: FieldConfig, value: Value): Display {
  const number = typeof value === 'number' ? value : undefined;
  const color = valueColor(config, number);
  const map = mapped(config.mappings, value);
  if (map) {
    const text = map.text ?? (number === undefined ? String(value ?? '') : showNumber(number, config.unit, config.decimals));
    return {text, prefix: '', suffix: '', color: map.color ? colorOf(map.color) : color, number};
  }
  if (value === null || value === undefined || (number !== undefined && Number.isNaN(number))) {
    return {text: config.noValue ?? (value === null || value === undefined ? '–' : 'NaN'), prefix: '', suffix: '', color: undefined, number: undefined};
  }
  if (number === undefined) return {text: String(value), prefix: '', suffix: '', color, number};
  return {...formatterOf(config.unit)(number, config.decimals), color, number};
}

export const displayText = (config: FieldConfig, value: Value): string => {
  const {prefix, text, suffix} = display(config, value);
  return prefix + text + suffix;
};
