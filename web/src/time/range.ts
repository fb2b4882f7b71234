// Times as people and URLs write them: Grafana's `now-6h/d`, epochs, ISO 8601; and the steps that
// queries are asked with.

/** `from` and `to` as they stand in the URL. */
export interface RawRange { from: string; to: string }
/** Milliseconds since the epoch. */
export interface TimeRange { from: number; to: number }

export const kSecond = 1000;
export const kMinute = 60 * kSecond;
export const kHour = 60 * kMinute;
export const kDay = 24 * kHour;

const kUnits: Record<string, number> = {
  ms: 1, s: kSecond, m: kMinute, h: kHour, d: kDay, w: 7 * kDay, M: 30 * kDay, y: 365 * kDay, Q: 91 * kDay,
};

/** Milliseconds of `90s`, `1h30m`, `15d`; a bare number is in seconds. Undefined when it is none. */
export function parseDuration(text: string): number | undefined {
  const trimmed = text.trim();
  if (/^\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed) * kSecond;
  if (!/^(\d+(\.\d+)?(ms|[smhdwMy]))+$/.test(trimmed)) return undefined;
  let sum = 0;
  for (const [, count, , unit] of trimmed.matchAll(/(\d+(\.\d+)?)(ms|[smhdwMy])/g)) sum += Number(count) * kUnits[unit];
  return sum;
}

/** As PromQL writes a duration: `1h30m`, `250ms`; never empty. */
export function formatDuration(ms: number): string {
  let rest = Math.max(1, Math.round(ms));
  let text = '';
  for (const [unit, size] of [['d', kDay], ['h', kHour], ['m', kMinute], ['s', kSecond], ['ms', 1]] as const) {
    if (rest < size) continue;
    text += `${Math.floor(rest / size)}${unit}`;
    rest %= size;
  }
  return text;
}

function roundTo(time: number, unit: string, up: boolean): number {
  const date = new Date(time);
  const [y, mo, d, h, mi] = [date.getFullYear(), date.getMonth(), date.getDate(), date.getHours(), date.getMinutes()];
  const edges: Record<string, (plus: number) => Date> = {
    s: (p) => new Date(y, mo, d, h, mi, date.getSeconds() + p),
    m: (p) => new Date(y, mo, d, h, mi + p),
    h: (p) => new Date(y, mo, d, h + p),
    d: (p) => new Date(y, mo, d + p),
    w: (p) => new Date(y, mo, d - (date.getDay() + 6) % 7 + 7 * p),
    M: (p) => new Date(y, mo + p, 1),
    y: (p) => new Date(y + p, 0, 1),
  };
  const edge = edges[unit];
  if (!edge) return time;
  return up ? edge(1).getTime() - 1 : edge(0).getTime();
}

/** The time that `text` names at `now`; `up`: of a rounded one, its end. Undefined when it is none. */
export function parseTime(text: string, now: number, up = false): number | undefined {
  const trimmed = text.trim();
  if (/^-?\d+(\.\d+)?$/.test(trimmed)) {
    const number = Number(trimmed);
    return Math.abs(number) < 1e11 ? number * 1000 : number;  // seconds, as Prometheus has them
  }
  if (!trimmed.startsWith('now')) {
    const parsed = Date.parse(trimmed.includes('T') ? trimmed : trimmed.replace(' ', 'T'));
    return Number.isNaN(parsed) ? undefined : parsed;
  }
  let time = now;
  let rest = trimmed.slice(3);
  while (rest) {
    const match = /^(?:([+-])(\d+)(ms|[smhdwMyQ])|\/([smhdwMy]))/.exec(rest);
    if (!match) return undefined;
    if (match[4]) time = roundTo(time, match[4], up);
    else time += (match[1] === '-' ? -1 : 1) * Number(match[2]) * kUnits[match[3]];
    rest = rest.slice(match[0].length);
  }
  return time;
}

/** The last hour where the text means nothing, and at least a second. */
export function resolveRange(raw: RawRange, now: number): TimeRange {
  const to = parseTime(raw.to, now, true) ?? now;
  const from = parseTime(raw.from, now) ?? to - kHour;
  return from < to - kSecond ? {from, to} : {from: to - kSecond, to};
}

export const isRelative = (raw: RawRange): boolean => raw.from.startsWith('now') || raw.to.startsWith('now');

// Grafana's table: [up to, becomes], in milliseconds.
const kSteps: readonly [number, number][] = [
  [10, 1], [15, 10], [35, 20], [75, 50], [150, 100], [350, 200], [750, 500], [1500, 1000], [3500, 2000],
  [7500, 5000], [12500, 10000], [17500, 15000], [25000, 20000], [45000, 30000], [90000, 60000],
  [210000, 120000], [450000, 300000], [750000, 600000], [1050000, 900000], [1500000, 1200000],
  [2700000, 1800000], [5400000, 3600000], [9000000, 7200000], [16200000, 10800000], [32400000, 21600000],
  [86400000, 43200000], [604800000, 86400000], [1814400000, 604800000], [3628800000, 2592000000],
];
const kMostPoints = 11000;  // of a series in an answer, as Prometheus allows

/** Grafana's step for a span drawn in `points` points: no less than `least`, rounded by its table. */
export function stepFor(span: number, points: number, least: number): number {
  const exact = span / Math.max(1, points);
  const rounded = kSteps.find(([limit]) => exact < limit)?.[1] ?? 31536000000;
  return Math.max(exact <= least ? least : rounded, Math.ceil(span / kMostPoints / 1000) * 1000, 1);
}

/** Grafana's $__rate_interval: long enough to hold four scrapes. */
export const rateInterval = (step: number, scrape: number): number => Math.max(step + scrape, 4 * scrape);

/** The range with both ends on multiples of `step`, so that a refresh asks for the same points. */
export const onStep = ({from, to}: TimeRange, step: number): TimeRange =>
  ({from: Math.floor(from / step) * step, to: Math.floor(to / step) * step});

/** The same span, moved by `share` of it. */
export function shifted({from, to}: TimeRange, share: number): TimeRange {
  const by = Math.round((to - from) * share);
  return {from: from + by, to: to + by};
}

/** As far again on both sides, or half of it in the middle. */
export function zoomed({from, to}: TimeRange, factor: number): TimeRange {
  const middle = (from + to) / 2, half = (to - from) / 2 * factor;
  return {from: Math.round(middle - half), to: Math.round(middle + half)};
}
