import {useMemo} from 'preact/hooks';
import {align} from '../charts/align';
import {Cells, type CellData} from '../charts/cells';
import {kPalette} from '../charts/colors';
import {display} from '../dashboard/field';
import {nameOf} from '../dashboard/frame';
import {zone} from '../shell/clock';
import {dark} from '../shell/settings';
import type {PanelProps} from './panel_props';

export function StateTimelinePanel({panel, data}: PanelProps) {
  const cells = useMemo<CellData>(() => {
    const {times, lines} = align(data.frames);
    const colors = new Map<string, string>();
    const rows = lines.map(({frame, field, values}) => ({
      label: nameOf(field, frame),
      cells: values.map((value) => {
        if (value === null) return null;
        const shown = display(field.config, value);
        const text = shown.prefix + shown.text + shown.suffix;
        if (!colors.has(text)) colors.set(text, shown.color ?? kPalette[colors.size % kPalette.length]);
        return {color: colors.get(text) ?? '', text};
      }),
    }));
    return {times, rows: rows.reverse(), step: data.step, range: data.range, zone: zone.value, gap: 4, merge: panel.options.mergeValues !== false};
  }, [data, zone.value, dark.value]);
  return <Cells data={cells} label={panel.title} />;
}
