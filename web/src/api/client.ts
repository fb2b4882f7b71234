// The one way to the server: Prometheus' HTTP API of the server that the page came from.
import {noteServerTime} from '../time/now';

/** The folder that the page's files are under: what a path prefix is part of. Ends with '/'. */
export const rootUrl: URL = (() => {
  const here = import.meta.url;
  if (import.meta.env.DEV) return new URL('/', here.startsWith('http') ? here : 'http://localhost/');
  return new URL('..', here);
})();

/** An answer to a request that the server understood; `message` is its own words. */
export class ApiError extends Error {
  constructor(readonly status: number, readonly type: string, message: string) {
    super(message);
  }
}

/** Nobody answered, or something else did in the server's place. */
export class Unreachable extends Error {}

export type Labels = Record<string, string>;
export interface HistogramSample { count: string; sum: string; buckets?: [number, string, string, string][] }
export interface MatrixSeries {
  metric: Labels;
  values?: [number, string][];
  histograms?: [number, HistogramSample][];
}
export interface VectorSample {
  metric: Labels;
  value?: [number, string];
  histogram?: [number, HistogramSample];
}
export type QueryData =
  | {resultType: 'matrix'; result: MatrixSeries[]}
  | {resultType: 'vector'; result: VectorSample[]}
  | {resultType: 'scalar' | 'string'; result: [number, string]};

export interface Answer<T> { data: T; warnings: string[]; infos: string[] }
type Parameters = Record<string, string | number | readonly string[] | undefined>;

interface Envelope<T> {
  status: string;
  data: T;
  error?: string;
  errorType?: string;
  warnings?: string[];
  infos?: string[];
}

function encode(parameters: Parameters): string {
  const list = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) list.append(name, String(one));
  }
  return list.toString();
}

// Browsers open six connections to a server; more requests than that only wait, in an order that
// nobody chose. Here they wait in ours, and one that is no longer wanted costs nothing.
const kAtOnce = 6;
let running = 0;
const waiting: (() => void)[] = [];

async function inTurn<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  if (running >= kAtOnce) await new Promise<void>((go) => waiting.push(go));
  else running += 1;
  try {
    signal?.throwIfAborted();
    return await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }
}

async function ask(path: string, init: RequestInit): Promise<Response> {
  const asked = Date.now();
  try {
    const response = await fetch(new URL(path, rootUrl), init);
    noteServerTime(response.headers.get('Date'), asked);
    return response;
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Unreachable('no answer');
  }
}

async function envelope<T>(response: Response): Promise<Answer<T>> {
  let body: Envelope<T>;
  try {
    body = await response.json() as Envelope<T>;
  } catch {
    throw new Unreachable(`HTTP ${response.status} without JSON`);
  }
  if (body.status !== 'success') {
    throw new ApiError(response.status, body.errorType ?? 'unknown', body.error ?? `HTTP ${response.status}`);
  }
  return {data: body.data, warnings: body.warnings ?? [], infos: body.infos ?? []};
}

/** GET of `path`, relative to api/v1 unless it begins with "api/". */
export function get<T>(path: string, parameters: Parameters = {}, signal?: AbortSignal): Promise<Answer<T>> {
  const query = encode(parameters);
  const url = (path.startsWith('api/') ? path : `api/v1/${path}`) + (query ? `?${query}` : '');
  return inTurn(async () => envelope<T>(await ask(url, {signal})), signal);
}

/** POST of a form, for queries that may be longer than a URL. */
export function post<T>(path: string, parameters: Parameters, signal?: AbortSignal): Promise<Answer<T>> {
  const body = encode(parameters);
  const headers = {'Content-Type': 'application/x-www-form-urlencoded'};
  return inTurn(async () => envelope<T>(await ask(`api/v1/${path}`, {method: 'POST', body, headers, signal})),
    signal);
}

/** Sends JSON to a path that answers JSON without Prometheus' envelope (Alertmanager's, Grafana's). */
export async function sendJson<T>(method: string, path: string, value?: unknown): Promise<T> {
  const response = await ask(path, {
    method,
    body: value === undefined ? undefined : JSON.stringify(value),
    headers: value === undefined ? {} : {'Content-Type': 'application/json'},
  });
  const text = await response.text();
  let body: unknown = null;
  try {
    body = text ? JSON.parse(text) : null;
  } catch {
    if (response.ok) throw new Unreachable(`HTTP ${response.status} without JSON`);
  }
  if (response.ok) return body as T;
  throw new ApiError(response.status, 'http', reason(body) ?? (text || `HTTP ${response.status}`));
}

function reason(body: unknown): string | undefined {
  if (typeof body === 'string') return body;
  if (typeof body !== 'object' || body === null) return undefined;
  const {error, message} = body as {error?: unknown; message?: unknown};
  return [error, message].find((text): text is string => typeof text === 'string');
}

export const getJson = <T>(path: string): Promise<T> => sendJson<T>('GET', path);

/** An answer that comes in lines: its response once it began. */
export async function openStream(path: string, value: unknown, signal: AbortSignal): Promise<Response> {
  const headers = {'Content-Type': 'application/json'};
  const response = await inTurn(() => ask(path, {method: 'POST', body: JSON.stringify(value), headers, signal}), signal);
  if (!response.ok) await envelope(response);  // throws the server's own words
  return response;
}

/** A sample as the API spells it: NaN, +Inf and -Inf beside numbers. */
export function sampleNumber(text: string): number {
  if (text === '+Inf') return Infinity;
  if (text === '-Inf') return -Infinity;
  return Number(text);
}

/** What to tell a person about an error that was caught. */
export function messageOf(error: unknown): string {
  if (error instanceof Unreachable) return `The server cannot be reached (${error.message}).`;
  return error instanceof Error ? error.message : String(error);
}

export const isAbort = (error: unknown): boolean =>
  error instanceof DOMException && error.name === 'AbortError';
