import {display, thresholdAt} from '../dashboard/field';
import type {Field} from '../dashboard/frame';
import {colorOf} from '../charts/colors';
import type {PanelProps} from './panel_props';
import {reducedValues, type Reduced} from './reduced';

/** The ends of a scale: the configuration's, else of what is there. */
export function scaleOf(field: Field, all: readonly Reduced[]): {min: number; max: number} {
  const {config} = field;
  const numbers = all.flatMap(({field: other}) => other.values).filter((value): value is number => typeof value === 'number' && Number.isFinite(value));
  const ratio = config.unit === 'percentunit' ? 1 : config.unit === 'percent' ? 100 : undefined;
  const min = config.min ?? Math.min(0, ...numbers.slice(0, 10_000));
  const max = config.max ?? ratio ?? Math.max(1e-9, ...numbers.slice(0, 10_000));
  return {min, max: max > min ? max : min + 1};
}

const kStart = -210, kSweep = 240;  // degrees; clockwise from the right

function arc(from: number, to: number, radius: number): string {
  const at = (share: number): string => {
    const angle = (kStart + kSweep * share) * Math.PI / 180;
    return `${(100 + radius * Math.cos(angle)).toFixed(2)} ${(100 + radius * Math.sin(angle)).toFixed(2)}`;
  };
  return `M${at(from)} A${radius} ${radius} 0 ${(to - from) * kSweep > 180 ? 1 : 0} 1 ${at(to)}`;
}

function Dial({one, all}: {one: Reduced; all: readonly Reduced[]}) {
  const {config} = one.field;
  const {min, max} = scaleOf(one.field, all);
  const shown = display({...config, min, max}, one.value);
  const share = shown.number === undefined || Number.isNaN(shown.number) ? 0 : Math.min(1, Math.max(0, (shown.number - min) / (max - min)));
  const length = shown.prefix.length + shown.text.length + shown.suffix.length;
  const steps = config.thresholds?.steps ?? [];
  const edge = (value: number | null): number => Math.min(1, Math.max(0, value === null ? 0
    : config.thresholds?.mode === 'percentage' ? value / 100 : (value - min) / (max - min)));
  const color = shown.color ?? (shown.number === undefined ? 'var(--quiet)' : colorOf(thresholdAt(config.thresholds, shown.number, min, max)?.color ?? 'green'));
  return (
    <figure class="dial">
      <svg viewBox="0 0 200 160" role="img" aria-label={`${one.name}: ${shown.prefix}${shown.text}${shown.suffix}`}>
        <path d={arc(0, 1, 80)} class="dial-back" />
        {share > 0 && <path d={arc(0, share, 80)} class="dial-value" style={{stroke: color}} />}
        {steps.map((step, i) => {
          const [from, to] = [edge(step.value), steps[i + 1] ? edge(steps[i + 1].value) : 1];
          return to > from && <path d={arc(from, to, 96)} class="dial-step" style={{stroke: colorOf(step.color)}} />;
        })}
        <text x="100" y="112" class="dial-text" style={{fill: color, fontSize: length > 6 ? '22px' : length > 4 ? '28px' : '34px'}}>{shown.prefix}{shown.text}{shown.suffix}</text>
      </svg>
      <figcaption title={one.name}>{all.length > 1 ? one.name : ''}</figcaption>
    </figure>
  );
}

export function GaugePanel(props: PanelProps) {
  const values = reducedValues(props);
  return <div class="dials">{values.map((one) => <Dial key={one.key} one={one} all={values} />)}</div>;
}

export function BarGaugePanel(props: PanelProps) {
  const values = reducedValues(props);
  const {orientation = 'auto', displayMode = 'gradient'} = props.panel.options;
  const upright = orientation === 'vertical' || (orientation === 'auto' && props.panel.gridPos.w > props.panel.gridPos.h * 2.2 && values.length > 1);
  return (
    <ul class={`bar-gauges ${upright ? 'upright' : 'lying'} ${displayMode}`}>
      {values.map((one) => {
        const {min, max} = scaleOf(one.field, values);
        const shown = display({...one.field.config, min, max}, one.value);
        const share = Math.min(1, Math.max(0, ((shown.number ?? min) - min) / (max - min))) * 100;
        return (
          <li key={one.key}>
            <span class="bar-name" title={one.name}>{one.name}</span>
            <span class="bar-track"><i style={{[upright ? 'height' : 'width']: `${share}%`, background: shown.color ?? 'var(--s1)'}} /></span>
            <b style={{color: shown.color ?? ''}}>{shown.prefix}{shown.text}{shown.suffix}</b>
          </li>
        );
      })}
    </ul>
  );
}
