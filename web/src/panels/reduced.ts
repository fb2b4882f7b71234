// Panels that show numbers rather than time: each column reduced to one.
import {nameOf, type Field, type Value} from '../dashboard/frame';
import {interpolate} from '../dashboard/interpolate';
import {reduce} from '../dashboard/reduce';
import type {PanelProps} from './panel_props';

export interface Reduced { name: string; value: Value; field: Field; trend: readonly Value[]; key: string }

const kMost = 200;

/** `fields`: "" numbers only, or /regex/ of names. */
export function reducedValues({panel, data, scope}: PanelProps): Reduced[] {
  const {calcs = ['lastNotNull'], values = false, fields = '', limit} = panel.options.reduceOptions ?? {};
  const pattern = /^\/([\s\S]*)\/$/.exec(fields);
  const list: Reduced[] = [];
  for (const frame of data.frames) {
    const texts = frame.fields.filter((field) => field.type === 'string');
    for (const field of frame.fields) {
      const name = interpolate(nameOf(field, frame), scope);
      if (field.type === 'time' || (pattern ? !new RegExp(pattern[1]).test(name) : field.type !== 'number')) continue;
      if (values) {
        field.values.slice(0, limit ?? kMost).forEach((value, i) => list.push({
          name: texts.length ? texts.map((text) => String(text.values[i] ?? '')).join(' ') : name, value, field, trend: [], key: `${name}-${i}`}));
      } else {
        for (const calc of calcs.slice(0, 1)) list.push({name, value: reduce(field.values, calc), field, trend: field.values, key: `${frame.refId}-${name}-${list.length}`});
      }
    }
  }
  return list.slice(0, kMost);
}
