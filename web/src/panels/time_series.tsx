import {useMemo, useState} from 'preact/hooks';
import {align} from '../charts/align';
import {Legend} from '../charts/legend';
import {Plot} from '../charts/plot';
import type {PlotData, PlotSeries} from '../charts/plot_view';
import {seriesColor} from '../dashboard/field';
import {nameOf} from '../dashboard/frame';
import {reduce} from '../dashboard/reduce';
import {zone} from '../shell/clock';
import {t} from '../shell/words';
import type {PanelProps} from './panel_props';

const kMostDrawn = 500;

export function TimeSeriesPanel({panel, data, marks}: PanelProps) {
  const [only, setOnly] = useState<ReadonlySet<string> | null>(null);
  const [highlighted, setHighlighted] = useState<number | null>(null);
  const plot = useMemo<PlotData & {all: number}>(() => {
    const {times, lines} = align(data.frames);
    const series: PlotSeries[] = lines.slice(0, kMostDrawn).map(({frame, field, values}, i) => {
      const {config} = field;
      return {
        name: nameOf(field, frame), values, unit: config.unit, decimals: config.decimals, min: config.min, max: config.max,
        thresholds: config.thresholds, custom: config.custom ?? {},
        color: seriesColor(config, i, Number(reduce(values, config.color?.seriesBy === 'max' ? 'max' : config.color?.seriesBy === 'min' ? 'min' : 'lastNotNull') ?? NaN)),
        hidden: config.custom?.hideFrom?.viz === true,
      };
    });
    return {times, series, range: data.range, marks, dots: data.dots, zone: zone.value, step: data.step, all: lines.length};
  }, [data, marks, zone.value]);
  const shown = useMemo<PlotData>(() => (only ? {...plot, series: plot.series.map((one) => ({...one, hidden: !only.has(one.name)}))} : plot), [plot, only]);
  const toggle = (index: number, alone: boolean): void => {
    const {name} = plot.series[index];
    if (alone) return setOnly(only?.size === 1 && only.has(name) ? null : new Set([name]));
    const next = new Set(only ?? plot.series.map((one) => one.name));
    if (!next.delete(name)) next.add(name);
    setOnly(next.size === plot.series.length ? null : next);
  };
  const legend = panel.options.legend ?? {showLegend: true, displayMode: 'list', placement: 'bottom'};
  const hasLegend = legend.showLegend !== false && legend.displayMode !== 'hidden' && plot.series.length > 0;
  return (
    <div class={`chart ${hasLegend && legend.placement === 'right' ? 'beside' : 'below'}`}>
      <Plot data={shown} tooltip={{mode: panel.options.tooltip?.mode ?? 'multi', sort: panel.options.tooltip?.sort}} highlighted={highlighted} label={panel.title || t('Chart')} />
      {hasLegend && <Legend series={shown.series} options={legend} toggle={toggle} highlight={setHighlighted} />}
      {plot.all > kMostDrawn && <p class="panel-note">{t('{0} of {1} series are drawn', kMostDrawn, plot.all)}</p>}
    </div>
  );
}
