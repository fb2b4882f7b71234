import {useState} from 'preact/hooks';
import {listDashboards, saveDashboard} from '../api/dashboards';
import {messageOf} from '../api/client';
import {readDashboard, unwrap} from '../dashboard/read';
import {useLoad} from '../shell/load';
import {href, navigate, param, setParams} from '../shell/location';
import {notify} from '../shell/notices';
import {startTv} from '../shell/tv';
import {Title} from '../shell/title';
import {t} from '../shell/words';

const kLargest = 10 << 20;

async function importFile(file: File): Promise<void> {
  if (file.size > kLargest) throw new Error(t('{0} is larger than 10 MiB.', file.name));
  const json: unknown = JSON.parse(await file.text());
  const dashboard = readDashboard(json);
  if (!dashboard.panels.length) throw new Error(dashboard.notes[0] ?? t('{0} has no panels: is it a Grafana dashboard?', file.name));
  const {id: _, ...source} = unwrap(json);
  const saved = await saveDashboard({...source, id: null}, 'imported', true);
  notify(t('Imported {0}', dashboard.title));
  navigate(`d/${saved.uid}`);
}

export default function DashboardsPage() {
  const [typed, setTyped] = useState('');
  const {data, error} = useLoad(listDashboards, []);
  const tag = param('tag');
  const shown = (data ?? []).filter((board) => (!tag || board.tags.includes(tag)) && board.title.toLowerCase().includes(typed.toLowerCase()));
  const take = (file: File | undefined): void => {
    if (file) importFile(file).catch((reason: unknown) => notify(messageOf(reason), true));
  };
  const create = (): void => {
    const title = prompt(t('Its title'))?.trim();
    if (!title) return;
    saveDashboard({title, panels: [], schemaVersion: 39, time: {from: 'now-1h', to: 'now'}, refresh: '10s', tags: []}, 'new', false).then(
      ({uid}) => navigate(`d/${uid}`, {edit: '1'}), (reason: unknown) => notify(messageOf(reason), true));
  };
  return (
    <>
      <Title text={t('Dashboards')} />
      <div class="tools" onDragOver={(event) => event.preventDefault()} onDrop={(event) => { event.preventDefault(); take(event.dataTransfer?.files[0]); }}>
        <input type="search" aria-label={t('Search')} placeholder={t('Search')} value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
        {tag && <button class="tag" onClick={() => setParams({tag: null})}>{tag} ×</button>}
        <button onClick={create}>{t('New dashboard')}</button>
        <button disabled={!shown.length} title={t('Shows these in turn on a screen on the wall; Escape leaves it')} onClick={() => startTv(['overview', ...shown.map((board) => board.uid)])}>{t('TV: these in turn')}</button>
        <label class="button">{t('Import Grafana JSON')}<input type="file" accept=".json,application/json" hidden onChange={(event) => take(event.currentTarget.files?.[0])} /></label>
      </div>
      {error !== undefined && <p class="banner bad" role="alert">{messageOf(error)}</p>}
      <ul class="boards">
        {shown.map((board) => (
          <li><a href={href(`d/${board.uid}`)}><b>{board.title}</b><span class="quiet">{t(board.source)}{board.version > 1 && ` · v${board.version}`}</span></a>
            <span>{board.tags.map((one) => <button class="tag" onClick={() => setParams({tag: one})}>{one}</button>)}</span></li>
        ))}
      </ul>
      {data && !shown.length && <p class="empty">{t('No dashboard of that name.')}</p>}
    </>
  );
}
