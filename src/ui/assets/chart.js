// Charts on canvas: lines or stacked areas over time, a cursor shared by all of them, the values in
// a legend of text, and a table for those who would rather read. Data is a grid: {times, series:
// [{name, values}]}, NaN for a gap.
import {h, table} from './dom.js';
import {clock, units} from './format.js';

const charts = new Set();
let cursorTime = null;

function moveCursor(time) {
  if (time === cursorTime) return;
  cursorTime = time;
  for (const chart of charts) chart.redraw();
}

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  for (const chart of charts) chart.redraw();
});

/** Ticks from lo to hi at steps that read well: 1, 2, 5 times a power of ten, or powers of two. */
export function ticks(lo, hi, base, count) {
  const wanted = (hi - lo) / count;
  let step;
  if (base === 2) {
    step = 2 ** Math.ceil(Math.log2(wanted));
  } else {
    const power = 10 ** Math.floor(Math.log10(wanted));
    step = power * [1, 2, 5, 10].find((factor) => factor * power >= wanted * 0.999);
  }
  const result = [];
  for (let i = Math.ceil(lo / step - 1e-9); i * step <= hi + step * 1e-9; ++i) result.push(i * step);
  return result;
}

const kTimeSteps = [10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800];

/** Times of day that read well, in the zone of whoever looks. */
export function timeTicks(start, end, count) {
  const step = kTimeSteps.find((s) => (end - start) / s <= count) ?? 604800;
  const zone = -new Date(end * 1000).getTimezoneOffset() * 60;
  const result = [];
  for (let t = Math.ceil((start + zone) / step) * step - zone; t <= end; t += step) result.push(t);
  return result;
}

export class Chart {
  /** options: unit (of format.js), stacked, max (of the axis), className, and zero: whether the axis
      begins at 0 whatever the values are. */
  constructor(title, options = {}) {
    this.title = title;
    this.options = {unit: units.plain, zero: true, ...options};
    this.data = null;
    this.frame = 0;
    this.build();
    charts.add(this);
    new ResizeObserver(() => this.redraw()).observe(this.plot);
  }

  build() {
    this.note = h('span.quiet');
    this.toggle = h('button.toggle', {type: 'button', onclick: () => this.showTable(!this.plot.hidden)}, 'Table');
    this.toggle.setAttribute('aria-label', `${this.title} as a table`);
    this.canvas = h('canvas', {'aria-hidden': 'true'});
    this.plot = h('div.plot', {tabIndex: 0, role: 'slider', 'aria-label': `${this.title}, values by time`}, this.canvas);
    this.empty = h('p.empty', {hidden: true});
    this.legend = h('ul.legend');
    this.table = h('div.scroll', {hidden: true});
    this.root = h(`section.panel${this.options.className ? `.${this.options.className}` : ''}`,
      {'aria-label': this.title},
      h('header', {}, h('h3', {}, this.title), this.note, this.toggle),
      this.empty, this.plot, this.legend, this.table);
    this.plot.addEventListener('pointermove', (event) => this.point(event));
    this.plot.addEventListener('pointerleave', () => this.leave());
    this.plot.addEventListener('blur', () => this.leave());
    this.plot.addEventListener('keydown', (event) => this.key(event));
  }

  leave() {
    this.near = null;
    moveCursor(null);
  }

  /** Nothing to draw, and why. */
  setEmpty(text) {
    this.data = null;
    this.empty.textContent = text;
    this.empty.hidden = false;
    this.plot.hidden = this.legend.hidden = this.table.hidden = this.toggle.hidden = true;
  }

  setData(data, note = '') {
    const first = this.data === null;
    this.data = data;
    this.note.textContent = this.note.title = note;
    this.empty.hidden = true;
    this.toggle.hidden = false;
    if (first) this.showTable(false);
    else if (!this.table.hidden) this.fillTable();
    this.buildLegend();
    this.redraw();
  }

  buildLegend() {
    this.values = this.data.series.map((series, i) => {
      const swatch = h('span.swatch', {'aria-hidden': 'true'});
      swatch.style.background = this.color(i);
      const value = h('b');
      return {value, item: h('li', {}, swatch, h('span.name', {}, series.name), value)};
    });
    this.legend.replaceChildren(...this.values.map((v) => v.item));
  }

  color(i) {
    return this.data.series[i].color ? css(this.data.series[i].color) : css(`--s${i % 8 + 1}`);
  }

  showTable(on) {
    this.plot.hidden = this.legend.hidden = on;
    this.table.hidden = !on;
    this.toggle.textContent = on ? 'Chart' : 'Table';
    if (on) this.fillTable();
    else this.redraw();
  }

  fillTable() {
    const text = this.options.unit.text;
    const rows = this.data.series.map(({name, values}) => {
      const known = values.filter((v) => !Number.isNaN(v));
      const mean = known.reduce((sum, v) => sum + v, 0) / known.length;
      return {cells: [name, text(lastOf(values)), text(known.length ? known.reduce((a, b) => Math.min(a, b)) : NaN),
        text(mean), text(known.length ? known.reduce((a, b) => Math.max(a, b)) : NaN)]};
    });
    this.table.replaceChildren(table([{title: 'Series'}, ...['Now', 'Min', 'Mean', 'Max'].map((title) => ({title, number: true}))], rows));
  }

  // The index of the grid that the cursor is at, or -1.
  cursorIndex() {
    const times = this.data.times;
    const step = times[1] - times[0] || 1;
    if (cursorTime === null || cursorTime < times[0] - step || cursorTime > times.at(-1) + step) return -1;
    return Math.max(0, Math.min(times.length - 1, Math.round((cursorTime - times[0]) / step)));
  }

  point(event) {
    if (!this.data || !this.area) return;
    const {left, width} = this.area;
    const times = this.data.times;
    const box = this.plot.getBoundingClientRect();
    const share = Math.max(0, Math.min(1, (event.clientX - box.left - left) / width));
    const index = Math.round(share * (times.length - 1));
    this.near = this.options.stacked ? null : this.nearest(index, event.clientY - box.top);
    moveCursor(times[index]);
    this.redraw();
  }

  nearest(index, y) {
    let best = null;
    let distance = 25;  // pixels
    this.data.series.forEach(({values}, i) => {
      const d = Math.abs(this.y(values[index]) - y);
      if (d < distance) [best, distance] = [i, d];
    });
    return best;
  }

  key(event) {
    if (!this.data) return;
    const last = this.data.times.length - 1;
    const now = this.cursorIndex() < 0 ? last : this.cursorIndex();
    const page = Math.ceil(last / 10);
    const to = {ArrowLeft: now - 1, ArrowRight: now + 1, PageUp: now - page, PageDown: now + page, Home: 0, End: last}[event.key];
    if (event.key === 'Escape') this.leave();
    if (to === undefined) return;
    event.preventDefault();
    moveCursor(this.data.times[Math.max(0, Math.min(last, to))]);
  }

  redraw() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      if (!this.data || !this.root.isConnected) return;
      this.writeValues();
      if (!this.plot.hidden) this.draw();
    });
  }

  writeValues() {
    const index = this.cursorIndex();
    const {times, series} = this.data;
    const text = this.options.unit.text;
    const shown = series.map(({values}) => text(index < 0 ? lastOf(values) : values[index]));
    this.values.forEach(({value, item}, i) => {
      value.textContent = shown[i];
      item.querySelector('.name').style.fontWeight = this.near === i ? '700' : '';
      this.values[i].item.querySelector('.swatch').style.background = this.color(i);
    });
    const at = index < 0 ? times.length - 1 : index;
    const spoken = series.slice(0, 8).map(({name}, i) => `${name} ${shown[i]}`).join(', ');
    this.plot.setAttribute('aria-valuemax', times.length - 1);
    this.plot.setAttribute('aria-valuenow', at);
    this.plot.setAttribute('aria-valuetext', `${clock(times[at], 0)}: ${spoken}`);
  }

  // The lowest and highest value that the axis must show.
  extent(stacks) {
    let lo = Infinity;
    let hi = -Infinity;
    for (const values of stacks) {
      for (const v of values) {
        if (!Number.isFinite(v)) continue;
        if (v < lo) lo = v;
        if (v > hi) hi = v;
      }
    }
    if (lo > hi) return [0, 1];
    if (this.options.zero || (lo >= 0 && lo < hi * 0.6)) lo = Math.min(0, lo);
    if (this.options.max !== undefined) hi = Math.max(hi, this.options.max);
    if (hi === lo) return [lo < 0 ? lo * 2 : 0, hi <= 0 ? 1 : hi * 2];
    return [lo, hi + (this.options.max === undefined ? (hi - lo) * 0.06 : 0)];
  }

  draw() {
    const width = this.plot.clientWidth;
    const height = this.plot.clientHeight;
    if (width < 40) return;
    const ratio = devicePixelRatio || 1;
    if (this.canvas.width !== Math.round(width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
    }
    const context = this.canvas.getContext('2d');
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    context.font = '11px system-ui, sans-serif';

    const lines = this.options.stacked ? stack(this.data.series) : this.data.series.map((s) => s.values);
    this.drawAxes(context, width, height, this.extent(lines));
    context.save();
    context.beginPath();
    context.rect(this.area.left, 0, this.area.width + 1, this.area.top + this.area.height + 1);
    context.clip();
    if (this.options.stacked) this.drawAreas(context, lines);
    else lines.forEach((values, i) => this.drawLine(context, values, this.color(i), this.near === i ? 2.5 : 1.5));
    context.restore();
    this.drawCursor(context, lines);
  }

  drawAxes(context, width, height, [lo, hi]) {
    const {unit} = this.options;
    const marks = ticks(lo, hi, unit.base, height > 200 ? 6 : 3);
    const labels = marks.map(unit.text);
    const left = Math.ceil(Math.max(24, ...labels.map((l) => context.measureText(l).width))) + 8;
    const area = this.area = {left, top: 6, width: width - left - 4, height: height - 26};
    const times = this.data.times;
    const span = times.at(-1) - times[0] || 1;
    this.x = (time) => left + (time - times[0]) / span * area.width;
    this.y = (value) => area.top + area.height - (Math.max(lo, Math.min(hi, value)) - lo) / (hi - lo) * area.height;

    context.strokeStyle = css('--grid');
    context.fillStyle = css('--quiet');
    context.lineWidth = 1;
    context.textBaseline = 'middle';
    context.textAlign = 'right';
    marks.forEach((mark, i) => {
      const y = Math.round(this.y(mark)) + 0.5;
      context.beginPath();
      context.moveTo(left, y);
      context.lineTo(width - 4, y);
      context.stroke();
      context.fillText(labels[i], left - 6, y);
    });
    context.textBaseline = 'alphabetic';
    context.textAlign = 'center';
    for (const time of timeTicks(times[0], times.at(-1), Math.max(2, area.width / 75))) {
      const text = clock(time, span);
      const half = context.measureText(text).width / 2;
      const x = this.x(time);
      if (x - half >= left - 4 && x + half <= width) context.fillText(text, x, height - 5);
    }
  }

  drawLine(context, values, color, width) {
    const {times} = this.data;
    context.strokeStyle = context.fillStyle = color;
    context.lineWidth = width;
    context.lineJoin = 'round';
    context.beginPath();
    for (const [from, to] of runs(values)) {
      context.moveTo(this.x(times[from]), this.y(values[from]));
      for (let i = from + 1; i <= to; ++i) context.lineTo(this.x(times[i]), this.y(values[i]));
      if (from === to) context.rect(this.x(times[from]) - 1, this.y(values[from]) - 1, 2, 2);  // one lone sample
    }
    context.stroke();
  }

  drawAreas(context, sums) {
    const {times} = this.data;
    for (let i = sums.length - 1; i >= 0; --i) {
      context.fillStyle = this.color(i);
      for (const [from, to] of runs(sums[i])) {
        const below = (k) => (i > 0 ? sums[i - 1][k] : 0);
        const wide = from === to ? 1.5 : 0;
        context.beginPath();
        for (let k = from; k <= to; ++k) context.lineTo(this.x(times[k]) - wide, this.y(sums[i][k]));
        if (wide) context.lineTo(this.x(times[to]) + wide, this.y(sums[i][to]));
        for (let k = to; k >= from; --k) context.lineTo(this.x(times[k]) + wide, this.y(below(k)));
        if (wide) context.lineTo(this.x(times[from]) - wide, this.y(below(from)));
        context.globalAlpha = 0.85;
        context.fill();
        context.globalAlpha = 1;
      }
    }
  }

  drawCursor(context, lines) {
    const index = this.cursorIndex();
    if (index < 0) return;
    const {left, top, height, width} = this.area;
    const {times} = this.data;
    const x = Math.round(this.x(times[index])) + 0.5;
    context.strokeStyle = css('--cursor');
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(x, top);
    context.lineTo(x, top + height);
    context.stroke();
    if (!this.options.stacked) {
      lines.forEach((values, i) => {
        if (!Number.isFinite(values[index])) return;
        context.fillStyle = this.color(i);
        context.beginPath();
        context.arc(x, this.y(values[index]), 3, 0, 7);
        context.fill();
      });
    }
    const text = clock(times[index], 0);
    const half = context.measureText(text).width / 2 + 5;
    const at = Math.max(left + half, Math.min(left + width - half, x));
    context.fillStyle = css('--text');
    context.fillRect(at - half, top + height + 3, half * 2, 16);
    context.fillStyle = css('--panel');
    context.textAlign = 'center';
    context.textBaseline = 'alphabetic';
    context.fillText(text, at, top + height + 15);
  }
}

/** The latest known value. */
export function lastOf(values) {
  for (let i = values.length - 1; i >= 0; --i) if (!Number.isNaN(values[i])) return values[i];
  return NaN;
}

// Pairs of first and last index between gaps.
function runs(values) {
  const result = [];
  for (let i = 0; i < values.length; ++i) {
    if (!Number.isFinite(values[i])) continue;
    const from = i;
    while (i + 1 < values.length && Number.isFinite(values[i + 1])) ++i;
    result.push([from, i]);
  }
  return result;
}

// Running sums; a gap only where no series has a value.
function stack(series) {
  const sums = [];
  series.forEach(({values}, i) => {
    const any = (k) => series.some((s) => !Number.isNaN(s.values[k]));
    sums.push(values.map((v, k) => (any(k) ? (Number.isNaN(v) ? 0 : v) + (i > 0 ? sums[i - 1][k] : 0) : NaN)));
  });
  return sums;
}
