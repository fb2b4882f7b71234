// Coloured cells over time with one row a bucket or a series: heatmaps and state timelines. Axes,
// cursor and zoom are uPlot's, as of every other chart.
import {useEffect, useRef, useState} from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import {setRange} from '../shell/clock';
import {dark} from '../shell/settings';
import {axisTime, dateTime} from '../time/format';
import {inkOn, paint} from './colors';
import {kSync, moveCursor} from './cursor';

export interface CellRow { label: string; cells: readonly (CellValue | null)[] }
export interface CellValue { color: string; alpha?: number; text: string }
export interface CellData {
  times: readonly number[];
  step: number;
  rows: readonly CellRow[];  // the first is at the bottom
  range: {from: number; to: number};
  zone: string;
  gap: number;       // pixels between rows
  merge: boolean;    // neighbours of one text are one box, with the text in it
}

const kFont = '11px system-ui, "Noto Sans", "DejaVu Sans", sans-serif';

function draw(plot: uPlot, data: CellData): void {
  const {ctx} = plot;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(plot.bbox.left, plot.bbox.top, plot.bbox.width, plot.bbox.height);
  ctx.clip();
  data.rows.forEach((row, y) => {
    const top = plot.valToPos(y + 1, 'y', true) + data.gap * ratio / 2;
    const height = Math.max(1, plot.valToPos(y, 'y', true) - top - data.gap * ratio / 2);
    for (let i = 0; i < row.cells.length; i += 1) {
      const cell = row.cells[i];
      if (!cell) continue;
      let last = i;
      while (data.merge && row.cells[last + 1]?.text === cell.text) last += 1;
      const left = plot.valToPos(data.times[i], 'x', true);
      const right = plot.valToPos(data.times[last] + data.step, 'x', true);
      ctx.fillStyle = paint(cell.color, cell.alpha ?? 1);
      ctx.fillRect(left, top, Math.max(1, right - left + (data.merge ? -1 : 0.5)), height);
      if (data.merge && right - left > cell.text.length * 7 * ratio + 8) {
        ctx.fillStyle = inkOn(cell.color);
        ctx.font = `${11 * ratio}px system-ui, sans-serif`;
        ctx.textBaseline = 'middle';
        ctx.fillText(cell.text, left + 4 * ratio, top + height / 2);
      }
      i = last;
    }
  });
  ctx.restore();
}

function optionsOf(current: () => CellData, size: {width: number; height: number}, hover: (text: string) => void): uPlot.Options {
  const data = current();
  const every = Math.max(1, Math.ceil(data.rows.length / Math.max(1, size.height / 18)));
  return {
    ...size, ms: 1, padding: [8, 8, 0, 0], legend: {show: false},
    cursor: {sync: {key: kSync, setSeries: false}, drag: {x: true, y: false, setScale: false}, y: false, points: {show: false}},
    scales: {x: {time: true, range: () => [current().range.from, current().range.to]}, y: {range: () => [0, Math.max(1, current().rows.length)]}},
    axes: [
      {stroke: paint('var(--quiet)'), font: kFont, size: 24, gap: 4, space: 70, grid: {show: false}, ticks: {show: false},
        values: (_, splits, __, ___, step) => splits.map((at) => axisTime(at, step, data.zone))},
      {stroke: paint('var(--quiet)'), font: kFont, gap: 4, grid: {show: false}, ticks: {show: false},
        splits: () => current().rows.map((_, i) => i + 0.5).filter((_, i) => i % every === 0),
        values: (_, splits) => splits.map((at) => current().rows[Math.floor(at)]?.label ?? ''),
        size: (_, values) => Math.min(180, Math.max(30, ...(values ?? []).map((text) => text.length * 6.4 + 10)))},
    ],
    series: [{}, {scale: 'y', paths: () => null, points: {show: false}}],
    hooks: {
      draw: [(plot) => draw(plot, current())],
      setSelect: [(plot) => {
        if (plot.select.width < 4) return;
        setRange({from: Math.round(plot.posToVal(plot.select.left, 'x')), to: Math.round(plot.posToVal(plot.select.left + plot.select.width, 'x'))});
        plot.setSelect({left: 0, top: 0, width: 0, height: 0}, false);
      }],
      setCursor: [(plot) => {
        const {left = -1, top = -1} = plot.cursor;
        if (!plot.over.matches(':hover') || left < 0) return hover('');
        const at = plot.posToVal(left, 'x');
        moveCursor(at);
        const {rows, times, step, zone} = current();
        const row = rows[Math.floor(plot.posToVal(top, 'y'))];
        const cell = row?.cells[Math.floor((at - times[0]) / step)];
        hover(row ? `${dateTime(at, zone)}  ${row.label}: ${cell?.text ?? '–'}` : '');
      }],
    },
  };
}

export function Cells({data, label}: {data: CellData; label: string}) {
  const host = useRef<HTMLDivElement>(null);
  const latest = useRef(data);
  latest.current = data;
  const plot = useRef<uPlot | null>(null);
  const [size, setSize] = useState({width: 0, height: 0});
  const [text, setText] = useState('');
  useEffect(() => {
    const element = host.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(([entry]) => setSize({width: Math.floor(entry.contentRect.width), height: Math.floor(entry.contentRect.height)}));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    if (!host.current || size.width < 40 || size.height < 40) return undefined;
    const columns = (): uPlot.AlignedData => [latest.current.times, latest.current.times.map(() => 0)] as unknown as uPlot.AlignedData;
    plot.current = new uPlot(optionsOf(() => latest.current, size, setText), columns(), host.current);
    return () => plot.current?.destroy();
  }, [size, data.rows.length, dark.value]);
  useEffect(() => {
    plot.current?.setData([data.times, data.times.map(() => 0)] as unknown as uPlot.AlignedData);
  }, [data]);
  return <div class="plot" ref={host} role="img" aria-label={label}>{text && <p class="cell-text">{text}</p>}</div>;
}
