// One host at a glance: tiles that say how it is, charts that say how it came to be so. All names
// are node_exporter's, which Strata's own collector uses too.
import {ApiError, onGrid, range, vector} from './api.js';
import {Chart, lastOf} from './chart.js';
import {$, h} from './dom.js';
import {duration, units} from './format.js';

const kSpan = 1800;      // seconds shown
const kLeastSpan = 300;  // shown of a server that has just begun
const kStep = 10;
const kNoData = 'Waiting for the first scrape.';

// Not disks, network cards or file systems of the machine's own.
const kDisks = 'device!~"(dm-|loop|md|ram|sr|fd|zram).*"';
const kCards = 'device!~"lo|(veth|docker|br-|cali|cni|flannel|tap|tun|virbr|lxc).*"';
const kFiles = 'fstype!~"tmpfs|devtmpfs|ramfs|overlay|squashfs|iso9660|nsfs|autofs|fuse.*|proc|sysfs|cgroup2?"';

// The charts. `queries` is [name, PromQL] with $h for the host's matchers; a name of null takes the
// name from the label `by`.
const kPanels = [
  {
    id: 'cpu', title: 'CPU', unit: units.share, stacked: true, max: 1, className: 'double',
    note: 'share of all cores, by mode', by: 'mode',
    queries: [[null, 'avg by (mode) (rate(node_cpu_seconds_total{$h, mode!="idle"}[1m]))']],
    colors: {user: '--s1', system: '--s2', iowait: '--s4', softirq: '--s6', irq: '--s8', steal: '--s5', nice: '--s3'},
  },
  {
    id: 'memory', title: 'Memory', unit: units.bytes, stacked: true, note: 'the rest is free',
    queries: [
      ['used', 'node_memory_MemTotal_bytes{$h} - node_memory_MemAvailable_bytes{$h}'],
      ['cache, given back when asked for', 'node_memory_MemAvailable_bytes{$h} - node_memory_MemFree_bytes{$h}'],
    ],
    colors: {used: '--s1', 'cache, given back when asked for': '--s8'},
  },
  {
    id: 'load', title: 'Load', unit: units.plain, note: 'tasks that run or wait',
    queries: [['1 min', 'node_load1{$h}'], ['5 min', 'node_load5{$h}'], ['15 min', 'node_load15{$h}'],
      ['cores', 'count(count by (cpu) (node_cpu_seconds_total{$h}))']],
    colors: {cores: '--s8'},
  },
  {
    id: 'pressure', title: 'Pressure', unit: units.share, note: 'time that tasks waited',
    queries: [
      ['cpu', 'rate(node_pressure_cpu_waiting_seconds_total{$h}[1m])'],
      ['memory', 'rate(node_pressure_memory_waiting_seconds_total{$h}[1m])'],
      ['disk', 'rate(node_pressure_io_waiting_seconds_total{$h}[1m])'],
    ],
    max: 0.1, absent: 'This kernel does not report pressure (PSI).',
  },
  {
    id: 'disk', title: 'Disk', unit: units.bytesPerSecond, note: 'all disks',
    queries: [['read', `sum(rate(node_disk_read_bytes_total{$h, ${kDisks}}[1m]))`],
      ['written', `sum(rate(node_disk_written_bytes_total{$h, ${kDisks}}[1m]))`]],
    absent: 'No disk of its own is visible here.',
  },
  {
    id: 'network', title: 'Network', unit: units.bytesPerSecond, note: 'all cards',
    queries: [['received', `sum(rate(node_network_receive_bytes_total{$h, ${kCards}}[1m]))`],
      ['sent', `sum(rate(node_network_transmit_bytes_total{$h, ${kCards}}[1m]))`]],
    absent: 'No network card of its own is visible here.',
  },
];

const charts = new Map();
const bars = h('ul.bars');
const barsEmpty = h('p.empty', {}, kNoData);
let chosen = null;  // matchers of the host shown

export function start() {
  for (const panel of kPanels) {
    const chart = new Chart(panel.title, panel);
    chart.setEmpty('Loading…');
    charts.set(panel.id, chart);
    $('panels').append(chart.root);
  }
  $('panels').append(h('section.panel', {'aria-label': 'File systems'},
    h('header', {}, h('h3', {}, 'File systems'), h('span.quiet', {}, 'fullest first')), barsEmpty, bars));
  $('host').onchange = () => {
    chosen = $('host').value;
    refresh().catch(() => {});  // the next round says what is wrong
  };
}

const matchers = ({job, instance}) => `job=${JSON.stringify(job ?? '')}, instance=${JSON.stringify(instance ?? '')}`;

async function chooseHost() {
  const found = await vector('node_uname_info');
  const hosts = found.length ? found : await vector('count by (job, instance) (node_cpu_seconds_total)');
  const select = $('host');
  const options = hosts.map(({labels}) => [matchers(labels), labels.nodename ? `${labels.nodename}` : labels.instance, labels]);
  options.sort((a, b) => a[1].localeCompare(b[1]));
  const same = [...select.options].map((o) => o.value).join() === options.map((o) => o[0]).join();
  if (options.length && !same) {
    const twice = (name) => options.filter((o) => o[1] === name).length > 1;
    select.replaceChildren(...options.map(([value, name, labels]) =>
      h('option', {value}, twice(name) ? `${name} (${labels.job} ${labels.instance})` : name)));
  }
  if (!options.length) select.replaceChildren(h('option', {value: ''}, 'none yet'));
  select.disabled = options.length < 2;
  if (!options.some((o) => o[0] === chosen)) chosen = options[0]?.[0] ?? null;
  select.value = chosen ?? '';
  const uname = options.find((o) => o[0] === chosen)?.[2];
  return uname?.release ? `${uname.sysname ?? ''} ${uname.release} ${uname.machine ?? ''}` : '';
}

async function load(panel, host, start, end) {
  const answers = await Promise.all(panel.queries.map(async ([name, query]) => {
    const {data} = await range(query.replaceAll('$h', host), start, end, kStep);
    const grid = onGrid(data.result, start, end, kStep);
    return grid.series.map((s) => ({name: name ?? s.labels[panel.by], values: s.values}));
  }));
  const times = onGrid([], start, end, kStep).times;
  const rank = Object.keys(panel.colors ?? {});
  let series = answers.flat().map((s) => ({...s, color: panel.colors?.[s.name]}));
  if (panel.by) {  // modes that never happen only fill the legend
    series = series.filter((s) => s.values.some((v) => v > 0.0005));
    series.sort((a, b) => rank.indexOf(a.name) - rank.indexOf(b.name));
    if (!series.length) series = answers.flat().slice(0, 1);
  }
  return {times, series};
}

/** Draws the host anew. True when there was anything to draw. Throws Unreachable. */
export async function refresh() {
  const facts = await chooseHost();
  if (chosen === null) {
    for (const chart of charts.values()) chart.setEmpty(kNoData);
    $('tiles').replaceChildren();
    return false;
  }
  const end = Math.floor(Date.now() / 1000 / kStep) * kStep;
  const host = chosen;
  const [numbers, ...results] = await Promise.all([
    instants(host),
    ...kPanels.map((panel) => load(panel, host, end - kSpan, end).catch((error) => {
      if (!(error instanceof ApiError)) throw error;
      return {error: error.message};
    })),
  ]);
  if (host !== chosen) return true;  // another was chosen meanwhile
  cutToData(results);
  const last = {};
  kPanels.forEach((panel, i) => {
    draw(panel, results[i], numbers);
    for (const s of results[i].series ?? []) (last[panel.id] ??= {})[s.name] = lastOf(s.values);
  });
  drawFiles(numbers.files);
  drawTiles(last, numbers);
  const up = numbers.boot ? `up ${duration(Date.now() / 1000 - numbers.boot)}` : '';
  $('host-facts').textContent = [facts, numbers.cores && `${numbers.cores} cores`, up].filter(Boolean).join(' · ');
  return true;
}

// A server that has just begun has nothing to show for most of the span.
function cutToData(results) {
  const all = results.flatMap((result) => result.series ?? []);
  const firsts = all.map((s) => s.values.findIndex((v) => !Number.isNaN(v))).filter((i) => i >= 0);
  const from = Math.min(...firsts, (kSpan - kLeastSpan) / kStep);
  for (const result of results) {
    if (result.error) continue;
    result.times = result.times.slice(from);
    for (const s of result.series) s.values = s.values.slice(from);
  }
}

function draw(panel, result, numbers) {
  const chart = charts.get(panel.id);
  if (result.error) return chart.setEmpty(result.error);
  if (!result.series.length) return chart.setEmpty(panel.absent ?? kNoData);
  if (panel.id === 'memory') chart.options.max = numbers.memory;
  chart.setData(result, panel.id === 'memory' && numbers.memory ? `of ${units.bytes.text(numbers.memory)}; ${panel.note}` : panel.note);
}

async function instants(host) {
  const one = async (query) => (await vector(query.replaceAll('$h', host)))[0]?.value;
  const [cores, memory, boot, busy, size, free] = await Promise.all([
    one('count(count by (cpu) (node_cpu_seconds_total{$h}))'),
    one('node_memory_MemTotal_bytes{$h}'),
    one('node_boot_time_seconds{$h}'),
    one(`max(rate(node_disk_io_time_seconds_total{$h, ${kDisks}}[1m]))`),
    vector(`max by (device, mountpoint) (node_filesystem_size_bytes{${host}, ${kFiles}})`),
    vector(`max by (device, mountpoint) (node_filesystem_avail_bytes{${host}, ${kFiles}})`),
  ]);
  return {cores, memory, boot, busy, files: joinFiles(size, free)};
}

// One line a device: bind mounts show the same one again and again. The shortest path stands for it.
function joinFiles(size, free) {
  const byDevice = new Map();
  for (const {labels, value} of size) {
    const left = free.find((f) => f.labels.device === labels.device && f.labels.mountpoint === labels.mountpoint);
    const known = byDevice.get(labels.device);
    if (!value || !left || (known && known.path.length <= labels.mountpoint.length)) continue;
    byDevice.set(labels.device, {path: labels.mountpoint, device: labels.device, size: value, free: left.value, full: 1 - left.value / value});
  }
  return [...byDevice.values()].sort((a, b) => b.full - a.full);
}

const level = (value, warn, bad) => (value >= bad ? 'bad' : value >= warn ? 'warn' : 'good');

function drawFiles(files) {
  barsEmpty.hidden = files.length > 0;
  barsEmpty.textContent = 'No file system of its own is visible here.';
  bars.replaceChildren(...files.slice(0, 12).map((file) => {
    const fill = h('div');
    fill.style.width = `${file.full * 100}%`;
    return h('li', {title: file.device},
      h('div.row', {}, h('span', {}, file.path),
        h('span', {}, h('b', {}, units.share.text(file.full)), ` of ${units.bytes.text(file.size)}, ${units.bytes.text(file.free)} left`)),
      h(`div.bar.${level(file.full, 0.85, 0.95)}`, {'aria-hidden': 'true'}, fill));
  }));
}

const kWords = {good: '', warn: '▲ high', bad: '▲▲ critical'};

// [title, value, note, level]; a value of undefined leaves the tile out.
function drawTiles(last, {memory, cores, busy, files}) {
  const sum = (values) => Object.values(values ?? {}).reduce((total, v) => total + v, 0);
  const {share, bytes, bytesPerSecond, plain} = units;
  const cpu = last.cpu && sum(last.cpu);
  const used = last.memory?.used;
  const load = last.load?.['1 min'];
  const worst = Object.entries(last.pressure ?? {}).sort((a, b) => b[1] - a[1])[0];
  const full = files[0];
  const tiles = [
    ['CPU', cpu, share.text, `${plain.text(cpu * cores)} of ${cores} cores`, level(cpu, 0.9, 0.98)],
    ['Memory', used / memory, share.text, `${bytes.text(used)} of ${bytes.text(memory)}`, level(used / memory, 0.9, 0.96)],
    ['Load, 1 min', load, plain.text, `${plain.text(load / cores)} per core`, level(load / cores, 2, 4)],
    ['Pressure', worst?.[1], share.text, worst?.[1] < 0.005 ? 'nobody waits' : `waiting for ${worst?.[0]}`, level(worst?.[1], 0.4, 0.8)],
    ['Disk busy', busy, share.text, `${bytesPerSecond.text(sum(last.disk))} moved`, level(busy, 0.9, 0.99)],
    ['Network', last.network && sum(last.network), bytesPerSecond.text,
      `${bytesPerSecond.text(last.network?.received)} in, ${bytesPerSecond.text(last.network?.sent)} out`, 'good'],
    ['Fullest disk', full?.full, share.text, full && `${full.path}, ${bytes.text(full.free)} left`, level(full?.full, 0.85, 0.95)],
  ];
  $('tiles').replaceChildren(...tiles.filter((t) => Number.isFinite(t[1])).map(([title, value, text, note, how]) =>
    h(`dl.tile.${how}`, {}, h('dt', {}, title, h('span.word', {}, kWords[how])),
      h('dd.value', {}, text(value)), h('dd.note', {title: note}, note))));
}
