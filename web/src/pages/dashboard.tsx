import {useEffect, useMemo, useState} from 'preact/hooks';
import {messageOf} from '../api/client';
import {loadDashboard, type StoredDashboard} from '../api/dashboards';
import {interpolate, kAll, type Scope, type VariableState} from '../dashboard/interpolate';
import {readDashboard} from '../dashboard/read';
import type {Dashboard, DashboardLink} from '../dashboard/types';
import {resolveVariables} from '../dashboard/variables';
import {defaults, tick, timeRange} from '../shell/clock';
import {useLoad} from '../shell/load';
import {href, navigate, param, path, place, setParams} from '../shell/location';
import {notify} from '../shell/notices';
import {Picker} from '../shell/picker';
import {Title} from '../shell/title';
import {t} from '../shell/words';
import {Board} from './board';
import {download} from './download';

function VariableControl({state}: {state: VariableState}) {
  const {variable, options, current, error} = state;
  const label = variable.label || variable.name;
  const key = `var-${variable.name}`;
  if (variable.type === 'textbox' || variable.type === 'adhoc') {
    if (variable.type === 'adhoc') return null;
    return <label class="variable">{label}<input value={String(current.value)} onChange={(event) => setParams({[key]: event.currentTarget.value})} /></label>;
  }
  const chosen = ([] as string[]).concat(current.value);
  return (
    <div class="variable" title={error}>
      <span id={`label-${variable.name}`}>{label}{error && ' ▲'}</span>
      <Picker label={label} options={options} chosen={chosen} multi={variable.multi === true} all={kAll}
        choose={(values) => setParams({[key]: values})} />
    </div>
  );
}

export function VariableBar({scope}: {scope: Scope}) {
  const shown = [...scope.variables.values()].filter(({variable}) => (variable.hide ?? 0) < 2 && variable.type !== 'constant' && variable.type !== 'datasource');
  if (!shown.length) return null;
  return <div class="variables" role="group" aria-label={t('Variables')}>{shown.map((state) => <VariableControl key={state.variable.name} state={state} />)}</div>;
}

/** A link of the dashboard, with the time and the variables where it wants them. */
function linkHref(link: DashboardLink, scope: Scope): string {
  const params = new URLSearchParams();
  if (link.keepTime) for (const name of ['from', 'to']) if (param(name)) params.set(name, param(name));
  if (link.includeVars) for (const [name, value] of place.value.params) if (name.startsWith('var-')) params.append(name, value);
  if (link.type === 'dashboards') return href('dashboards', link.tags?.[0] ? {tag: link.tags[0]} : {});
  const url = interpolate(link.url ?? '', scope);
  const query = params.toString();
  const local = /^\/?d\//.test(url) ? href(url.replace(/^\//, '')) : url;
  return /^(https?:|\/|\.)/i.test(local) ? local + (query ? `${local.includes('?') ? '&' : '?'}${query}` : '') : '#';
}

/** Variables resolved for the time and the URL of now; the last ones while new ones are awaited. */
export function useScope(dashboard: Dashboard): {scope: Scope | undefined; error: unknown} {
  const wanted = JSON.stringify([...place.value.params].filter(([name]) => name.startsWith('var-')));
  const range = timeRange.value;
  // A refresh asks for variables again only where the dashboard says "on time range change".
  const rangeKey = dashboard.variables.some((variable) => (variable as {refresh?: number}).refresh === 2) ? Math.floor(tick.value / 6) : 0;
  const {data, error} = useLoad((signal) => resolveVariables(dashboard.variables, place.value.params, range, signal),
    [dashboard, wanted, rangeKey, param('from'), param('to')]);
  const scope = useMemo<Scope | undefined>(() => (data ? {variables: data, range} : undefined), [data, range.from, range.to]);
  return {scope, error};
}

type EditorPart = typeof import('../edit/dashboard_editor').DashboardEditor;

/** The editor's code is loaded when somebody edits. */
function useEditor(wanted: boolean): EditorPart | null {
  const [part, setPart] = useState<EditorPart | null>(null);
  useEffect(() => {
    if (wanted) import('../edit/dashboard_editor').then((module) => setPart(() => module.DashboardEditor), (error: unknown) => notify(messageOf(error), true));
  }, [wanted]);
  return part;
}

function Shown({dashboard, stored, changed}: {dashboard: Dashboard; stored: StoredDashboard; changed: () => void}) {
  const {scope, error} = useScope(dashboard);
  const editing = param('edit') !== '';
  const Editor = useEditor(editing);
  return (
    <>
      <Title text={dashboard.title}>
        {dashboard.tags.slice(0, 4).map((tag) => <a class="tag" href={href('dashboards', {tag})}>{tag}</a>)}
        {stored.meta.source !== 'saved' && <span class="quiet small">{t(stored.meta.source)}</span>}
        {!editing && <button onClick={() => setParams({edit: '1', viewPanel: null})}>{t('Edit')}</button>}
        <button onClick={() => download(dashboard.title, JSON.stringify(stored.dashboard, null, 2))}>{t('Export')}</button>
        <button title={t('For a screen on the wall')} onClick={() => navigate(`d/${dashboard.uid}`, {kiosk: 'tv'})}>{t('TV')}</button>
      </Title>
      {dashboard.notes.map((note) => <p class="banner">{note}</p>)}
      {editing ? Editor && <Editor key={stored.meta.version} stored={stored} saved={changed} /> : (
        <>
          {scope && <div class="board-bar"><VariableBar scope={scope} />
            {dashboard.links.length > 0 && <nav class="board-links" aria-label={t('Links')}>{dashboard.links.map((link) => <a href={linkHref(link, scope)} target={link.targetBlank ? '_blank' : undefined} rel="noreferrer">{link.title || t('Dashboards')}</a>)}</nav>}</div>}
          {error !== undefined && !scope && <p class="banner bad" role="alert">{messageOf(error)}</p>}
          {scope && <Board dashboard={dashboard} scope={scope} edit={(id) => setParams({edit: '1', editPanel: String(id), viewPanel: null})} />}
        </>)}
    </>
  );
}

export default function DashboardPage() {
  const uid = decodeURIComponent(path.value.split('/')[2] ?? '');
  const [changes, setChanges] = useState(0);
  const {data, error} = useLoad(async () => {
    const stored = await loadDashboard(uid);
    const dashboard = readDashboard(stored.dashboard);
    defaults.value = {range: dashboard.time, refresh: dashboard.refresh || '10s'};
    return {stored, dashboard};
  }, [uid, changes]);
  if (error !== undefined) return <><Title text={t('Dashboard')} /><p class="banner bad" role="alert">{messageOf(error)}</p></>;
  return data ? <Shown dashboard={data.dashboard} stored={data.stored} changed={() => setChanges(changes + 1)} /> : null;
}
