// `$name`, `${name:format}`, `[[name]]` and Grafana's macros in expressions, titles and links.
import type {TimeRange} from '../time/range';
import {formatDuration, rateInterval} from '../time/range';
import type {Variable, VariableValue} from './types';

export const kAll = '$__all';

export interface Scope {
  variables: ReadonlyMap<string, VariableState>;
  range: TimeRange;
}
export interface VariableState {
  variable: Variable;
  options: readonly {text: string; value: string}[];
  current: VariableValue;
  error?: string;
}

const kReference = /\$(\w+)|\[\[(\w+)(?::(\w+))?\]\]|\$\{(\w+)(?:\.([^:^}]+))?(?::([^}]+))?\}/g;

/** The values that stand for the variable now: all of its options where All is chosen. */
export function valuesOf(state: VariableState): string[] {
  const {value} = state.current;
  const list = Array.isArray(value) ? value : [value];
  if (!list.includes(kAll)) return list;
  return state.options.filter((option) => option.value !== kAll).map((option) => option.value);
}

const isAll = (state: VariableState): boolean => ([] as string[]).concat(state.current.value).includes(kAll);
const escapeRegex = (text: string): string => text.replace(/[\\^$*+?.()|[\]{}]/g, '\\$&');
// Inside a string of PromQL a backslash is written twice.
const escapeInString = (text: string): string => text.replace(/\\/g, '\\\\').replace(/"/g, '\\"');
const promRegex = (text: string): string => escapeRegex(text).replace(/\\/g, '\\\\').replace(/"/g, '\\"');

function asPromql(state: VariableState, values: string[]): string {
  const {variable} = state;
  if (!variable.multi && !variable.includeAll) {
    // An interval, a textbox or a constant is part of the expression, not of a string in it.
    return ['interval', 'textbox', 'constant', 'custom', 'datasource'].includes(variable.type) ? values[0] ?? '' : escapeInString(values[0] ?? '');
  }
  if (values.length === 1) return promRegex(values[0]);
  return `(${values.map(promRegex).join('|')})`;
}

function formatted(state: VariableState, format: string, promql: boolean): string {
  if (isAll(state) && state.variable.allValue && format !== 'text') return state.variable.allValue;
  const values = valuesOf(state);
  switch (format) {
    case '': return promql ? asPromql(state, values) : values.join(' + ');
    case 'raw': return values.join(',');
    case 'csv': return values.join(',');
    case 'pipe': return values.join('|');
    case 'regex': return values.length === 1 ? escapeRegex(values[0]) : `(${values.map(escapeRegex).join('|')})`;
    case 'glob': return values.length === 1 ? values[0] : `{${values.join(',')}}`;
    case 'json': return JSON.stringify(values.length === 1 ? values[0] : values);
    case 'doublequote': return values.map((value) => `"${value}"`).join(',');
    case 'singlequote': return values.map((value) => `'${value}'`).join(',');
    case 'percentencode': return values.map(encodeURIComponent).join(',');
    case 'queryparam': return values.map((value) => `var-${state.variable.name}=${encodeURIComponent(value)}`).join('&');
    case 'text': return isAll(state) ? 'All' : ([] as string[]).concat(state.current.text).join(' + ');
    default: return values.join(',');
  }
}

function macro(name: string, format: string, scope: Scope, step?: number, scrape = 15_000): string | undefined {
  const {from, to} = scope.range;
  const span = to - from;
  switch (name) {
    case '__from': return timeMacro(from, format);
    case '__to': return timeMacro(to, format);
    case '__range': return `${Math.max(1, Math.round(span / 1000))}s`;
    case '__range_s': return String(Math.round(span / 1000));
    case '__range_ms': return String(Math.round(span));
    case '__name': return '';
    default: break;
  }
  if (step === undefined) return undefined;
  switch (name) {
    case '__interval': return formatDuration(step);
    case '__interval_ms': return String(step);
    case '__rate_interval': return formatDuration(rateInterval(step, scrape));
    case '__rate_interval_ms': return String(rateInterval(step, scrape));
    default: return undefined;
  }
}

function timeMacro(ms: number, format: string): string {
  if (format === 'date:iso' || format === 'date') return new Date(ms).toISOString();
  if (format === 'date:seconds') return String(Math.floor(ms / 1000));
  return String(Math.round(ms));
}

function replace(text: string, scope: Scope, promql: boolean, step?: number, scrape?: number): string {
  if (!text.includes('$') && !text.includes('[[')) return text;
  return text.replace(kReference, (whole, plain?: string, square?: string, squareFormat?: string, curly?: string, path?: string, curlyFormat?: string) => {
    const name = plain ?? square ?? curly ?? '';
    const format = curlyFormat ?? squareFormat ?? '';
    const built = macro(name, format, scope, step, scrape);
    if (built !== undefined) return built;
    const state = scope.variables.get(name);
    if (!state) return whole;
    return formatted(state, path === 'text' ? 'text' : format, promql);
  });
}

/** For titles and texts. */
export const interpolate = (text: string, scope: Scope): string => replace(text, scope, false);

/** For PromQL asked with `step`; `scrape` is how often targets are scraped, for $__rate_interval. */
export function interpolateQuery(text: string, scope: Scope, step?: number, scrape?: number): string {
  return replace(text, scope, true, step, scrape);
}

/** Names of variables that `text` refers to, macros left out. */
export function referencedBy(text: string): string[] {
  return [...text.matchAll(kReference)].map((match) => match[1] ?? match[2] ?? match[4] ?? '').filter((name) => !name.startsWith('__'));
}

/** `scope` with some variables fixed to one value: of a repeated panel. */
export function narrowed(scope: Scope, values: Record<string, VariableValue> | undefined): Scope {
  if (!values) return scope;
  const variables = new Map(scope.variables);
  for (const [name, current] of Object.entries(values)) {
    const state = variables.get(name);
    if (state) variables.set(name, {...state, current});
  }
  return {...scope, variables};
}
