// Numbers and times for people.

const digits = (value) => {
  const size = Math.abs(value);
  return value.toFixed(size >= 100 || value === 0 ? 0 : size >= 10 ? 1 : 2).replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '');
};

function scaled(value, base, units) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? '–' : value > 0 ? '∞' : '−∞';
  let unit = 0;
  let size = Math.abs(value);
  while (size >= base && unit < units.length - 1) {
    size /= base;
    ++unit;
  }
  return `${value < 0 ? '−' : ''}${digits(size)}${units[unit]}`;
}

const kBinary = [' B', ' KiB', ' MiB', ' GiB', ' TiB', ' PiB'];
const kDecimal = ['', ' k', ' M', ' G', ' T', ' P'];

/** Each has the step base of its axis: 1024 for bytes, so that ticks fall on whole units. */
export const units = {
  share: {base: 10, text: (v) => (Number.isFinite(v) ? `${digits(v * 100)} %` : '–')},
  bytes: {base: 2, text: (v) => scaled(v, 1024, kBinary)},
  bytesPerSecond: {base: 2, text: (v) => (Number.isFinite(v) ? `${scaled(v, 1024, kBinary)}/s` : '–')},
  plain: {
    base: 10,
    text: (v) => (v !== 0 && Math.abs(v) < 0.01 ? v.toPrecision(3).replace(/\.?0+(e|$)/, '$1') : scaled(v, 1000, kDecimal)),
  },
};

/** "12 ms", "3.1 s", "2 min", "5 h", "3 d". */
export function duration(seconds) {
  if (!Number.isFinite(seconds)) return '–';
  const size = Math.abs(seconds);
  if (size < 1e-3) return `${digits(seconds * 1e6)} µs`;
  if (size < 1) return `${digits(seconds * 1e3)} ms`;
  if (size < 120) return `${digits(seconds)} s`;
  if (size < 7200) return `${Math.round(seconds / 60)} min`;
  if (size < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} d`;
}

const kTime = new Intl.DateTimeFormat(undefined, {hour: '2-digit', minute: '2-digit', hourCycle: 'h23'});
const kSecond = new Intl.DateTimeFormat(undefined, {hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23'});
const kDay = new Intl.DateTimeFormat(undefined, {month: 'short', day: 'numeric'});

/** `span`: seconds that the axis covers; 0 for a time to the second. */
export function clock(time, span) {
  const date = new Date(time * 1000);
  if (span <= 900) return kSecond.format(date);
  if (span <= 86400) return kTime.format(date);
  return span <= 3 * 86400 ? `${kDay.format(date)} ${kTime.format(date)}` : kDay.format(date);
}

/** name{label="value"} as PromQL writes it. */
export function seriesName(labels) {
  const pairs = Object.entries(labels).filter(([key]) => key !== '__name__')
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return `${labels.__name__ ?? ''}${pairs.length || !labels.__name__ ? `{${pairs.join(', ')}}` : ''}`;
}
