// Grafana's transformations of frames. One that is not known is named, not skipped in silence.
import {nameOf, timeField, type Field, type Frame, type Value} from './frame';
import {kReducers, reduce} from './reduce';
import {isObject} from './read';
import type {Transformation} from './types';

type Options = Record<string, unknown>;
type Transform = (frames: readonly Frame[], options: Options) => Frame[];

const strings = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);
const record = (value: unknown): Record<string, unknown> => (isObject(value) ? value : {});
const text = (value: unknown): string | undefined => (typeof value === 'string' && value ? value : undefined);

const makeFrame = (refId: string, fields: Field[]): Frame => ({refId, fields, length: fields[0]?.values.length ?? 0});
const column = (name: string, values: Value[], like?: Field): Field => ({
  name, values, labels: like?.labels ?? {}, config: like?.config ?? {},
  type: like?.type ?? (values.some((value) => typeof value === 'string') ? 'string' : 'number'),
});
const renamed = (field: Field, name: string): Field => ({...field, name, displayName: name});

function findField(frame: Frame, name: string): Field | undefined {
  return frame.fields.find((field) => nameOf(field, frame) === name) ?? frame.fields.find((field) => field.name === name);
}

function organize(frames: readonly Frame[], options: Options): Frame[] {
  const exclude = record(options.excludeByName), index = record(options.indexByName), rename = record(options.renameByName);
  return frames.map((frame) => {
    const kept = frame.fields.map((field) => ({field, name: nameOf(field, frame)})).filter(({name}) => exclude[name] !== true);
    const place = (name: string): number => (typeof index[name] === 'number' ? index[name] as number : 1000);
    kept.sort((a, b) => place(a.name) - place(b.name));
    return {...frame, fields: kept.map(({field, name}) => (text(rename[name]) ? renamed(field, String(rename[name])) : field))};
  });
}

function filterFieldsByName(frames: readonly Frame[], options: Options): Frame[] {
  const include = record(options.include), exclude = record(options.exclude);
  const test = (rule: Record<string, unknown>, name: string): boolean => {
    if (strings(rule.names).includes(name)) return true;
    const pattern = text(rule.pattern);
    if (!pattern) return false;
    const parts = /^\/([\s\S]*)\/([a-z]*)$/.exec(pattern);
    return new RegExp(parts ? parts[1] : pattern).test(name);
  };
  const some = (rule: Record<string, unknown>): boolean => strings(rule.names).length > 0 || !!text(rule.pattern);
  return frames.map((frame) => ({
    ...frame,
    fields: frame.fields.filter((field) => {
      const name = nameOf(field, frame);
      return (!some(include) || test(include, name)) && !(some(exclude) && test(exclude, name));
    }),
  }));
}

/** Rows of all frames under each other; rows that agree in every shared column become one. */
function merge(frames: readonly Frame[]): Frame[] {
  const filled = frames.filter((frame) => frame.fields.length);
  if (filled.length <= 1) return [...filled];
  const names: string[] = [];
  const like = new Map<string, Field>();
  for (const frame of filled) {
    for (const field of frame.fields) {
      const name = nameOf(field, frame);
      if (!like.has(name)) { names.push(name); like.set(name, field); }
    }
  }
  const shared = names.filter((name) => filled.every((frame) => findField(frame, name)) && like.get(name)?.type !== 'number');
  const rows = new Map<string, Map<string, Value>>();
  filled.forEach((frame, at) => {
    for (let i = 0; i < frame.length; i += 1) {
      const row = new Map(frame.fields.map((field) => [nameOf(field, frame), field.values[i]]));
      const key = shared.length ? JSON.stringify(shared.map((name) => row.get(name))) : `${at}-${i}`;
      const before = rows.get(key);
      if (before) for (const [name, value] of row) { if (!before.has(name)) before.set(name, value); }
      else rows.set(key, row);
    }
  });
  const list = [...rows.values()];
  return [makeFrame(filled[0].refId, names.map((name) => ({...column(name, list.map((row) => row.get(name) ?? null), like.get(name))})))];
}

/** One frame with a row a value of `byField` (time, when none is named). */
function joinByField(frames: readonly Frame[], options: Options): Frame[] {
  const filled = frames.filter((frame) => frame.length);
  if (filled.length <= 1) return [...filled];
  const by = text(options.byField);
  const keyOf = (frame: Frame): Field | undefined => (by ? findField(frame, by) : frame.fields.find((field) => field.type === 'time'));
  const joined = filled.filter(keyOf);
  if (!joined.length) return [...filled];
  const keys = new Map<Value, number>();
  for (const frame of joined) for (const value of keyOf(frame)?.values ?? []) if (!keys.has(value)) keys.set(value, keys.size);
  let wanted = [...keys.keys()];
  if (options.mode === 'inner') {
    const sets = joined.map((frame) => new Set(keyOf(frame)?.values));
    wanted = wanted.filter((value) => sets.every((set) => set.has(value)));
  }
  const first = keyOf(joined[0]);
  if (first?.type === 'time') wanted.sort((a, b) => Number(a) - Number(b));
  const fields: Field[] = [first?.type === 'time' ? timeField(wanted as number[]) : column(first?.name ?? 'Field', wanted, first)];
  for (const frame of joined) {
    const key = keyOf(frame);
    const row = new Map(key?.values.map((value, i) => [value, i]));
    for (const field of frame.fields) {
      if (field === key) continue;
      fields.push({...field, values: wanted.map((value) => {
        const at = row.get(value);
        return at === undefined ? null : field.values[at];
      })});
    }
  }
  // Columns of one name are told apart by their frame.
  const count = new Map<string, number>();
  for (const field of fields) count.set(field.displayName ?? field.name, (count.get(field.displayName ?? field.name) ?? 0) + 1);
  const seen = new Map<string, number>();
  return [makeFrame(joined[0].refId, fields.map((field) => {
    const name = field.displayName ?? field.name;
    if ((count.get(name) ?? 0) < 2) return field;
    const nth = (seen.get(name) ?? 0) + 1;
    seen.set(name, nth);
    return renamed(field, `${name} ${nth}`);
  }))];
}

function reduceFrames(frames: readonly Frame[], options: Options): Frame[] {
  const calcs = strings(options.reducers);
  if (options.mode === 'reduceFields') {
    return frames.map((frame) => makeFrame(frame.refId, frame.fields.filter((field) => field.type === 'number')
      .map((field) => ({...field, values: [reduce(field.values, calcs[0] ?? 'lastNotNull')]}))));
  }
  const rows = frames.flatMap((frame) => frame.fields.filter((field) => field.type === 'number').map((field) => ({frame, field})));
  const labels = options.labelsToFields === true ? [...new Set(rows.flatMap(({field}) => Object.keys(field.labels)))] : [];
  return [makeFrame(frames[0]?.refId ?? 'A', [
    column('Field', rows.map(({frame, field}) => nameOf(field, frame))),
    ...labels.map((label) => column(label, rows.map(({field}) => field.labels[label] ?? ''))),
    ...calcs.map((calc) => ({...column(kReducers[calc] ?? calc, rows.map(({field}) => reduce(field.values, calc))), type: 'number' as const})),
  ])];
}

function groupBy(frames: readonly Frame[], options: Options): Frame[] {
  const rules = record(options.fields);
  const rule = (name: string): {operation?: unknown; aggregations?: unknown} => record(rules[name]);
  return frames.flatMap((frame) => {
    const keys = frame.fields.filter((field) => rule(nameOf(field, frame)).operation === 'groupby');
    if (!keys.length) return [];
    const groups = new Map<string, number[]>();
    for (let i = 0; i < frame.length; i += 1) {
      const key = JSON.stringify(keys.map((field) => field.values[i]));
      groups.set(key, [...groups.get(key) ?? [], i]);
    }
    const rows = [...groups.values()];
    const fields: Field[] = keys.map((field) => ({...field, values: rows.map((row) => field.values[row[0]])}));
    for (const field of frame.fields) {
      const {operation, aggregations} = rule(nameOf(field, frame));
      if (operation !== 'aggregate') continue;
      for (const calc of strings(aggregations)) {
        fields.push(renamed({...field, type: 'number', values: rows.map((row) => reduce(row.map((i) => field.values[i]), calc))}, `${nameOf(field, frame)} (${calc})`));
      }
    }
    return [makeFrame(frame.refId, fields)];
  });
}

function operate(left: Value, operator: string, right: Value): Value {
  if (typeof left !== 'number' || typeof right !== 'number') return null;
  switch (operator) {
    case '+': return left + right;
    case '-': return left - right;
    case '*': return left * right;
    case '/': return left / right;
    case '%': return left % right;
    case '^': return left ** right;
    default: return null;
  }
}

function calculateField(frames: readonly Frame[], options: Options): Frame[] {
  return (frames.length > 1 && frames.every((frame) => frame.fields.some((field) => field.type === 'time')) ? joinByField(frames, {}) : frames)
    .map((frame) => {
      const rows = [...Array(frame.length).keys()];
      let made: Field;
      if (options.mode === 'binary') {
        const {left, operator, right} = record(options.binary);
        const side = (given: unknown): ((i: number) => Value) => {
          const name = isObject(given) ? text(record(given.matcher).options) ?? text(given.fixed) : text(given);
          const field = name === undefined ? undefined : findField(frame, name);
          const constant = Number(name ?? NaN);
          return field ? (i) => field.values[i] : () => (Number.isNaN(constant) ? null : constant);
        };
        const [a, b] = [side(left), side(right)];
        made = column(text(options.alias) ?? 'Result', rows.map((i) => operate(a(i), String(operator ?? '+'), b(i))));
      } else if (options.mode === 'index') {
        made = column(text(options.alias) ?? 'Row', rows);
      } else {
        const rule = record(options.reduce);
        const wanted = strings(rule.include);
        const among = frame.fields.filter((field) => field.type === 'number' && (!wanted.length || wanted.includes(nameOf(field, frame))));
        const calc = text(rule.reducer) ?? 'sum';
        made = column(text(options.alias) ?? kReducers[calc] ?? calc, rows.map((i) => reduce(among.map((field) => field.values[i]), calc)));
      }
      made = renamed({...made, type: 'number'}, made.name);
      const kept = options.replaceFields === true ? frame.fields.filter((field) => field.type === 'time') : frame.fields;
      return makeFrame(frame.refId, [...kept, made]);
    });
}

function labelsToFields(frames: readonly Frame[], options: Options): Frame[] {
  const keep = strings(options.keepLabels);
  if (options.mode === 'rows') {
    return frames.flatMap((frame) => frame.fields.filter((field) => field.type === 'number').map((field) => {
      const pairs = Object.entries(field.labels).filter(([key]) => !keep.length || keep.includes(key));
      return makeFrame(frame.refId, [column('label', pairs.map(([key]) => key)), column('value', pairs.map(([, value]) => value))]);
    }));
  }
  const wide = frames.map((frame) => {
    const labels = Object.assign({}, ...frame.fields.map((field) => field.labels)) as Record<string, string>;
    const columns = Object.entries(labels).filter(([key]) => !keep.length || keep.includes(key)).map(([key, value]) => (
      column(key, Array<Value>(frame.length).fill(value))));
    const times = frame.fields.filter((field) => field.type === 'time');
    return makeFrame(frame.refId, [...times, ...columns, ...frame.fields.filter((field) => field.type !== 'time').map((field) => (
      {...field, labels: {}, displayName: text(options.valueLabel) ? labels[String(options.valueLabel)] : undefined}))]);
  });
  return merge(wide);
}

function sortBy(frames: readonly Frame[], options: Options): Frame[] {
  const [rule] = Array.isArray(options.sort) ? options.sort.map(record) : [];
  if (!rule) return [...frames];
  return frames.map((frame) => {
    const field = findField(frame, String(rule.field));
    return field ? withRows(frame, sortedRows(field.values, rule.desc === true)) : frame;
  });
}

export function sortedRows(values: readonly Value[], descending: boolean): number[] {
  const compare = (a: Value, b: Value): number => {
    if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
    const order = typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b), 'en', {numeric: true});
    return descending ? -order : order;
  };
  return [...values.keys()].sort((a, b) => compare(values[a], values[b]));
}

export function withRows(frame: Frame, rows: readonly number[]): Frame {
  return {...frame, length: rows.length, fields: frame.fields.map((field) => ({...field, values: rows.map((i) => field.values[i])}))};
}

function test(id: string, value: Value, options: Record<string, unknown>): boolean {
  const limit = options.value;
  switch (id) {
    case 'greater': return Number(value) > Number(limit);
    case 'greaterOrEqual': return Number(value) >= Number(limit);
    case 'lower': return Number(value) < Number(limit);
    case 'lowerOrEqual': return Number(value) <= Number(limit);
    case 'equal': return String(value) === String(limit);
    case 'notEqual': return String(value) !== String(limit);
    case 'isNull': return value === null;
    case 'isNotNull': return value !== null;
    case 'regex': return new RegExp(String(limit)).test(String(value));
    case 'between': return Number(value) >= Number(options.from) && Number(value) <= Number(options.to);
    default: return true;
  }
}

function filterByValue(frames: readonly Frame[], options: Options): Frame[] {
  const filters = (Array.isArray(options.filters) ? options.filters : []).map(record);
  return frames.map((frame) => withRows(frame, [...Array(frame.length).keys()].filter((i) => {
    const passed = filters.map((filter) => {
      const field = findField(frame, String(filter.fieldName));
      const config = record(filter.config);
      return field ? test(String(config.id), field.values[i], record(config.options)) : false;
    });
    const hit = options.match === 'any' ? passed.some(Boolean) : passed.every(Boolean);
    return options.type === 'exclude' ? !hit : hit;
  })));
}

function renameByRegex(frames: readonly Frame[], options: Options): Frame[] {
  const parts = /^\/([\s\S]*)\/([a-z]*)$/.exec(String(options.regex ?? ''));
  const pattern = new RegExp(parts ? parts[1] : String(options.regex ?? ''), parts?.[2] ?? '');
  return frames.map((frame) => ({...frame, fields: frame.fields.map((field) => (
    field.type === 'time' ? field : {...field, displayName: nameOf(field, frame).replace(pattern, String(options.renamePattern ?? ''))}))}));
}

function limitRows(frames: readonly Frame[], options: Options): Frame[] {
  const limit = Number(options.limitField ?? 10);
  return frames.map((frame) => withRows(frame, [...Array(Math.min(limit, frame.length)).keys()]));
}

function seriesToRows(frames: readonly Frame[]): Frame[] {
  const rows = frames.flatMap((frame) => {
    const time = frame.fields.find((field) => field.type === 'time');
    const value = frame.fields.find((field) => field.type === 'number');
    return time && value ? time.values.map((at, i) => ({at: Number(at), metric: nameOf(value, frame), value: value.values[i]})) : [];
  }).sort((a, b) => b.at - a.at);
  return [makeFrame('A', [timeField(rows.map((row) => row.at)), column('Metric', rows.map((row) => row.metric)), column('Value', rows.map((row) => row.value))])];
}

const kTransforms: Record<string, Transform> = {
  organize, filterFieldsByName, merge, joinByField, seriesToColumns: joinByField, reduce: reduceFrames, groupBy, calculateField,
  labelsToFields, sortBy, filterByValue, renameByRegex, limit: limitRows, seriesToRows,
  filterByRefId: (frames, options) => {
    const parts = /^\/?([\s\S]*?)\/?$/.exec(String(options.include ?? ''));
    const pattern = new RegExp(`^(${parts?.[1] ?? ''})$`);
    return options.include ? frames.filter((frame) => pattern.test(frame.refId)) : [...frames];
  },
  concatenate: (frames) => (frames.length ? [makeFrame(frames[0].refId, frames.flatMap((frame) => frame.fields))] : []),
};

/** The frames after all transformations in turn; `unknown` has those that are not known here. */
export function transformed(frames: readonly Frame[], transformations: readonly Transformation[]): {frames: Frame[]; unknown: string[]} {
  let result = [...frames];
  const unknown: string[] = [];
  for (const {id, options, disabled} of transformations) {
    if (disabled) continue;
    const transform = kTransforms[id];
    if (!transform) { unknown.push(id); continue; }
    try {
      result = transform(result, options ?? {});
    } catch (error) {
      unknown.push(`${id} (${error instanceof Error ? error.message : String(error)})`);
    }
  }
  return {frames: result, unknown};
}
