// Prometheus' HTTP API of the server that this page came from. URLs are relative, so the page works
// under any path prefix.

/** The API's own answer to a request that it understood: `type` and `message` are its words. */
export class ApiError extends Error {
  constructor(type, message) {
    super(message);
    this.type = type;
  }
}

/** The server could not be reached, or something else answered in its place. */
export class Unreachable extends Error {}

async function get(path, parameters = {}, signal) {
  let response, body;
  try {
    response = await fetch(`api/v1/${path}?${new URLSearchParams(parameters)}`, {signal});
    body = await response.json();
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Unreachable(response ? `HTTP ${response.status} without JSON` : 'no answer');
  }
  if (body.status !== 'success') throw new ApiError(body.errorType, body.error);
  return body;
}

export const instant = (query, signal) => get('query', {query}, signal);
export const range = (query, start, end, step, signal) =>
  get('query_range', {query, start, end, step}, signal);
export const targets = async () => (await get('targets', {state: 'active'})).data.activeTargets;
export const metricNames = async () => (await get('label/__name__/values', {limit: 5000})).data;
export const buildInfo = async () => (await get('status/buildinfo')).data;

/** [{labels, value}] of an instant query; a scalar is one without labels. */
export async function vector(query) {
  const {data} = await instant(query);
  if (data.resultType === 'scalar') return [{labels: {}, value: Number(data.result[1])}];
  return data.result.filter((s) => s.value).map((s) => ({labels: s.metric, value: number(s.value[1])}));
}

/** A sample's value as the API spells it: "NaN", "+Inf" and "-Inf" beside numbers. */
export function number(text) {
  if (text === '+Inf') return Infinity;
  if (text === '-Inf') return -Infinity;
  return Number(text);
}

/** The matrix of a range query on its grid: {times, series: [{labels, values}]}, NaN where a series
    has no sample. */
export function onGrid(matrix, start, end, step) {
  const size = Math.floor((end - start) / step + 1e-9) + 1;
  const times = Array.from({length: size}, (_, i) => start + i * step);
  const series = matrix.filter((s) => s.values).map((s) => {
    const values = new Float64Array(size).fill(NaN);
    for (const [time, value] of s.values) {
      const i = Math.round((time - start) / step);
      if (i >= 0 && i < size) values[i] = number(value);
    }
    return {labels: s.metric, values};
  });
  return {times, series};
}
