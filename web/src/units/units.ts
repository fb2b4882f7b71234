// The one formatter of numbers: Grafana's unit ids, so that a dashboard reads the same here.

export interface Shown { prefix: string; text: string; suffix: string }
type Formatter = (value: number, decimals: number | undefined) => Shown;

const kMinus = '-';

/** Digits after the point that show three significant ones, fewer where they would be zeros. */
export function decimalsFor(value: number): number {
  const size = Math.abs(value);
  if (size === 0 || !Number.isFinite(size) || Number.isInteger(value)) return 0;
  const digits = Math.max(0, Math.min(12, 2 - Math.floor(Math.log10(size))));
  const text = size.toFixed(digits);
  return digits === 0 ? 0 : text.replace(/0+$/, '').length - text.indexOf('.') - 1;
}

export function fixed(value: number, decimals: number | undefined): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : `${kMinus}∞`;
  return value.toFixed(Math.max(0, Math.min(20, decimals ?? decimalsFor(value))));
}

const plain = (suffix = ''): Formatter => (value, decimals) => ({prefix: '', text: fixed(value, decimals), suffix});
const times = (factor: number, suffix: string): Formatter => (value, decimals) => ({prefix: '', text: fixed(value * factor, decimals), suffix});

/** Scales by `base` through `names`, of which `offset` is the one for 1. */
function scaled(base: number, names: readonly string[], offset = 0, prefix = ''): Formatter {
  return (value, decimals) => {
    let index = offset, size = value;
    if (Number.isFinite(value)) {
      while (Math.abs(size) >= base && index < names.length - 1) { size /= base; index += 1; }
      while (size !== 0 && Math.abs(size) < 1 && index > 0) { size *= base; index -= 1; }
    }
    // 999.96 is written 1.00K, not 1000.
    if (Math.abs(Number(fixed(size, decimals))) >= base && index < names.length - 1) { size /= base; index += 1; }
    return {prefix, text: fixed(size, decimals), suffix: names[index]};
  };
}

const kSiNames = ['n', 'µ', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];
const si = (unit: string, offset = 0): Formatter => scaled(1000, kSiNames.map((name) => ` ${name}${unit}`), 3 + offset);
const siUp = (unit: string, offset = 0): Formatter => scaled(1000, ['', 'k', 'M', 'G', 'T', 'P', 'E'].map((name) => ` ${name}${unit}`), offset);
const iec = (unit: string, offset = 0): Formatter => scaled(1024, ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'].map((name) => ` ${name}${unit}`), offset);
const short = scaled(1000, ['', ' K', ' Mil', ' Bil', ' Tri', ' Quadr']);
const rate = (unit: string): Formatter => scaled(1000, ['', 'K', 'M', 'G', 'T'].map((name) => (name ? ` ${name} ${unit}` : ` ${unit}`)));
const money = (prefix: string): Formatter => scaled(1000, ['', 'K', 'M', 'B', 'T'], 0, prefix);

const kSteps: readonly [number, string][] = [
  [1e-9, ' ns'], [1e-6, ' µs'], [1e-3, ' ms'], [1, ' s'], [60, ' min'], [3600, ' hour'], [86400, ' day'], [604800, ' week'], [31536000, ' year'],
];

/** A duration in units of `unit` seconds, in the largest that leaves at least one. */
const duration = (unit: number): Formatter => (value, decimals) => {
  const seconds = value * unit, size = Math.abs(seconds);
  if (size === 0 || !Number.isFinite(size)) return {prefix: '', text: fixed(value, size === 0 ? 0 : decimals), suffix: kSteps.find(([step]) => step === unit)?.[1] ?? ' s'};
  let [step, suffix] = kSteps[0];
  for (const [next, name] of kSteps) if (size >= next * 0.99999999) [step, suffix] = [next, name];
  const count = seconds / step;
  const plural = step >= 3600 && Math.abs(Number(fixed(count, decimals))) !== 1 ? 's' : '';
  return {prefix: '', text: fixed(count, decimals), suffix: suffix + plural};
};

const clockText = (unit: number): Formatter => (value) => {
  const total = Math.round(Math.abs(value * unit));
  const pad = (part: number): string => String(part).padStart(2, '0');
  const days = Math.floor(total / 86400);
  const text = `${pad(Math.floor(total % 86400 / 3600))}:${pad(Math.floor(total % 3600 / 60))}:${pad(total % 60)}`;
  return {prefix: value < 0 ? kMinus : '', text: days ? `${days} d ${text}` : text, suffix: ''};
};

const words = (yes: string, no: string): Formatter => (value) => ({prefix: '', text: value ? yes : no, suffix: ''});
const date = (show: (at: Date) => string): Formatter => (value) => (
  {prefix: '', text: Number.isFinite(value) ? show(new Date(value)) : fixed(value, 0), suffix: ''});
const localTime = (at: Date): string => at.toLocaleString('sv-SE');
const sinceNow = (at: Date): string => {
  const seconds = (Date.now() - at.getTime()) / 1000;
  const {text, suffix} = duration(1)(Math.abs(seconds), 0);
  return seconds >= 0 ? `${text}${suffix} ago` : `in ${text}${suffix}`;
};
const localeText: Formatter = (value, decimals) => (
  {prefix: '', text: Number.isFinite(value) ? value.toLocaleString('en', {maximumFractionDigits: decimals ?? 3}) : fixed(value, 0), suffix: ''});

const kUnits: Record<string, Formatter> = {
  none: plain(), string: plain(), short, sishort: siUp(''), locale: localeText,
  percent: plain('%'), percentunit: times(100, '%'), humidity: plain(' %H'), dB: plain(' dB'),
  bool: words('True', 'False'), bool_yes_no: words('Yes', 'No'), bool_on_off: words('On', 'Off'),
  hex: (value) => ({prefix: '', text: Math.trunc(value).toString(16).toUpperCase(), suffix: ''}),
  hex0x: (value) => ({prefix: '', text: `0x${Math.trunc(value).toString(16).toUpperCase()}`, suffix: ''}),
  sci: (value, decimals) => ({prefix: '', text: value.toExponential(decimals), suffix: ''}),
  // data, binary and decimal
  bytes: iec('B'), decbytes: siUp('B'), bits: iec('b'), decbits: siUp('b'),
  kbytes: iec('B', 1), mbytes: iec('B', 2), gbytes: iec('B', 3), tbytes: iec('B', 4),
  deckbytes: siUp('B', 1), decmbytes: siUp('B', 2), decgbytes: siUp('B', 3), dectbytes: siUp('B', 4),
  // rates of data; Grafana's Bps and bps are decimal
  Bps: siUp('B/s'), bps: siUp('b/s'), binBps: iec('B/s'), binbps: iec('b/s'), pps: siUp('p/s'),
  KBs: siUp('B/s', 1), MBs: siUp('B/s', 2), GBs: siUp('B/s', 3), KiBs: iec('B/s', 1), MiBs: iec('B/s', 2), GiBs: iec('B/s', 3),
  Kbits: siUp('b/s', 1), Mbits: siUp('b/s', 2), Gbits: siUp('b/s', 3),
  // throughput
  cps: rate('c/s'), ops: rate('ops/s'), reqps: rate('req/s'), rps: rate('rd/s'), wps: rate('wr/s'), iops: rate('io/s'), eps: rate('evt/s'),
  mps: rate('mess/s'), recps: rate('rec/s'), rowsps: rate('rows/s'), opm: rate('ops/m'), cpm: rate('c/m'), reqpm: rate('req/m'), rpm: rate('rd/m'), wpm: rate('wr/m'),
  // time
  ns: duration(1e-9), µs: duration(1e-6), us: duration(1e-6), ms: duration(1e-3), s: duration(1), m: duration(60), h: duration(3600), d: duration(86400),
  dtdurations: duration(1), dtdurationms: duration(1e-3), dthms: clockText(1), dtdhms: clockText(1), clockms: clockText(1e-3), clocks: clockText(1),
  hertz: si('Hz'), mhz: si('Hz', 2), rothz: siUp('Hz'), rotrpm: plain(' rpm'),
  dateTimeAsIso: date(localTime), dateTimeAsIsoNoDateIfToday: date(localTime), dateTimeAsUS: date(localTime),
  dateTimeAsLocal: date(localTime), dateTimeFromNow: date(sinceNow), dateTimeAsSystem: date(localTime),
  // physics
  celsius: plain(' °C'), fahrenheit: plain(' °F'), kelvin: plain(' K'), watt: si('W'), kwatt: si('W', 1), mwatt: si('W', -1),
  watth: si('Wh'), kwatth: si('Wh', 1), joule: si('J'), volt: si('V'), kvolt: si('V', 1), mvolt: si('V', -1), amp: si('A'), mamp: si('A', -1),
  lengthm: si('m'), massg: si('g'), masskg: si('g', 1), rotdegrees: plain('°'), degree: plain('°'), ppm: plain(' ppm'), flops: siUp('FLOPS'), mflops: siUp('FLOPS', 2), gflops: siUp('FLOPS', 3), tflops: siUp('FLOPS', 4),
  currencyUSD: money('$'), currencyEUR: money('€'), currencyGBP: money('£'), currencyJPY: money('¥'), currencyCNY: money('¥'),
};

/** `suffix:req`, `prefix:€`, `si:g`, `time:…`, `currency:CHF`, `count:x`, `bool:up/down` */
function custom(id: string): Formatter | undefined {
  const colon = id.indexOf(':');
  if (colon < 0) return undefined;
  const rest = id.slice(colon + 1);
  switch (id.slice(0, colon)) {
    case 'suffix': return plain(` ${rest}`);
    case 'prefix': return (value, decimals) => ({prefix: rest, text: fixed(value, decimals), suffix: ''});
    case 'si': return si(rest);
    case 'count': return scaled(1000, ['', 'K', 'M', 'B', 'T'].map((name) => `${name} ${rest}`));
    case 'time': return date(localTime);
    case 'currency': return money(`${rest} `);
    case 'bool': {
      const [yes, no] = rest.split('/');
      return words(yes ?? 'True', no ?? 'False');
    }
    default: return undefined;
  }
}

/** A unit that nobody knows is written behind the number, as Grafana does. */
export function formatterOf(unit: string | undefined): Formatter {
  if (!unit) return short;
  return kUnits[unit] ?? custom(unit) ?? plain(` ${unit}`);
}

export const knowsUnit = (unit: string): boolean => unit in kUnits || custom(unit) !== undefined;

export function showNumber(value: number, unit?: string, decimals?: number): string {
  const {prefix, text, suffix} = formatterOf(unit)(value, decimals);
  return prefix + text + suffix;
}

/** Distances between an axis' ticks that fall on round numbers of the unit. */
export function axisSteps(unit: string | undefined): number[] | undefined {
  if (!unit || !/^(bytes|bits|[kmgt]bytes|bin.ps|[KMG]iBs)$/.test(unit)) return undefined;
  const steps: number[] = [];
  for (let power = -3; power < 60; power += 1) steps.push(2 ** power);
  return steps;
}

/** The unit that a metric's name promises, as the catalog and Prometheus' conventions spell it. */
export function unitOfMetric(expression: string): string | undefined {
  const rates = /\b(rate|irate|increase)\s*\(/.test(expression);
  const name = /[a-zA-Z_:][a-zA-Z0-9_:]*_(seconds|bytes|ratio|celsius|watts|hertz|joules|percent|usd)(_total|_sum|_bucket|_count)?\b/.exec(expression);
  if (!name || name[2] === '_count') return undefined;
  switch (name[1]) {
    case 'seconds': return rates && name[2] !== '_bucket' && name[2] !== '_sum' ? 'percentunit' : 's';
    case 'bytes': return rates ? 'binBps' : 'bytes';
    case 'ratio': return 'percentunit';
    case 'celsius': return 'celsius';
    case 'watts': return 'watt';
    case 'hertz': return 'hertz';
    case 'joules': return rates ? 'watt' : 'joule';
    case 'percent': return 'percent';
    default: return 'currencyUSD';
  }
}
