// The JSON of a dashboard: to change, to save as a new version, to go back to an old one, to take away.
import {useState} from 'preact/hooks';
import {dashboardVersions, deleteDashboard, loadDashboard, saveDashboard, type StoredDashboard} from '../api/dashboards';
import {ApiError, messageOf} from '../api/client';
import {isObject, readDashboard} from '../dashboard/read';
import {useLoad} from '../shell/load';
import {navigate, setParams} from '../shell/location';
import {notify} from '../shell/notices';
import {t} from '../shell/words';
import {dateTime} from '../time/format';

function parsed(text: string): {json: Record<string, unknown>} | {error: string} {
  try {
    const json: unknown = JSON.parse(text);
    return isObject(json) ? {json} : {error: t('A dashboard is a JSON object.')};
  } catch (error) {
    return {error: messageOf(error)};
  }
}

export function download(name: string, text: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], {type: 'application/json'}));
  link.download = `${name.replace(/[^\w-]+/g, '-')}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export function SourceEditor({uid, stored, saved}: {uid: string; stored: StoredDashboard; saved: () => void}) {
  const [text, setText] = useState(() => JSON.stringify(stored.dashboard, null, 2));
  const [message, setMessage] = useState('');
  const versions = useLoad(() => dashboardVersions(uid), [uid, stored]);
  const state = parsed(text);
  const board = 'json' in state ? readDashboard(state.json) : undefined;
  const save = async (overwrite: boolean): Promise<void> => {
    if (!('json' in state)) return;
    try {
      const {version} = await saveDashboard({...state.json, uid}, message, overwrite);
      notify(t('Saved as version {0}', version));
      saved();
      setParams({edit: null});
    } catch (error) {
      if (error instanceof ApiError && error.status === 412 && confirm(t('{0} Save all the same?', error.message))) await save(true);
      else notify(messageOf(error), true);
    }
  };
  const old = (version: number): void => {
    loadDashboard(uid, version).then((found) => setText(JSON.stringify(found.dashboard, null, 2)), (error: unknown) => notify(messageOf(error), true));
  };
  const remove = (): void => {
    if (!confirm(t('Delete what was saved of this dashboard, with all versions?'))) return;
    deleteDashboard(uid).then(() => navigate('dashboards'), (error: unknown) => notify(messageOf(error), true));
  };
  return (
    <form class="card source" onSubmit={(event) => { event.preventDefault(); void save(false); }}>
      <div class="tools">
        <input aria-label={t('What changed')} placeholder={t('What changed')} value={message} onInput={(event) => setMessage(event.currentTarget.value)} />
        <button class="primary" disabled={!('json' in state)}>{t('Save')}</button>
        <button type="button" onClick={() => setParams({edit: null})}>{t('Cancel')}</button>
        <span class="grow" />
        {(versions.data?.length ?? 0) > 0 && <select aria-label={t('Versions')} onChange={(event) => old(Number(event.currentTarget.value))}>
          {versions.data?.map((one) => <option value={one.version}>{`v${one.version} ${dateTime(Date.parse(one.created))} ${one.createdBy} ${one.message}`}</option>)}</select>}
        {stored.meta.source === 'saved' && <button type="button" onClick={remove}>{t('Delete')}</button>}
      </div>
      {'error' in state ? <p class="state bad" role="alert">{state.error}</p> : <p class="quiet small">{t('{0} panels', board?.panels.length ?? 0)} {board?.notes.join(' ')}</p>}
      <textarea class="mono" rows={30} spellcheck={false} aria-label={t('JSON of the dashboard')} value={text} onInput={(event) => setText(event.currentTarget.value)} />
    </form>
  );
}
