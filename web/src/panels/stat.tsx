import {inkOn} from '../charts/colors';
import {display} from '../dashboard/field';
import type {PanelProps} from './panel_props';
import {reducedValues, type Reduced} from './reduced';
import {Sparkline} from './sparkline';

function StatTile({one, props, several}: {one: Reduced; props: PanelProps; several: boolean}) {
  const {textMode = 'auto', colorMode = 'value', graphMode = 'area'} = props.panel.options;
  const shown = display(one.field.config, one.value);
  const color = shown.color ?? 'var(--text)';
  const filled = colorMode.startsWith('background') && shown.color !== undefined && shown.color !== 'transparent';
  const ink = filled ? inkOn(color) : undefined;
  const graph = graphMode === 'area' && one.trend.length > 2;
  const value = shown.prefix + shown.text + shown.suffix;
  const name = textMode === 'name' || textMode === 'value_and_name' || (textMode === 'auto' && several);
  const number = textMode !== 'name' && textMode !== 'none';
  return (
    <div class={graph ? 'stat with-graph' : 'stat'} style={{background: filled ? color : '', color: ink ?? ''}}>
      {graph && <Sparkline values={one.trend} color={ink ?? color} area />}
      {name && <div class={number ? 'stat-name' : 'stat-value'} title={one.name}>{one.name}</div>}
      {number && (
        <div class="stat-value" style={{color: colorMode === 'value' && !filled ? color : '', '--length': Math.max(4, value.length)} as Record<string, string | number>}>
          {shown.prefix}{shown.text}<small>{shown.suffix}</small>
        </div>
      )}
    </div>
  );
}

export function StatPanel(props: PanelProps) {
  const values = reducedValues(props);
  const {orientation = 'auto'} = props.panel.options;
  const wide = orientation === 'vertical' || (orientation === 'auto' && props.panel.gridPos.w * 2 >= props.panel.gridPos.h * 1.2);
  return (
    <div class={`stats ${wide ? 'across' : 'down'}`}>
      {values.map((one) => <StatTile key={one.key} one={one} props={props} several={values.length > 1} />)}
    </div>
  );
}
