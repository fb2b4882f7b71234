// A uPlot that is made when the shape of its data changes, and otherwise only given new numbers.
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type {CustomConfig, Thresholds} from '../dashboard/types';
import {isTv} from '../shell/location';
import {axisTime} from '../time/format';
import {axisSteps, showNumber} from '../units/units';
import {colorOf, paint} from './colors';
import {cursorTime, frozen, kSync, moveCursor} from './cursor';
import {stack} from './stack';

export interface PlotSeries {
  name: string;
  values: readonly (number | null)[];
  color: string;  // CSS
  unit?: string;
  decimals?: number;
  custom: CustomConfig;
  min?: number;
  max?: number;
  thresholds?: Thresholds;
  hidden?: boolean;
}
/** An exemplar: one request, at the value that it had. */
export interface Dot { at: number; value: number; labels: Record<string, string>; of: Record<string, string> }
export interface Mark { from: number; to?: number; title: string; color: string }
export interface PlotData {
  times: readonly number[];  // milliseconds
  series: readonly PlotSeries[];
  range: {from: number; to: number};
  marks: readonly Mark[];
  dots?: readonly Dot[];
  zone: string;
  step: number;
}
export interface PlotEvents {
  zoom: (from: number, to: number) => void;
  /** The cursor is at `index`, `left` and `top` in CSS pixels of the plot; null when it left. */
  hover: (at: {index: number; left: number; top: number; yValue: number; over: DOMRect} | null) => void;
}

const font = (): string => `${isTv() ? 15 : 11}px system-ui, "Noto Sans", "DejaVu Sans", sans-serif`;

const kMostMarked = 16;  // series

const scaleOf = (series: PlotSeries): string => `${series.unit ?? ''}|${series.custom.axisPlacement === 'right' ? 'right' : 'left'}|${series.custom.axisPlacement === 'hidden' ? 'hidden' : ''}`;

function pathsOf({custom}: PlotSeries, count: number): uPlot.Series.PathBuilder | undefined {
  if (custom.drawStyle === 'points') return () => null;
  if (custom.drawStyle === 'bars') return uPlot.paths.bars?.({size: [count < 2 ? 0.8 : 0.7, 60], align: 0});
  switch (custom.lineInterpolation) {
    case 'smooth': return uPlot.paths.spline?.();
    case 'stepBefore': return uPlot.paths.stepped?.({align: -1});
    case 'stepAfter': return uPlot.paths.stepped?.({align: 1});
    default: return uPlot.paths.linear?.();
  }
}

/** What makes another uPlot necessary. */
function shapeOf(data: PlotData, dark: boolean): string {
  return JSON.stringify([dark, data.zone, data.series.map(({color, unit, decimals, custom, min, max, thresholds}) => [color, unit, decimals, custom, min, max, thresholds])]);
}

export class PlotView {
  private plot: uPlot | undefined;
  private shape = '';
  private data: PlotData | undefined;
  private size = {width: 0, height: 0};

  constructor(private readonly host: HTMLElement, private readonly events: PlotEvents) {}

  update(data: PlotData, dark: boolean): void {
    this.data = data;
    const shape = shapeOf(data, dark);
    if (this.plot && shape === this.shape) {
      this.plot.batch(() => {
        this.plot?.setData(this.columns(data), false);
        data.series.forEach((series, i) => {
          if (this.plot && this.plot.series[i + 1].show === !!series.hidden) this.plot.setSeries(i + 1, {show: !series.hidden});
        });
        this.plot?.setScale('x', {min: data.range.from, max: data.range.to});
        this.plot?.redraw(true, true);  // scales that stay as they are draw nothing by themselves
      });
      return;
    }
    this.shape = shape;
    this.make();
  }

  resize(width: number, height: number): void {
    if (width === this.size.width && height === this.size.height) return;
    this.size = {width, height};
    if (this.plot) this.plot.setSize(this.size);
    else this.make();
  }

  highlight(index: number | null): void {
    this.plot?.setSeries(index === null ? null as unknown as number : index + 1, {focus: true});
  }

  destroy(): void {
    this.plot?.destroy();
    this.plot = undefined;
  }

  private make(): void {
    const {data} = this;
    if (!data || this.size.width < 30 || this.size.height < 30) return;
    this.plot?.destroy();
    this.plot = new uPlot(this.options(data), this.columns(data), this.host);
    this.plot.over.style.cursor = 'crosshair';
  }

  private stacking(data: PlotData): {groups: string[]; percent: boolean} {
    const groups = data.series.map((series) => {
      const mode = series.custom.stacking?.mode ?? 'none';
      if (mode === 'none' || series.hidden) return '';
      return `${series.custom.stacking?.group ?? 'A'}|${scaleOf(series)}|${series.custom.transform ?? ''}`;
    });
    return {groups, percent: data.series.some((series) => series.custom.stacking?.mode === 'percent')};
  }

  private columns(data: PlotData): uPlot.AlignedData {
    const signed = data.series.map(({values, custom}) => (
      custom.transform === 'negative-Y' ? values.map((value) => (value === null ? null : -value)) : values));
    const {groups, percent} = this.stacking(data);
    const columns = groups.some(Boolean) ? stack(signed, groups, percent).values : signed;
    return [data.times, ...columns] as unknown as uPlot.AlignedData;
  }

  private options(data: PlotData): uPlot.Options {
    const {groups, percent} = this.stacking(data);
    const bands = groups.some(Boolean) ? stack(data.series.map(({values}) => values), groups, percent).bands : [];
    const scales = [...new Set(data.series.map(scaleOf))];
    return {
      ...this.size, ms: 1, padding: [8, 8, 0, 0],
      legend: {show: false},
      focus: {alpha: 0.25},
      cursor: {
        sync: {key: kSync, setSeries: false},
        drag: {x: true, y: false, setScale: false},
        // Bringing the nearest line forward draws the chart anew, and a dot on each line is an element
        // that each move of the mouse moves, in every chart: neither helps among dozens of lines.
        focus: {prox: data.series.length <= kMostMarked ? 24 : -1},
        points: {size: 7, show: data.series.length <= kMostMarked},
        move: (plot, left, top) => (frozen.value && cursorTime.value !== null ? [plot.valToPos(cursorTime.value, 'x'), top] : [left, top]),
      },
      scales: {
        x: {time: true, range: () => [this.data?.range.from ?? 0, this.data?.range.to ?? 1]},
        ...Object.fromEntries(scales.map((key) => [key, this.scale(data, key, percent)])),
      },
      axes: [this.timeAxis(data), ...scales.map((key, i) => this.valueAxis(data, key, i, percent))],
      series: [{}, ...data.series.map((series, i) => this.line(series, data, !!groups[i]))],
      bands: bands.filter(([, below]) => below >= 0).map(([above, below]) => (
        {series: [above + 1, below + 1], fill: paint(data.series[above].color, (data.series[above].custom.fillOpacity ?? 0) / 100)})),
      hooks: {
        drawClear: [(plot) => this.drawAreas(plot)],
        draw: [(plot) => this.drawThresholds(plot), (plot) => this.drawMarks(plot), (plot) => this.drawDots(plot)],
        setCursor: [(plot) => this.hover(plot)],
        setSelect: [(plot) => {
          if (plot.select.width < 4) return;
          this.events.zoom(plot.posToVal(plot.select.left, 'x'), plot.posToVal(plot.select.left + plot.select.width, 'x'));
          plot.setSelect({left: 0, top: 0, width: 0, height: 0}, false);
        }],
      },
    };
  }

  private line(series: PlotSeries, data: PlotData, stacked: boolean): uPlot.Series {
    const {custom} = series;
    const bars = custom.drawStyle === 'bars';
    const fill = (custom.fillOpacity ?? 0) / 100;
    const dash = custom.lineStyle?.fill === 'dash' ? custom.lineStyle.dash ?? [10, 6] : custom.lineStyle?.fill === 'dot' ? [1, 4] : undefined;
    return {
      scale: scaleOf(series), label: series.name, show: !series.hidden,
      stroke: paint(series.color), width: custom.drawStyle === 'points' ? 0 : custom.lineWidth ?? 1,
      fill: fill > 0 || bars ? paint(series.color, stacked && !bars && fill > 0.6 ? 0.6 : fill || 0.5) : undefined,
      dash, paths: pathsOf(series, data.times.length),
      spanGaps: custom.spanNulls === true || (typeof custom.spanNulls === 'number' && custom.spanNulls > data.step),
      points: {
        show: custom.showPoints === 'never' && custom.drawStyle !== 'points' ? false : custom.showPoints === 'always' || custom.drawStyle === 'points' ? true : bars ? false : undefined,
        size: custom.pointSize ?? 5,
        fill: paint(series.color),
      },
    };
  }

  private scale(data: PlotData, key: string, percent: boolean): uPlot.Scale {
    const members = data.series.filter((series) => scaleOf(series) === key);
    const least = (list: (number | undefined)[]): number | undefined => list.find((value) => value !== undefined);
    const min = least(members.map((one) => one.min)), max = least(members.map((one) => one.max));
    const softMin = least(members.map((one) => one.custom.axisSoftMin)), softMax = least(members.map((one) => one.custom.axisSoftMax));
    const log = members.find((one) => one.custom.scaleDistribution?.type === 'log')?.custom.scaleDistribution;
    if (log) return {distr: 3, log: log.log === 2 ? 2 : 10};
    const soft = (value: number | undefined): uPlot.Range.Limit => ({pad: 0.08, soft: value ?? 0, mode: value === undefined ? 3 : 1});
    return {
      range: (_, low, high) => {
        if (percent) return [0, 1];
        if (low === null || high === null) return [min ?? 0, max ?? Math.max(1, (min ?? 0) + 1)];
        const [from, to] = uPlot.rangeNum(low, high, {min: soft(softMin), max: soft(softMax)});
        const bottom = min ?? from ?? 0, top = max ?? to ?? 1;
        return bottom < top ? [bottom, top] : [bottom, bottom + 1];
      },
    };
  }

  private timeAxis({zone}: PlotData): uPlot.Axis {
    return {
      stroke: paint('var(--quiet)'), font: font(), size: isTv() ? 30 : 24, gap: 4, space: isTv() ? 100 : 70,
      grid: {stroke: paint('var(--grid)'), width: 1}, ticks: {show: false},
      values: (_, splits, __, ___, step) => splits.map((at) => axisTime(at, step, zone)),
    };
  }

  private valueAxis(data: PlotData, key: string, index: number, percent: boolean): uPlot.Axis {
    const first = data.series.find((series) => scaleOf(series) === key);
    const right = first?.custom.axisPlacement === 'right' || (index > 0 && first?.custom.axisPlacement !== 'left');
    const unit = percent ? 'percentunit' : first?.unit;
    return {
      scale: key, side: right ? 1 : 3, show: first?.custom.axisPlacement !== 'hidden' && index < 3,
      stroke: paint('var(--quiet)'), font: font(), gap: 4, space: 28,
      grid: {show: index === 0, stroke: paint('var(--grid)'), width: 1}, ticks: {show: false},
      label: first?.custom.axisLabel, labelFont: font(), labelSize: first?.custom.axisLabel ? 16 : 0, labelGap: 0,
      incrs: axisSteps(unit),
      values: (_, splits) => splits.map((value) => (value === null || value === undefined ? '' : showNumber(Number(value.toPrecision(12)), unit, first?.decimals))),
      size: (_, values) => Math.ceil(Math.max(24, ...(values ?? []).map((text) => (text ? text.length * (isTv() ? 8.6 : 6.4) + 10 : 0)))),
    };
  }

  private *thresholdScales(): Generator<{thresholds: Thresholds; key: string; mode: string; series: PlotSeries}> {
    const seen = new Set<string>();
    for (const series of this.data?.series ?? []) {
      const mode = series.custom.thresholdsStyle?.mode ?? 'off';
      const key = scaleOf(series);
      if (!series.thresholds || mode === 'off' || seen.has(key)) continue;
      seen.add(key);
      yield {thresholds: series.thresholds, key, mode, series};
    }
  }

  private levels(plot: uPlot, {thresholds, key, series}: {thresholds: Thresholds; key: string; series: PlotSeries}): {y: number; color: string}[] {
    const {min = plot.scales[key].min ?? 0, max = plot.scales[key].max ?? 1} = series;
    return thresholds.steps.map((step) => ({
      y: step.value === null ? plot.bbox.top + plot.bbox.height
        : plot.valToPos(thresholds.mode === 'percentage' ? min + (max - min) * step.value / 100 : step.value, key, true),
      color: step.color,
    }));
  }

  private clipped(plot: uPlot, work: (ctx: CanvasRenderingContext2D) => void): void {
    const {ctx, bbox} = plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    work(ctx);
    ctx.restore();
  }

  private drawAreas(plot: uPlot): void {
    for (const one of this.thresholdScales()) {
      if (!one.mode.includes('area')) continue;
      const levels = this.levels(plot, one);
      this.clipped(plot, (ctx) => levels.forEach(({y, color}, i) => {
        const top = levels[i + 1]?.y ?? plot.bbox.top;
        ctx.fillStyle = paint(colorOf(color), 0.1);
        ctx.fillRect(plot.bbox.left, top, plot.bbox.width, y - top);
      }));
    }
  }

  private drawThresholds(plot: uPlot): void {
    for (const one of this.thresholdScales()) {
      if (!/line|dashed/.test(one.mode)) continue;
      this.clipped(plot, (ctx) => this.levels(plot, one).slice(1).forEach(({y, color}) => {
        ctx.strokeStyle = paint(colorOf(color), 0.8);
        ctx.lineWidth = devicePixelRatio;
        ctx.setLineDash(one.mode.includes('dashed') ? [6 * devicePixelRatio, 4 * devicePixelRatio] : []);
        ctx.beginPath();
        ctx.moveTo(plot.bbox.left, y);
        ctx.lineTo(plot.bbox.left + plot.bbox.width, y);
        ctx.stroke();
      }));
    }
  }

  private drawMarks(plot: uPlot): void {
    const marks = this.data?.marks ?? [];
    if (!marks.length) return;
    this.clipped(plot, (ctx) => marks.forEach(({from, to, color}) => {
      const left = plot.valToPos(from, 'x', true);
      ctx.fillStyle = paint(color, 0.07);
      if (to !== undefined) ctx.fillRect(left, plot.bbox.top, plot.valToPos(to, 'x', true) - left, plot.bbox.height);
      ctx.fillStyle = paint(color, 0.9);
      ctx.fillRect(left, plot.bbox.top, devicePixelRatio, plot.bbox.height);
      ctx.fillRect(left - 2 * devicePixelRatio, plot.bbox.top + plot.bbox.height - 4 * devicePixelRatio, 5 * devicePixelRatio, 4 * devicePixelRatio);
    }));
  }

  private drawDots(plot: uPlot): void {
    const {dots = [], series} = this.data ?? {series: []};
    if (!dots.length || !series.length) return;
    const key = scaleOf(series[0]), size = 3.5 * devicePixelRatio;
    this.clipped(plot, (ctx) => dots.forEach(({at, value}) => {
      const x = plot.valToPos(at, 'x', true), y = Math.max(plot.bbox.top + size, Math.min(plot.bbox.top + plot.bbox.height - size, plot.valToPos(value, key, true)));
      ctx.fillStyle = paint('var(--s5)');
      ctx.beginPath();
      ctx.moveTo(x, y - size); ctx.lineTo(x + size, y); ctx.lineTo(x, y + size); ctx.lineTo(x - size, y);
      ctx.fill();
    }));
  }

  private hover(plot: uPlot): void {
    const {idx, left, top} = plot.cursor;
    // Only the chart under the mouse speaks; the others were moved by it.
    if (!plot.over.matches(':hover')) return this.events.hover(null);
    if (idx === null || idx === undefined || left === undefined || left < 0) {
      moveCursor(null);
      return this.events.hover(null);
    }
    moveCursor(plot.posToVal(left, 'x'));
    const firstScale = this.data?.series.length ? scaleOf(this.data.series[0]) : 'x';
    this.events.hover({index: idx, left, top: top ?? 0, yValue: plot.posToVal(top ?? 0, firstScale), over: plot.rect});
  }
}
