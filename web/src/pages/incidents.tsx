import {useState} from 'preact/hooks';
import {messageOf} from '../api/client';
import {act, listIncidents, loadIncident, loadOncall, type Act, type Incident} from '../api/incidents';
import {ActorField, named, useActor} from '../shell/actor';
import {refreshNow, tick} from '../shell/clock';
import {useKeys} from '../shell/keyboard';
import {useLoad} from '../shell/load';
import {href, navigate, param, path, setParams} from '../shell/location';
import {notify} from '../shell/notices';
import {Failed, LabelList, Severity, State} from '../shell/parts';
import {SavedFilters} from '../shell/saved_filters';
import {Title} from '../shell/title';
import {t} from '../shell/words';
import {ago, clock, dateTime, span} from '../time/format';
import {serverNow} from '../time/now';

async function actOnAll(incidents: readonly Incident[], what: Act, actor: string, parameters?: Record<string, string>): Promise<void> {
  if (!named(actor)) return;
  try {
    for (const one of incidents) await act(one.id, what, actor, parameters);
    notify(t('{0}: {1}', t(what), incidents.map((one) => `#${one.id}`).join(' ')));
  } catch (error) {
    notify(messageOf(error), true);
  }
  refreshNow();
}

function Next({incident}: {incident: Incident}) {
  if (incident.status === 'acknowledged') return <>{incident.acknowledgedBy}{incident.acknowledgedUntil && <span class="quiet"> {t('until {0}', clock(Date.parse(incident.acknowledgedUntil)))}</span>}</>;
  if (!incident.nextStep) return <span class="quiet">{incident.suppressed ? t('silenced') : '–'}</span>;
  const left = Date.parse(incident.nextStep.at) - serverNow();
  return <><b>{left > 0 ? t('in {0}', span(left)) : t('now')}</b> {incident.nextStep.text}</>;
}

function Oncall() {
  const {data} = useLoad(loadOncall, [Math.floor(tick.value / 6)]);
  if (!data?.configured) return null;
  return <dl class="facts card">{data.schedules.map((one) => <><dt>{one.name}</dt><dd><b>{one.now?.person ?? t('nobody')}</b>
    {one.now && <span class="quiet"> {t('until {0}', dateTime(Date.parse(one.now.until)))}</span>}{one.next?.person && <span class="quiet"> · {t('then {0}', one.next.person)}</span>}</dd></>)}</dl>;
}

const kTabs: readonly [string, string, readonly string[]][] = [['', 'Active', ['open', 'acknowledged']], ['open', 'Open', ['open']], ['resolved', 'Over', ['resolved']]];

function List() {
  const [actor, setActor] = useActor();
  const [chosen, setChosen] = useState<ReadonlySet<number>>(new Set());
  const [focus, setFocus] = useState(0);
  const status = param('status');
  const wanted = kTabs.find(([id]) => id === status)?.[2] ?? ['open', 'acknowledged'];
  const {data, error} = useLoad(async (signal) => ({list: await listIncidents(wanted, signal)}), [tick.value, status]);
  const typed = param('q').toLowerCase();
  const incidents = [...data?.list?.incidents ?? []].filter((one) => (
    `#${one.id} ${one.title} ${one.priority} ${one.owner ?? ''} ${one.place?.value ?? ''}`.toLowerCase().includes(typed))).sort((a, b) => Number(a.status !== 'open') - Number(b.status !== 'open') || a.priority.localeCompare(b.priority) || a.openedAt.localeCompare(b.openedAt));
  const marked = incidents.filter((one) => chosen.has(one.id));
  const toggle = (id: number): void => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    setChosen(next);
  };
  const targets = marked.length ? marked : incidents[focus] ? [incidents[focus]] : [];
  useKeys({
    j: () => setFocus(Math.min(incidents.length - 1, focus + 1)), k: () => setFocus(Math.max(0, focus - 1)),
    x: () => { if (incidents[focus]) toggle(incidents[focus].id); }, a: () => void actOnAll(targets, 'acknowledge', actor),
    Enter: () => { if (incidents[focus]) navigate(`incidents/${incidents[focus].id}`); },
  });
  return (
    <>
      <Title text={t('Incidents')}><a href={href('oncall')}>{t('On call')}</a>{data?.list && <span class="quiet">{t('{0} open, {1} acknowledged', data.list.counts.open ?? 0, data.list.counts.acknowledged ?? 0)}</span>}</Title>
      <div class="tools">
        <input type="search" aria-label={t('Search')} placeholder={t('Title, place, priority or owner')} value={param('q')} onInput={(event) => setParams({q: event.currentTarget.value || null}, true)} />
        {kTabs.map(([id, label]) => <button class={status === id ? 'primary' : ''} aria-pressed={status === id} onClick={() => setParams({status: id || null})}>{t(label)}</button>)}
        <SavedFilters page="incidents" />
        <span class="grow" />
        <ActorField actor={actor} set={setActor} />
        <button disabled={!marked.length} onClick={() => void actOnAll(marked, 'acknowledge', actor)}>{t('Acknowledge {0}', marked.length)}</button>
        <button disabled={!marked.length} onClick={() => void actOnAll(marked, 'resolve', actor)}>{t('Resolve {0}', marked.length)}</button>
      </div>
      <Oncall />
      <Failed error={error} />
      {data && !data.list && <p class="empty">{t('This server keeps no incidents.')}</p>}
      {incidents.length > 0 && (
        <div class="scroll" tabIndex={0}><table class="sheet"><thead><tr><th><span class="quiet">✓</span></th><th>{t('Priority')}</th><th>{t('State')}</th><th>#</th><th>{t('Incident')}</th><th>{t('Alerts')}</th><th>{t('Since')}</th><th>{t('Owner')}</th><th>{t('What comes next')}</th></tr></thead>
          <tbody>{incidents.map((one, i) => (
            <tr class={chosen.has(one.id) ? 'chosen' : undefined} aria-current={i === focus || undefined}>
              <td><input type="checkbox" aria-label={t('Choose {0}', one.title)} checked={chosen.has(one.id)} onChange={() => toggle(one.id)} /></td>
              <td><Severity priority={one.priority} /></td><td><State state={one.status} /></td><td>{one.id}</td>
              <td><a href={href(`incidents/${one.id}`)}><b>{one.title}</b></a>{one.drill && <span class="tag">{t('drill')}</span>}</td>
              <td>{one.firingCount} / {one.alertCount}</td><td class="nowrap">{ago(Date.parse(one.openedAt))}</td><td>{one.owner ?? ''}</td><td><Next incident={one} /></td>
            </tr>
          ))}</tbody></table></div>
      )}
      {data?.list && !incidents.length && <p class="empty">{t('No incidents. Sleep well.')}</p>}
    </>
  );
}

function Detail({id}: {id: string}) {
  const [actor, setActor] = useActor();
  const [note, setNote] = useState('');
  const {data: one, error} = useLoad((signal) => loadIncident(id, signal), [id, tick.value]);
  if (!one) return <><Title text={t('Incident')} /><Failed error={error} /></>;
  const run = (what: Act, parameters?: Record<string, string>) => (): void => void actOnAll([one], what, actor, parameters);
  return (
    <>
      <Title text={`#${one.id} ${one.title}`}><Severity priority={one.priority} /><State state={one.status} /></Title>
      <div class="tools">
        <a href={href('incidents')}>{t('All incidents')}</a><span class="grow" />
        <ActorField actor={actor} set={setActor} />
        {one.status === 'open' && <button class="primary" onClick={run('acknowledge')}>{t('Acknowledge')}</button>}
        {one.status === 'acknowledged' && <button onClick={run('unacknowledge')}>{t('Give it back')}</button>}
        {one.status !== 'resolved' && <><button onClick={run('escalate')}>{t('Escalate')}</button><button onClick={run('resolve')}>{t('Resolve')}</button></>}
      </div>
      <Failed error={error} />
      <dl class="facts card">
        <dt>{t('Opened')}</dt><dd>{dateTime(Date.parse(one.openedAt))} ({ago(Date.parse(one.openedAt))})</dd>
        <dt>{t('What comes next')}</dt><dd><Next incident={one} /></dd>
        <dt>{t('Owner')}</dt><dd>{one.owner ?? t('nobody')}</dd>
        {one.resolvedAt && <><dt>{t('Resolved')}</dt><dd>{dateTime(Date.parse(one.resolvedAt))} {one.resolvedBy}</dd></>}
      </dl>
      <section class="card"><h2>{t('Alerts')}</h2>{one.alerts?.map((alert) => <p><State state={alert.endedAt ? 'resolved' : 'firing'} /> {alert.annotations.summary} <LabelList labels={alert.labels} /></p>)}</section>
      {(one.pages?.length ?? 0) > 0 && <section class="card"><h2>{t('Calls')}</h2><table><thead><tr><th>{t('When')}</th><th>{t('Who')}</th><th>{t('How')}</th><th>{t('State')}</th><th>{t('Why')}</th><th>{t('Answer')}</th></tr></thead>
        <tbody>{one.pages?.map((page) => <tr><td class="nowrap">{dateTime(Date.parse(page.at))}</td><td>{page.person}</td><td>{page.kind} ({page.receiver})</td><td>{t(page.status)}</td><td>{page.why}</td><td class="wrap">{page.detail}</td></tr>)}</tbody></table></section>}
      <section class="card"><h2>{t('Timeline')}</h2>
        <form class="tools" onSubmit={(event) => { event.preventDefault(); run('note', {text: note})(); setNote(''); }}>
          <input aria-label={t('Note')} placeholder={t('Note')} value={note} onInput={(event) => setNote(event.currentTarget.value)} /><button disabled={!note}>{t('Add')}</button></form>
        <ol class="timeline">{[...one.timeline ?? []].reverse().map((entry) => <li><time class="quiet">{dateTime(Date.parse(entry.at))}</time> <b>{t(entry.action)}</b> {entry.detail} <span class="quiet">{entry.actor}</span></li>)}</ol></section>
    </>
  );
}

export default function IncidentsPage() {
  const id = path.value.split('/')[2];
  return id ? <Detail id={id} /> : <List />;
}
