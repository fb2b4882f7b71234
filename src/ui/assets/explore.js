// The expression box: a graph over a range, the values now, the API's own words when it refuses.
// What it shows stands in the URL (#expr=…&range=…), so that it can be shared.
import {ApiError, instant, metricNames, number, onGrid, range} from './api.js';
import {Chart} from './chart.js';
import {$, h, table} from './dom.js';
import {seriesName, units} from './format.js';

const kRanges = {'5m': 300, '15m': 900, '30m': 1800, '1h': 3600, '3h': 10800, '6h': 21600, '12h': 43200, '1d': 86400, '2d': 172800, '7d': 604800};
const kSteps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
const kPoints = 300;
const kDrawn = 40;   // more lines than that, and a chart says nothing
const kRows = 300;

const kExamples = [
  ['Targets that are down', 'up == 0'],
  ['CPU by mode', 'avg by (mode) (rate(node_cpu_seconds_total[1m]))'],
  ['Memory available', 'node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes'],
  ['Slowest scrapes', 'topk(5, scrape_duration_seconds)'],
  ['Series by name', 'topk(10, count by (__name__) ({__name__!=""}))'],
];

let chart;
let running = null;  // the AbortController of the query under way
let shown = null;    // {expr, range} that is drawn
let drawnTo = 0;     // the end of the graph that is drawn: it is asked for again when that moves

export function start() {
  $('range').replaceChildren(...Object.keys(kRanges).map((name) => h('option', {value: name}, name)));
  $('range').value = '1h';
  chart = new Chart('Graph', {zero: false, unit: units.plain});
  $('explore-result').replaceWith(chart.root);
  chart.root.id = 'explore-result';
  chart.root.classList.add('wide');
  chart.root.hidden = true;
  $('examples').replaceChildren('Try ', ...kExamples.map(([title, expr]) =>
    h('button', {type: 'button', title: expr, onclick: () => open(expr)}, title)));
  $('explore').onsubmit = (event) => {
    event.preventDefault();
    open($('expr').value);
  };
  $('range').onchange = () => $('expr').value && open($('expr').value);
  $('expr').onfocus = loadNames;
  addEventListener('hashchange', fromUrl);
  fromUrl();
}

async function loadNames() {
  $('expr').onfocus = null;
  const names = await metricNames().catch(() => []);
  $('metric-names').replaceChildren(...names.map((name) => h('option', {value: name})));
}

function open(expr) {
  $('expr').value = expr;
  const hash = `#${new URLSearchParams({expr: expr.trim(), range: $('range').value})}`;
  if (location.hash === hash) fromUrl();
  else location.hash = hash;
}

function fromUrl() {
  const parameters = new URLSearchParams(location.hash.slice(1));
  if (!parameters.has('expr')) return;
  $('expr').value = parameters.get('expr');
  if (kRanges[parameters.get('range')]) $('range').value = parameters.get('range');
  shown = $('expr').value.trim() ? {expr: $('expr').value, range: $('range').value} : null;
  running?.abort();
  running = null;
  drawnTo = 0;
  chart.data = null;
  refresh().catch((error) => fail(`The server cannot be reached (${error.message}). Trying again.`));
}

function fail(message) {
  $('explore-error').textContent = message;
  $('explore-error').hidden = false;
}

/** Never two at once: a slow query is waited for. */
export async function refresh() {
  if (shown === null) {
    chart.root.hidden = true;
    $('explore-table').replaceChildren();
    $('explore-error').hidden = true;
    return;
  }
  const span = kRanges[shown.range];
  const step = kSteps.find((s) => span / s <= kPoints) ?? 3600;
  const end = Math.floor(Date.now() / 1000 / step) * step;
  if (running || end === drawnTo) return;
  running = new AbortController();
  const {signal} = running;
  const [over, now] = await Promise.allSettled([range(shown.expr, end - span, end, step, signal), instant(shown.expr, signal)]);
  if (signal.aborted) return;
  running = null;
  for (const {reason} of [over, now]) if (reason && !(reason instanceof ApiError)) throw reason;
  drawnTo = end;

  // A string or a range vector has values, but no graph.
  const graph = !['string', 'matrix'].includes(now.value?.data.resultType);
  const error = now.reason ?? (graph ? over.reason : undefined);
  if (error) fail(`${error.type}: ${error.message}`);
  $('explore-error').hidden = !error;
  chart.root.hidden = !graph || !over.value;
  if (!chart.root.hidden) drawGraph(onGrid(over.value.data.result, end - span, end, step), step);
  if (now.value) drawTable(now.value.data, [...(now.value.warnings ?? []), ...(now.value.infos ?? [])]);
  else $('explore-table').replaceChildren();
}

function drawGraph({times, series}, step) {
  if (!series.length) return chart.setEmpty(`No series in the last ${shown.range}. The expression is right; nothing matches it.`);
  const drawn = series.slice(0, kDrawn).map((s) => ({name: seriesName(s.labels), values: s.values}));
  const note = series.length > kDrawn ? `${kDrawn} of ${series.length} series drawn; topk(${kDrawn}, …) picks the largest` : `${series.length} series, a point each ${step} s`;
  chart.setData({times, series: drawn}, note);
}

function drawTable(data, notes) {
  const single = data.resultType === 'scalar' || data.resultType === 'string';
  const rows = single ? [{cells: [data.resultType, data.result[1]]}]
    : data.result.slice(0, kRows).map((s) => ({cells: [h('code', {}, seriesName(s.metric)), valueText(s)]}));
  const total = !single && rows.length < data.result.length ? ` (the first ${rows.length} of ${data.result.length})` : '';
  $('explore-table').replaceChildren(
    ...notes.map((note) => h('p.quiet', {}, `Note: ${note}`)),
    rows.length ? table([{title: 'Series'}, {title: 'Value', number: true}], rows, `Values now${total}`) : h('p.quiet', {}, 'No values now.'));
}

// One sample, the samples of a range vector, or a native histogram.
function valueText(series) {
  if (series.values) return `${series.values.length} samples, last ${series.values.at(-1)[1]}`;
  if (!series.value) return `histogram, count ${series.histogram?.[1].count}, sum ${series.histogram?.[1].sum}`;
  const value = number(series.value[1]);
  return Number.isInteger(value) ? value.toLocaleString('en').replaceAll(',', '\u2009') : series.value[1];
}
