// A dashboard while it is changed: a draft of its JSON, which is nobody else's until it is saved as a
// new version.
import {useEffect, useMemo, useState} from 'preact/hooks';
import {dashboardVersions, deleteDashboard, loadDashboard, saveDashboard, type StoredDashboard} from '../api/dashboards';
import {ApiError, messageOf} from '../api/client';
import {isObject, readDashboard} from '../dashboard/read';
import type {Panel} from '../dashboard/types';
import {Board, useMarks} from '../pages/board';
import {useScope, VariableBar} from '../pages/dashboard';
import type {Scope} from '../dashboard/interpolate';
import {useKeys} from '../shell/keyboard';
import {useLoad} from '../shell/load';
import {navigate, param, setParams} from '../shell/location';
import {notify} from '../shell/notices';
import {t} from '../shell/words';
import {dateTime} from '../time/format';
import {modern, withCopy, withNewPanel, withoutPanel, withPanel, withPlace, type Json} from './draft';
import {PanelEditor} from './panel_editor';
import {SettingsForm} from './settings';
import {SourceEditor} from './source_editor';

const kMostUndone = 50;

/** The draft with the ones before it. */
function useDraft(first: Json) {
  const [past, setPast] = useState<readonly Json[]>([]);
  const [draft, setDraft] = useState(first);
  const change = (next: Json): void => { setPast([...past, draft].slice(-kMostUndone)); setDraft(next); };
  const undo = (): void => {
    const before = past[past.length - 1];
    if (!before) return;
    setPast(past.slice(0, -1));
    setDraft(before);
  };
  return {draft, change, undo, changed: draft !== first, canUndo: past.length > 0};
}

/** What leaves a page with changes asks first. */
function useGuard(changed: boolean): void {
  useEffect(() => {
    if (!changed) return undefined;
    const ask = (event: BeforeUnloadEvent): void => event.preventDefault();
    addEventListener('beforeunload', ask);
    return () => removeEventListener('beforeunload', ask);
  }, [changed]);
}

function Versions({uid, stored, open}: {uid: string; stored: StoredDashboard; open: (source: Json) => void}) {
  const {data} = useLoad(() => dashboardVersions(uid), [uid, stored]);
  const load = (version: number): void => {
    loadDashboard(uid, version).then(({dashboard}) => { if (isObject(dashboard)) open(dashboard); }, (error: unknown) => notify(messageOf(error), true));
  };
  if (!data?.length) return null;
  return <select aria-label={t('Versions')} onChange={(event) => load(Number(event.currentTarget.value))}>
    {data.map((one) => <option value={one.version}>{`v${one.version} ${dateTime(Date.parse(one.created))} ${one.createdBy} ${one.message}`}</option>)}</select>;
}

interface Props { stored: StoredDashboard; saved: () => void }

function EditedPanel({panel, scope, source, change, dashboard}: {panel: Panel; scope: Scope; source: Json; change: (source: Json) => void; dashboard: ReturnType<typeof readDashboard>}) {
  const marks = useMarks(dashboard, scope);
  const back = (): void => setParams({editPanel: null});
  return <PanelEditor panel={panel} scope={scope} marks={marks.data ?? []} change={(next) => change(withPanel(source, next))} done={back}
    copy={() => { const made = withCopy(source, panel.id); change(made.source); setParams({editPanel: String(made.id)}); }}
    remove={() => { change(withoutPanel(source, panel.id)); back(); }} />;
}

export function DashboardEditor({stored, saved}: Props) {
  const first = useMemo(() => modern(isObject(stored.dashboard) ? stored.dashboard : {}), [stored]);
  const {draft, change, undo, changed, canUndo} = useDraft(first);
  const [part, setPart] = useState<'board' | 'settings' | 'json'>('board');
  const [message, setMessage] = useState('');
  const dashboard = useMemo(() => readDashboard(draft), [draft]);
  const {scope} = useScope(dashboard);
  useGuard(changed);
  const uid = dashboard.uid;
  const close = (): void => setParams({edit: null, editPanel: null});
  const save = async (overwrite: boolean): Promise<void> => {
    try {
      const {version} = await saveDashboard({...draft, version: stored.meta.version}, message, overwrite);
      notify(t('Saved as version {0}', version));
      saved();
      close();
    } catch (error) {
      if (error instanceof ApiError && error.status === 412 && confirm(t('{0} Save all the same?', error.message))) await save(true);
      else notify(messageOf(error), true);
    }
  };
  const remove = (): void => {
    if (!confirm(t('Delete what was saved of this dashboard, with all versions?'))) return;
    deleteDashboard(uid).then(() => navigate('dashboards'), (error: unknown) => notify(messageOf(error), true));
  };
  const add = (like: Json): void => {
    const made = withNewPanel(draft, like);
    change(made.source);
    setParams({editPanel: String(made.id)});
  };
  useKeys({u: undo});
  const chosen = param('editPanel');
  const panels = dashboard.panels.flatMap((panel) => [panel, ...panel.panels ?? []]);
  const panel = chosen ? panels.find((one) => String(one.id) === chosen) : undefined;
  return (
    <>
      <form class="tools edit-bar" onSubmit={(event) => { event.preventDefault(); void save(false); }}>
        <button type="button" onClick={() => add({})}>{t('Add a panel')}</button>
        <button type="button" onClick={() => add({type: 'row', title: 'Row', panels: [], targets: [], gridPos: {w: 24, h: 1}})}>{t('Add a row')}</button>
        <button type="button" aria-pressed={part === 'settings'} onClick={() => setPart(part === 'settings' ? 'board' : 'settings')}>{t('Settings')}</button>
        <button type="button" aria-pressed={part === 'json'} onClick={() => setPart(part === 'json' ? 'board' : 'json')}>JSON</button>
        <button type="button" disabled={!canUndo} onClick={undo}>{t('Undo')}</button>
        <span class="grow" />
        {changed && <span class="state warn">△ {t('not saved')}</span>}
        <Versions uid={uid} stored={stored} open={change} />
        {stored.meta.source === 'saved' && <button type="button" onClick={remove}>{t('Delete')}</button>}
        <input aria-label={t('What changed')} placeholder={t('What changed')} value={message} onInput={(event) => setMessage(event.currentTarget.value)} />
        <button class="primary" disabled={!changed}>{t('Save')}</button>
        <button type="button" onClick={() => { if (!changed || confirm(t('Give up what is not saved?'))) close(); }}>{t('Cancel')}</button>
      </form>
      {part === 'settings' && <SettingsForm source={draft} change={change} close={() => setPart('board')} />}
      {part === 'json' ? <SourceEditor source={draft} change={change} close={() => setPart('board')} />
        : panel && scope ? <EditedPanel panel={panel} scope={scope} source={draft} change={change} dashboard={dashboard} />
          : scope && <><VariableBar scope={scope} /><Board dashboard={dashboard} scope={scope} edit={(id) => setParams({editPanel: String(id)})} move={(id, grid) => change(withPlace(draft, id, grid))} /></>}
    </>
  );
}
