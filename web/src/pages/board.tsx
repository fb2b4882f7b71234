// The panels of a dashboard on their grid.
import {useMemo, useRef, useState} from 'preact/hooks';
import {freeze} from '../charts/cursor';
import {loadMarks} from '../dashboard/annotations';
import {interpolate, type Scope} from '../dashboard/interpolate';
import {layout, type Placed} from '../dashboard/layout';
import type {Dashboard, GridPos, Panel} from '../dashboard/types';
import {placed} from '../edit/draft';
import {PanelBox} from '../panels/panel';
import {Icon} from '../shell/icons';
import {useKeys} from '../shell/keyboard';
import {useLoad} from '../shell/load';
import {param, setParams} from '../shell/location';
import {noted} from '../shell/note';
import {t} from '../shell/words';

function Row({placed, toggle}: {placed: Placed; toggle: (key: string) => void}) {
  const key = placed.key;
  return (
    <h2 class="row-head"><button aria-expanded={!placed.panel.collapsed} onClick={() => toggle(key)}>
      <Icon name={placed.panel.collapsed ? 'right' : 'down'} size={14} />{placed.panel.title}
      {placed.panel.collapsed && <span class="quiet"> {t('{0} panels', placed.panel.panels?.length ?? 0)}</span>}
    </button></h2>
  );
}

interface BoardProps { dashboard: Dashboard; scope: Scope; edit?: (id: number) => void; move?: (id: number, grid: GridPos) => void }

/** Moved by dragging its handle; from the keyboard by the arrows on it, with Shift its size. */
function Handle({panel, move, edit}: {panel: Panel; move: (grid: GridPos) => void; edit: () => void}) {
  const begun = useRef<{x: number; y: number; column: number} | null>(null);
  const moved = (event: PointerEvent): GridPos | null => {
    if (!begun.current) return null;
    const {x, y, column} = begun.current;
    return placed({...panel.gridPos, x: panel.gridPos.x + (event.clientX - x) / column, y: panel.gridPos.y + (event.clientY - y) / 38});
  };
  const press = (event: KeyboardEvent): void => {
    const by = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[event.key];
    if (!by) return;
    event.preventDefault();
    const {x, y, w, h} = panel.gridPos;
    move(placed(event.shiftKey ? {x, y, w: w + by[0], h: h + by[1]} : {x: x + by[0], y: y + by[1], w, h}));
  };
  return (
    <div class="handle">
      <button class="icon-button" aria-label={t('Move {0}: drag, or use the arrows, with Shift for its size', panel.title)} title={t('Move')} onKeyDown={press}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          const board = event.currentTarget.closest('.board')?.getBoundingClientRect().width ?? 1200;
          begun.current = {x: event.clientX, y: event.clientY, column: board / 24};
        }}
        onPointerUp={(event) => { const grid = moved(event); begun.current = null; if (grid) move(grid); }}>✥</button>
      <button onClick={edit}>{t('Edit')}</button>
    </div>
  );
}

export function Board({dashboard, scope, edit, move}: BoardProps) {
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
  const {data: marks} = useMarks(dashboard, scope);
  const placedPanels = useMemo(() => layout(dashboard.panels, scope, folded), [dashboard, scope.variables, folded]);
  const toggle = (key: string): void => {
    const next = new Set(folded);
    if (!next.delete(key)) next.add(key);
    setFolded(next);
  };
  const viewed = param('viewPanel').replace('panel-', '');
  const alone = viewed ? placedPanels.find((one) => String(one.panel.id) === viewed) : undefined;
  useKeys({
    f: freeze, Escape: () => { if (viewed) setParams({viewPanel: null}); },
    e: () => { const id = panelInFocus(); if (id && edit) edit(id); }, v: () => { const id = panelInFocus(); if (id) setParams({viewPanel: viewed ? null : String(id)}); },
  });
  if (alone) return <div class="board alone"><PanelBox panel={alone.panel} scope={scope} marks={marks} /></div>;
  return (
    <div class="board">
      {placedPanels.map((one) => (
        <div key={one.key} class={one.panel.type === 'row' ? 'slot row-slot' : 'slot'} data-panel={one.panel.id}
          style={{gridColumn: `${one.x + 1} / span ${one.w}`, gridRow: `${one.y + 1} / span ${one.h}`, '--h': one.h} as Record<string, string | number>}>
          {one.panel.type === 'row' ? <Row placed={{...one, panel: {...one.panel, title: interpolate(one.panel.title, scope)}}} toggle={toggle} />
            : <PanelBox panel={one.panel} scope={scope} marks={marks} />}
          {edit && move && one.panel.type !== 'row' && <Handle panel={one.panel} edit={() => edit(one.panel.id)} move={(grid) => move(one.panel.id, grid)} />}
        </div>
      ))}
    </div>
  );
}

/** The panel that has the focus, or else the one under the mouse. */
function panelInFocus(): number | undefined {
  const slot = document.activeElement?.closest<HTMLElement>('[data-panel]') ?? document.querySelector<HTMLElement>('.slot:hover');
  return slot ? Number(slot.dataset.panel) : undefined;
}

export const useMarks = (dashboard: Dashboard, scope: Scope) => useLoad((signal) => loadMarks(dashboard.annotations, scope, signal, dashboard.uid), [dashboard.uid, dashboard.annotations, scope, noted.value]);

