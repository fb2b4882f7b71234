// From the panels of the JSON to those on the page: repeats made, rows folded, places found anew.
import {valuesOf, type Scope} from './interpolate';
import type {Panel, VariableValue} from './types';

export interface Placed { panel: Panel; key: string; x: number; y: number; w: number; h: number }

interface Section { row: Panel | null; panels: Panel[]; key: string }

/** Rows with the panels below them, in the order of their places. */
function sections(panels: readonly Panel[]): Section[] {
  const sorted = [...panels].sort((a, b) => a.gridPos.y - b.gridPos.y || a.gridPos.x - b.gridPos.x);
  const list: Section[] = [{row: null, panels: [], key: 'top'}];
  for (const panel of sorted) {
    if (panel.type === 'row') list.push({row: panel, panels: [...panel.panels ?? []], key: String(panel.id)});
    else list[list.length - 1].panels.push(panel);
  }
  return list;
}

const single = (value: string): VariableValue => ({text: value, value});

function repeatedValues(name: string | undefined, scope: Scope): string[] | undefined {
  const state = name ? scope.variables.get(name) : undefined;
  return state ? valuesOf(state) : undefined;
}

const kMostRepeats = 64;

function repeatRow(section: Section, scope: Scope): Section[] {
  const name = section.row?.repeat;
  const values = repeatedValues(name, scope);
  if (!section.row || !name || !values) return [section];
  return values.slice(0, kMostRepeats).map((value) => {
    const own = {[name]: single(value)};
    return {
      row: {...section.row as Panel, scope: own}, key: `${section.key}-${value}`,
      panels: section.panels.map((panel) => ({...panel, scope: {...panel.scope, ...own}})),
    };
  });
}

/** A panel for each value, side by side or below each other. */
function repeatPanel(panel: Panel, scope: Scope): Panel[] {
  const values = panel.scope?.[panel.repeat ?? ''] ? undefined : repeatedValues(panel.repeat, scope);
  if (!values || !panel.repeat) return [panel];
  const list = values.slice(0, kMostRepeats);
  const perRow = Math.min(panel.maxPerRow ?? 4, Math.max(1, list.length));
  const w = panel.repeatDirection === 'v' ? panel.gridPos.w : Math.floor(24 / perRow);
  return list.map((value, i) => ({
    ...panel,
    scope: {...panel.scope, [panel.repeat as string]: single(value)},
    gridPos: panel.repeatDirection === 'v' ? {...panel.gridPos, y: panel.gridPos.y + i * panel.gridPos.h}
      : {...panel.gridPos, w, x: i % perRow * w, y: panel.gridPos.y + Math.floor(i / perRow) * panel.gridPos.h},
  }));
}

/** Panels that were not placed without overlap sink until they are. */
function settle(placed: Placed[]): number {
  placed.sort((a, b) => a.y - b.y || a.x - b.x);
  const heights = new Array<number>(24).fill(0);
  for (const one of placed) {
    const columns = heights.slice(one.x, one.x + one.w);
    one.y = Math.max(0, ...columns);
    heights.fill(one.y + one.h, one.x, one.x + one.w);
  }
  return Math.max(0, ...heights);
}

/** `folded` has the keys of rows whose state differs from the JSON's. */
export function layout(panels: readonly Panel[], scope: Scope, folded: ReadonlySet<string>): Placed[] {
  const all: Placed[] = [];
  let top = 0;
  for (const section of sections(panels).flatMap((one) => repeatRow(one, scope))) {
    let open = true;
    if (section.row) {
      open = (section.row.collapsed === true) === folded.has(section.key);
      all.push({panel: {...section.row, collapsed: !open}, key: section.key, x: 0, y: top, w: 24, h: 1});
      top += 1;
    }
    if (!open) continue;
    const placed = section.panels.flatMap((panel) => repeatPanel(panel, scope)).map((panel, i) => {
      const x = Math.min(23, panel.gridPos.x);
      return {panel, key: `${section.key}/${panel.id}-${i}`, x, y: panel.gridPos.y, w: Math.min(24 - x, panel.gridPos.w), h: panel.gridPos.h};
    });
    const height = settle(placed);
    for (const one of placed) all.push({...one, y: one.y + top});
    top += height;
  }
  return all;
}
