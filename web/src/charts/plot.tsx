import {useEffect, useLayoutEffect, useRef, useState} from 'preact/hooks';
import {createPortal} from 'preact/compat';
import {setRange} from '../shell/clock';
import {dark} from '../shell/settings';
import {t} from '../shell/words';
import {dateTime} from '../time/format';
import {showNumber} from '../units/units';
import {PlotView, type PlotData, type PlotEvents, type PlotSeries} from './plot_view';

type Hover = Parameters<PlotEvents['hover']>[0];
const kTooltipRows = 14;

export interface TooltipOptions { mode?: 'single' | 'multi' | 'none'; sort?: 'none' | 'asc' | 'desc' }

const valueText = (series: PlotSeries, value: number | null): string => (value === null ? '–' : showNumber(value, series.unit, series.decimals));

interface Row { series: PlotSeries; value: number }

function rowsAt(data: PlotData, index: number): Row[] {
  return data.series.flatMap((series) => {
    const value = series.values[index];
    return series.hidden || series.custom.hideFrom?.tooltip || value === null || value === undefined ? [] : [{series, value}];
  });
}

function Tooltip({data, at, options}: {data: PlotData; at: NonNullable<Hover>; options: TooltipOptions}) {
  const root = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const box = root.current;
    if (!box) return;
    const {width, height} = box.getBoundingClientRect();
    const x = at.over.left + at.left, y = at.over.top + at.top;
    box.style.left = `${x + 16 + width > innerWidth ? Math.max(4, x - width - 16) : x + 16}px`;
    box.style.top = `${Math.max(4, Math.min(innerHeight - height - 8, y + 12))}px`;
  });
  if (options.mode === 'none') return null;
  const all = rowsAt(data, at.index);
  if (!all.length) return null;
  const nearest = all.reduce((best, row) => (Math.abs(row.value - at.yValue) < Math.abs(best.value - at.yValue) ? row : best));
  let rows = options.mode === 'single' ? [nearest] : all;
  if (options.sort === 'asc') rows = [...rows].sort((a, b) => a.value - b.value);
  else if (options.sort === 'desc' || rows.length > kTooltipRows) rows = [...rows].sort((a, b) => b.value - a.value);
  const mark = data.marks.find(({from, to}) => Math.abs(from - data.times[at.index]) <= data.step || (to !== undefined && from <= data.times[at.index] && data.times[at.index] <= to));
  const near = (data.dots ?? []).filter(({at: when}) => Math.abs(when - data.times[at.index]) <= data.step);
  const dot = near.length ? near.reduce((best, one) => (Math.abs(one.value - at.yValue) < Math.abs(best.value - at.yValue) ? one : best)) : undefined;
  return createPortal(
    <div class="tooltip" ref={root} role="presentation">
      <p class="tooltip-time">{dateTime(data.times[at.index], data.zone)}</p>
      {dot && <p class="tooltip-dot">◆ {valueText(data.series[0], dot.value)} {Object.entries(dot.labels).map(([name, value]) => `${name}=${value}`).join(' ')}</p>}
      {mark && <p class="tooltip-mark">▲ {mark.title}</p>}
      <table><tbody>
        {rows.slice(0, kTooltipRows).map((row) => (
          <tr class={row === nearest && rows.length > 1 ? 'near' : undefined}>
            <td><i class="swatch" style={{background: row.series.color}} /></td>
            <td class="tooltip-name">{row.series.name}</td><td class="number">{valueText(row.series, row.value)}</td>
          </tr>
        ))}
      </tbody></table>
      {rows.length > kTooltipRows && <p class="quiet small">{t('{0} more', rows.length - kTooltipRows)}</p>}
    </div>, document.body);
}

/** Lines over time that fill their parent. `highlighted` is the index of a series to bring forward. */
export function Plot({data, tooltip, highlighted, label}: {data: PlotData; tooltip?: TooltipOptions; highlighted?: number | null; label: string}) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<PlotView | null>(null);
  const [hover, setHover] = useState<Hover>(null);
  useEffect(() => {
    const element = host.current;
    if (!element) return undefined;
    const made = new PlotView(element, {
      zoom: (from, to) => setRange({from: Math.round(from), to: Math.round(to)}),
      hover: setHover,
    });
    view.current = made;
    const observer = new ResizeObserver(([entry]) => made.resize(Math.floor(entry.contentRect.width), Math.floor(entry.contentRect.height)));
    observer.observe(element);
    return () => { observer.disconnect(); made.destroy(); };
  }, []);
  const isDark = dark.value;
  useEffect(() => { view.current?.update(data, isDark); }, [data, isDark]);
  useEffect(() => { view.current?.highlight(highlighted ?? null); }, [highlighted]);
  return (
    <div class="plot" ref={host} role="img" aria-label={label}>
      {hover && <Tooltip data={data} at={hover} options={tooltip ?? {mode: 'multi'}} />}
    </div>
  );
}
