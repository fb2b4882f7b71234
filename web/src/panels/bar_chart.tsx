import {displayText, seriesColor, valueColor} from '../dashboard/field';
import {nameOf, type Field} from '../dashboard/frame';
import type {PanelProps} from './panel_props';
import {reducedValues} from './reduced';

interface Group { name: string; bars: {name: string; value: number; field: Field; color: string}[] }

/** A row of the frame is a group of bars; without a text column every series is one bar. */
function groupsOf(props: PanelProps): Group[] {
  const frame = props.data.frames.find((one) => one.fields.some((field) => field.type === 'string'));
  if (!frame) {
    return reducedValues(props).map((one, i) => ({name: one.name, bars: [{name: one.name, value: Number(one.value ?? 0), field: one.field, color: valueColor(one.field.config, Number(one.value)) ?? seriesColor(one.field.config, i)}]}));
  }
  const wanted = props.panel.options.xField;
  const labels = frame.fields.find((field) => nameOf(field, frame) === wanted) ?? frame.fields.find((field) => field.type === 'string');
  const numbers = frame.fields.filter((field) => field.type === 'number');
  return Array.from({length: Math.min(200, frame.length)}, (_, row) => ({
    name: String(labels?.values[row] ?? ''),
    bars: numbers.map((field, i) => ({name: nameOf(field, frame), value: Number(field.values[row] ?? 0), field, color: seriesColor(field.config, i)})),
  }));
}

export function BarChartPanel(props: PanelProps) {
  const groups = groupsOf(props);
  const most = Math.max(1e-12, ...groups.flatMap((group) => group.bars.map((bar) => Math.abs(bar.value))));
  return (
    <ul class="bar-chart">
      {groups.map((group) => (
        <li><span class="bar-name" title={group.name}>{group.name}</span>
          <span class="bar-group">{group.bars.map((bar) => (
            <span class="bar-line"><span class="bar-track"><i style={{width: `${Math.abs(bar.value) / most * 100}%`, background: bar.color}} title={bar.name} /></span>
              <b>{displayText(bar.field.config, bar.value)}</b></span>
          ))}</span></li>
      ))}
    </ul>
  );
}
