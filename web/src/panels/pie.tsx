import {seriesColor, displayText} from '../dashboard/field';
import {showNumber} from '../units/units';
import type {PanelProps} from './panel_props';
import {reducedValues} from './reduced';

export function PiePanel(props: PanelProps) {
  const slices = reducedValues(props).map((one, i) => ({...one, size: Math.max(0, Number(one.value ?? 0)), color: seriesColor(one.field.config, i, Number(one.value))}))
    .filter((one) => one.size > 0 && Number.isFinite(one.size)).sort((a, b) => b.size - a.size);
  const total = slices.reduce((sum, one) => sum + one.size, 0);
  let angle = -Math.PI / 2;
  const point = (at: number, radius: number): string => `${(100 + radius * Math.cos(at)).toFixed(2)} ${(100 + radius * Math.sin(at)).toFixed(2)}`;
  const inner = props.panel.options.pieType === 'donut' ? 55 : 0;
  return (
    <div class="pie">
      <svg viewBox="0 0 200 200" role="img" aria-label={slices.map((one) => `${one.name}: ${displayText(one.field.config, one.value)}`).join(', ')}>
        {slices.map((one) => {
          const from = angle, to = Math.min(angle + one.size / total * 2 * Math.PI, from + 2 * Math.PI - 1e-4);
          angle = from + one.size / total * 2 * Math.PI;
          const large = to - from > Math.PI ? 1 : 0;
          return <path d={`M${point(from, 95)} A95 95 0 ${large} 1 ${point(to, 95)} L${point(to, inner)} A${inner} ${inner} 0 ${large} 0 ${point(from, inner)} Z`}
            style={{fill: one.color, stroke: 'var(--panel)'}}><title>{one.name}</title></path>;
        })}
      </svg>
      <ul>{slices.slice(0, 30).map((one) => (
        <li><i class="swatch" style={{background: one.color}} /><span>{one.name}</span>
          <b>{displayText(one.field.config, one.value)}</b><span class="quiet">{showNumber(one.size / total, 'percentunit', 0)}</span></li>
      ))}</ul>
    </div>
  );
}
