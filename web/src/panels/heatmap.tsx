import {useMemo} from 'preact/hooks';
import {Cells, type CellData} from '../charts/cells';
import {heatOf} from '../dashboard/heat';
import {zone} from '../shell/clock';
import {dark} from '../shell/settings';
import {showNumber} from '../units/units';
import type {PanelProps} from './panel_props';

/** Quiet where there is little: the square root lets few observations be seen beside many. */
export function HeatmapPanel({panel, data}: PanelProps) {
  const unit = panel.options.yAxis?.unit ?? panel.fieldConfig.defaults.unit;
  const cells = useMemo<CellData>(() => {
    const {times, labels, rows: all} = heatOf(data.frames);
    const rows = all.map((row) => row.map((value) => (value !== null && Number.isFinite(value) ? value : null)));
    const most = rows.reduce((most, row) => row.reduce<number>((high, value) => Math.max(high, value ?? 0), most), 0);
    return {
      times, step: data.step, range: data.range, zone: zone.value, gap: 1, merge: false,
      rows: rows.map((row, i) => ({
        label: Number.isNaN(Number(labels[i])) ? labels[i].replace('+Inf', '∞') : `≤ ${showNumber(Number(labels[i]), unit)}`,
        cells: row.map((value) => (value ? {color: heatColor(Math.sqrt(value / most)), text: showNumber(value, 'short')} : null)),
      })),
    };
  }, [data, unit, zone.value, dark.value]);
  return <Cells data={cells} label={panel.title} />;
}

const heatColor = (share: number): string => (share < 0.5 ? `color-mix(in srgb, var(--heat-mid) ${Math.round(share * 200)}%, var(--heat-low))`
  : `color-mix(in srgb, var(--heat-high) ${Math.round((share - 0.5) * 200)}%, var(--heat-mid))`);
