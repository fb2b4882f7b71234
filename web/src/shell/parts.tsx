// Small parts that several pages show.
import {messageOf, type Labels} from '../api/client';
import {t} from './words';

export function Failed({error}: {error: unknown}) {
  return error === undefined ? null : <p class="banner bad" role="alert">{messageOf(error)}</p>;
}

export function LabelList({labels, without = [], pick}: {labels: Labels; without?: readonly string[]; pick?: (name: string, value: string) => void}) {
  const pairs = Object.entries(labels).filter(([name]) => !without.includes(name));
  return (
    <span class="labels">{pairs.map(([name, value]) => (pick
      ? <button class="label" title={t('Only these')} onClick={() => pick(name, value)}>{name}={value}</button>
      : <span class="label">{name}={value}</span>))}</span>
  );
}

export type Priority = 'P0' | 'P1' | 'P2' | 'P3';
const kShapes: Record<Priority, string> = {P0: '◆', P1: '▲', P2: '■', P3: '●'};
const kSeverities: Record<string, Priority> = {critical: 'P1', error: 'P1', page: 'P1', warning: 'P2', info: 'P3', none: 'P3', p0: 'P0', p1: 'P1', p2: 'P2', p3: 'P3'};

export const priorityOf = (severity: string | undefined): Priority => kSeverities[(severity ?? '').toLowerCase()] ?? 'P2';

/** A severity by letter, shape and colour. */
export function Severity({priority}: {priority: Priority}) {
  return <span class={`severity ${priority.toLowerCase()}`}><i aria-hidden="true">{kShapes[priority]}</i>{priority}</span>;
}

const kStates: Record<string, [string, string]> = {
  up: ['good', '✓'], ok: ['good', '✓'], inactive: ['good', '✓'], resolved: ['good', '✓'],
  down: ['bad', '▲'], err: ['bad', '▲'], firing: ['bad', '▲'], open: ['bad', '▲'],
  pending: ['warn', '◷'], acknowledged: ['warn', '◉'], unknown: ['', '?'], suppressed: ['', '∅'],
};
export function State({state}: {state: string}) {
  const [tone, shape] = kStates[state] ?? ['', '·'];
  return <span class={`state ${tone}`}><span aria-hidden="true">{shape}</span> {t(state)}</span>;
}
