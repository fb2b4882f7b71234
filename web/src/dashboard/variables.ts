// Variables of a dashboard: what may be chosen, asked of the server in the order in which they
// depend on each other, and what is chosen, which the URL says.
import {get, messageOf, type Labels} from '../api/client';
import {vector} from '../api/query';
import {formatDuration, parseDuration, stepFor, type TimeRange} from '../time/range';
import {seriesName} from './frame';
import {interpolate, interpolateQuery, kAll, referencedBy, type Scope, type VariableState} from './interpolate';
import type {Variable, VariableOption, VariableValue} from './types';

const kMostOptions = 5000;
const kAllOption: VariableOption = {text: 'All', value: kAll};

function queryOf(variable: Variable): string {
  const {query, definition} = variable;
  if (typeof query === 'string') return query;
  if (typeof query === 'object' && query !== null && 'query' in query && typeof query.query === 'string') return query.query;
  return definition ?? '';
}

/** label_values(…), metrics(…), label_names(…), query_result(…), or a selector. */
export type VariableQuery =
  | {kind: 'label_values'; selector: string; label: string}
  | {kind: 'metrics'; pattern: string}
  | {kind: 'label_names'; selector: string}
  | {kind: 'query_result'; expr: string}
  | {kind: 'series'; selector: string};

export function parseVariableQuery(text: string): VariableQuery {
  const query = text.trim();
  const values = /^label_values\((?:([\s\S]+),)?\s*([a-zA-Z_$][\w$.{}-]*)\s*\)\s*$/.exec(query);
  if (values) return {kind: 'label_values', selector: (values[1] ?? '').trim(), label: values[2]};
  const metrics = /^metrics\(([\s\S]*)\)\s*$/.exec(query);
  if (metrics) return {kind: 'metrics', pattern: metrics[1].trim()};
  const names = /^label_names\(([\s\S]*)\)\s*$/.exec(query);
  if (names) return {kind: 'label_names', selector: names[1].trim()};
  const result = /^query_result\(([\s\S]*)\)\s*$/.exec(query);
  if (result) return {kind: 'query_result', expr: result[1].trim()};
  return {kind: 'series', selector: query};
}

async function askServer(text: string, range: TimeRange, signal?: AbortSignal): Promise<string[]> {
  const parsed = parseVariableQuery(text);
  const between = {start: range.from / 1000, end: range.to / 1000};
  switch (parsed.kind) {
    case 'label_values': {
      const selector = parsed.selector ? {'match[]': parsed.selector} : {};
      return (await get<string[]>(`label/${encodeURIComponent(parsed.label)}/values`, {...selector, ...between, limit: kMostOptions}, signal)).data;
    }
    case 'metrics': {
      const pattern = new RegExp(parsed.pattern);
      return (await get<string[]>('label/__name__/values', {...between, limit: 40_000}, signal)).data.filter((name) => pattern.test(name));
    }
    case 'label_names':
      return (await get<string[]>('labels', {...(parsed.selector ? {'match[]': parsed.selector} : {}), ...between}, signal)).data;
    case 'query_result': {
      const samples = await vector(parsed.expr, range.to, signal);
      return samples.map(({labels, value}) => `${seriesName(labels)} ${value} ${range.to}`);
    }
    case 'series':
      if (!parsed.selector) return [];
      return (await get<Labels[]>('series', {'match[]': parsed.selector, ...between, limit: kMostOptions}, signal)).data.map(seriesName);
  }
}

/** Grafana's regex: /…/flags; a group "value" or the first one is the value, "text" what is shown. */
export function filterOptions(values: readonly string[], regex: string | undefined): VariableOption[] {
  if (!regex) return values.map((value) => ({text: value, value}));
  const parts = /^\/([\s\S]*)\/([a-z]*)$/.exec(regex);
  let pattern: RegExp;
  try {
    pattern = new RegExp(parts ? parts[1] : regex, (parts?.[2] ?? '').replace('g', ''));
  } catch {
    return values.map((value) => ({text: value, value}));
  }
  const seen = new Map<string, VariableOption>();
  for (const value of values) {
    const match = pattern.exec(value);
    if (!match) continue;
    const picked = match.groups?.value ?? match.groups?.text ?? match[1] ?? value;
    if (!seen.has(picked)) seen.set(picked, {text: match.groups?.text ?? picked, value: picked});
  }
  return [...seen.values()];
}

export function sortOptions(options: VariableOption[], sort: number | undefined): VariableOption[] {
  if (!sort) return options;
  const numeric = (text: string): number => Number(/\d+(\.\d+)?/.exec(text)?.[0] ?? NaN);
  const order: ((a: VariableOption, b: VariableOption) => number) =
    sort === 3 || sort === 4 ? (a, b) => (numeric(a.text) || 0) - (numeric(b.text) || 0)
      : sort >= 7 ? (a, b) => a.text.localeCompare(b.text, 'en', {numeric: true})
        : sort >= 5 ? (a, b) => a.text.toLowerCase().localeCompare(b.text.toLowerCase(), 'en') : (a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0);
  const sorted = [...options].sort(order);
  return sort % 2 === 0 ? sorted.reverse() : sorted;
}

/** `a, b, key : value` of a custom variable or an interval; a comma may be written `\,`. */
export function parseCustom(text: string): VariableOption[] {
  return text.split(/(?<!\\),/).map((part) => part.trim().replace(/\\,/g, ',')).filter(Boolean).map((part) => {
    const pair = /^(.+?)\s+:\s+(.+)$/.exec(part);
    return pair ? {text: pair[1], value: pair[2]} : {text: part, value: part};
  });
}

async function optionsOf(variable: Variable, scope: Scope, signal?: AbortSignal): Promise<VariableOption[]> {
  switch (variable.type) {
    case 'query': {
      const values = await askServer(interpolateQuery(queryOf(variable), scope), scope.range, signal);
      const regex = variable.regex ? interpolate(variable.regex, scope) : undefined;
      return sortOptions(filterOptions(values, regex), variable.sort);
    }
    case 'custom': return parseCustom(queryOf(variable));
    case 'interval': {
      const fixed = parseCustom(queryOf(variable));
      if (!variable.auto) return fixed;
      const least = parseDuration(variable.auto_min ?? '10s') ?? 10_000;
      return [{text: 'auto', value: formatDuration(stepFor(scope.range.to - scope.range.from, variable.auto_count ?? 30, least))}, ...fixed];
    }
    case 'datasource': return [{text: 'Strata', value: 'strata'}];
    case 'constant': return [{text: queryOf(variable), value: queryOf(variable)}];
    default: return [];
  }
}

function textFor(options: readonly VariableOption[], value: string): string {
  return options.find((option) => option.value === value)?.text ?? (value === kAll ? 'All' : value);
}

/** What is chosen: the URL's word, else the dashboard's, else the first; only what there is. */
export function choose(variable: Variable, options: readonly VariableOption[], wanted: readonly string[]): VariableValue {
  const stored = ([] as unknown[]).concat(variable.current?.value ?? []).map(String);
  if (variable.type === 'textbox' || variable.type === 'adhoc') {
    const value = wanted[0] ?? stored[0] ?? queryOf(variable);
    return {text: value, value};
  }
  const known = (value: string): boolean => options.some((option) => option.value === value);
  const asAll = (value: string): string => (variable.includeAll && (value === 'All' || value === kAll) ? kAll : value);
  // A value in the URL is taken at its word: what it names may have no data in this range.
  let values = wanted.map(asAll);
  if (!values.length) values = stored.map(asAll).filter((value) => known(value));
  if (!values.length && options.length) values = [variable.includeAll && !stored.length ? kAll : options[0].value];
  if (!values.length) values = [variable.includeAll ? kAll : ''];
  if (!variable.multi) values = values.slice(0, 1);
  if (values.includes(kAll)) values = [kAll];
  const texts = values.map((value) => textFor(options, value));
  return variable.multi ? {text: texts, value: values} : {text: texts[0], value: values[0]};
}

/** Those that others refer to come first; a circle is broken at its first member. */
export function inOrder(variables: readonly Variable[]): Variable[] {
  const byName = new Map(variables.map((variable) => [variable.name, variable]));
  const done = new Set<string>();
  const ordered: Variable[] = [];
  const visit = (variable: Variable): void => {
    if (done.has(variable.name)) return;
    done.add(variable.name);
    for (const name of referencedBy(`${queryOf(variable)} ${variable.regex ?? ''}`)) {
      const other = byName.get(name);
      if (other) visit(other);
    }
    ordered.push(variable);
  };
  variables.forEach(visit);
  return ordered;
}

/** Every variable with its options and its value. A query that fails leaves no options and its error. */
export async function resolveVariables(variables: readonly Variable[], params: URLSearchParams, range: TimeRange,
  signal?: AbortSignal): Promise<ReadonlyMap<string, VariableState>> {
  const states = new Map<string, VariableState>();
  for (const variable of inOrder(variables)) {
    let options: VariableOption[] = [];
    let error: string | undefined;
    try {
      options = await optionsOf(variable, {variables: states, range}, signal);
    } catch (reason) {
      if (signal?.aborted) throw reason;
      error = messageOf(reason);
    }
    if (variable.includeAll) options = [kAllOption, ...options];
    const wanted = params.getAll(`var-${variable.name}`);
    states.set(variable.name, {variable, options, current: choose(variable, options, wanted), error});
  }
  return states;
}
