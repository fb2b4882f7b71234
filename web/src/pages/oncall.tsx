// Who is on call, now and in the weeks to come; who takes whose place; and a drill of the whole chain.
import {useState} from 'preact/hooks';
import {kPalette} from '../charts/colors';
import {messageOf} from '../api/client';
import {addOverride, beginDrill, listHeartbeats, listOverrides, loadCalendar, removeOverride, type Oncall, type Schedule, type Shift} from '../api/incidents';
import {ActorField, named, useActor} from '../shell/actor';
import {refreshNow, tick} from '../shell/clock';
import {useLoad} from '../shell/load';
import {href, navigate, param, setParams} from '../shell/location';
import {notify} from '../shell/notices';
import {Failed} from '../shell/parts';
import {Title} from '../shell/title';
import {t} from '../shell/words';
import {ago, clock, dateTime} from '../time/format';
import {serverNow} from '../time/now';
import {parseTime} from '../time/range';

/** Days from midnight of `from`, each with its part of the slots. */
export function daysOf(slots: readonly Shift[], from: number, days: number): {start: number; parts: {person: string; share: number; slot: Shift}[]}[] {
  const midnight = new Date(from);
  midnight.setHours(0, 0, 0, 0);
  return Array.from({length: days}, (_, i) => {
    const day = new Date(midnight);
    day.setDate(midnight.getDate() + i);
    const next = new Date(day);
    next.setDate(day.getDate() + 1);
    const start = day.getTime(), end = next.getTime();
    const parts = slots.flatMap((slot) => {
      const share = (Math.min(end, Date.parse(slot.until)) - Math.max(start, Date.parse(slot.since))) / (end - start);
      return share > 0.001 ? [{person: slot.person ?? '', share, slot}] : [];
    });
    return {start, parts};
  });
}

const colorOf = (person: string, people: readonly string[]): string => (person ? kPalette[Math.max(0, people.indexOf(person)) % kPalette.length] : 'var(--bad)');
const weekday = (at: number): string => new Intl.DateTimeFormat(document.documentElement.lang || 'en', {weekday: 'short', day: 'numeric', month: 'short'}).format(at);

function Calendar({schedule, people, days}: {schedule: Schedule; people: readonly string[]; days: number}) {
  const words = (slot: Shift): string => `${slot.person ?? t('nobody')}: ${dateTime(Date.parse(slot.since))} – ${dateTime(Date.parse(slot.until))} (${slot.from})`;
  return (
    <section class="card" aria-label={schedule.name}>
      <h2>{schedule.name} <span class="quiet small">{schedule.timeZone}</span></h2>
      <p><b>{schedule.now?.person ?? t('nobody')}</b>{schedule.now && <span class="quiet"> {t('until {0}', dateTime(Date.parse(schedule.now.until)))}</span>}
        {schedule.next && <span class="quiet"> · {t('then {0}', schedule.next.person ?? t('nobody'))}</span>}</p>
      <ol class="calendar">{daysOf(schedule.slots ?? [], serverNow(), days).map(({start, parts}) => (
        <li><span class="quiet small">{weekday(start)}</span>
          <span class="calendar-day">{parts.map(({person, share, slot}) => (
            <span title={words(slot)} style={{flexGrow: share, borderTopColor: colorOf(person, people)}}>{person || t('nobody')}</span>))}</span></li>))}</ol>
      <details><summary>{t('As a table')}</summary><table><thead><tr><th>{t('Who')}</th><th>{t('From')}</th><th>{t('To')}</th><th>{t('Why')}</th></tr></thead>
        <tbody>{schedule.slots?.map((slot) => <tr><td>{slot.person ?? t('nobody')}</td><td>{dateTime(Date.parse(slot.since))}</td><td>{dateTime(Date.parse(slot.until))}</td><td>{slot.from}</td></tr>)}</tbody></table></details>
    </section>
  );
}

function Overrides({oncall, actor}: {oncall: Oncall; actor: string}) {
  const {data, error} = useLoad(listOverrides, [tick.value]);
  const [schedule, setSchedule] = useState(oncall.schedules[0]?.name ?? '');
  const [person, setPerson] = useState(oncall.people[0]?.name ?? '');
  const [times, setTimes] = useState({start: 'now', end: 'now+8h'});
  const start = parseTime(times.start, serverNow()), end = parseTime(times.end, serverNow());
  const bad = start === undefined || end === undefined || end <= start;
  const add = (event: Event): void => {
    event.preventDefault();
    if (bad || !named(actor)) return;
    addOverride({schedule, person, start: new Date(start).toISOString(), end: new Date(end).toISOString()}, actor).then(
      () => { notify(t('{0} has it', person)); refreshNow(); }, (reason: unknown) => notify(messageOf(reason), true));
  };
  const remove = (id: number): void => {
    if (named(actor)) removeOverride(id, actor).then(refreshNow, (reason: unknown) => notify(messageOf(reason), true));
  };
  return (
    <section class="card"><h2>{t('Somebody takes over')}</h2><Failed error={error} />
      <form class="tools" onSubmit={add}>
        <select aria-label={t('Schedule')} value={schedule} onChange={(event) => setSchedule(event.currentTarget.value)}>{oncall.schedules.map(({name}) => <option value={name}>{name}</option>)}</select>
        <select aria-label={t('Who')} value={person} onChange={(event) => setPerson(event.currentTarget.value)}>{oncall.people.map(({name}) => <option value={name}>{name}</option>)}</select>
        <label>{t('From')}<input size={16} value={times.start} aria-invalid={bad} onInput={(event) => setTimes({...times, start: event.currentTarget.value})} /></label>
        <label>{t('To')}<input size={16} value={times.end} aria-invalid={bad} onInput={(event) => setTimes({...times, end: event.currentTarget.value})} /></label>
        <button class="primary" disabled={bad}>{t('Take over')}</button>
        {!bad && <span class="quiet small">{dateTime(start)} – {dateTime(end)}</span>}</form>
      {(data?.length ?? 0) > 0 && <table><thead><tr><th>{t('Who')}</th><th>{t('Schedule')}</th><th>{t('From')}</th><th>{t('To')}</th><th>{t('By')}</th><th /></tr></thead>
        <tbody>{data?.map((one) => <tr><td>{one.person}</td><td>{one.schedule}</td><td>{dateTime(Date.parse(one.start))}</td><td>{dateTime(Date.parse(one.end))}</td><td>{one.by}</td>
          <td><button onClick={() => remove(one.id)}>{t('Remove')}</button></td></tr>)}</tbody></table>}</section>
  );
}

function Drill({actor}: {actor: string}) {
  const [priority, setPriority] = useState('P0');
  const begin = (): void => {
    if (!named(actor) || !confirm(t('A drill calls whoever is on call now, as a {0} would. Begin it?', priority))) return;
    beginDrill(priority, actor).then(({id}) => navigate(`incidents/${id}`), (reason: unknown) => notify(messageOf(reason), true));
  };
  return (
    <section class="card"><h2>{t('Drill')}</h2>
      <div class="tools"><select aria-label={t('Priority')} value={priority} onChange={(event) => setPriority(event.currentTarget.value)}>{['P0', 'P1', 'P2', 'P3'].map((one) => <option>{one}</option>)}</select>
        <button onClick={begin}>{t('Begin a drill')}</button><span class="quiet">{t('It calls for real, says that it is a drill, and shows on its page whom it reached.')}</span></div></section>
  );
}

function Heartbeats() {
  const {data} = useLoad(listHeartbeats, [tick.value]);
  if (!data?.length) return null;
  return (
    <section class="card"><h2>{t('Heartbeats')}</h2><table><thead><tr><th>{t('Name')}</th><th>{t('State')}</th><th>{t('Last')}</th><th>{t('At most')}</th></tr></thead>
      <tbody>{data.map((one) => <tr><td>{one.name}</td><td class={one.missing ? 'state bad' : 'state good'}>{one.missing ? `▲ ${t('missing')}` : '✓'}</td><td>{one.last ? ago(Date.parse(one.last)) : t('never')}</td><td>{one.timeout}</td></tr>)}</tbody></table></section>
  );
}

export default function OncallPage() {
  const [actor, setActor] = useActor();
  const days = param('days') === '28' ? 28 : 14;
  const {data, error} = useLoad(async (signal) => ({oncall: await loadCalendar(days + 1, signal)}), [tick.value, days]);
  const oncall = data?.oncall;
  const people = (oncall?.people ?? []).map(({name}) => name);
  return (
    <>
      <Title text={t('On call')}><a href={href('incidents')}>{t('Incidents')}</a></Title>
      <div class="tools">{[14, 28].map((one) => <button class={days === one ? 'primary' : ''} aria-pressed={days === one} onClick={() => setParams({days: one === 14 ? null : String(one)})}>{t('{0} days', one)}</button>)}
        <span class="grow" /><ActorField actor={actor} set={setActor} /></div>
      <Failed error={error} />
      {data && !oncall?.configured && <p class="empty">{t('Nobody is on call: name people, schedules and steps in oncall of strata.yml (docs/oncall.md).')}</p>}
      {oncall?.configured && (
        <>
          {oncall.schedules.map((schedule) => <Calendar key={schedule.name} schedule={schedule} people={people} days={days} />)}
          <Overrides oncall={oncall} actor={actor} />
          <section class="card"><h2>{t('What happens when')}</h2><div class="policies">{oncall.policies.map(({priority, steps}) => (
            <div><b>{priority}</b><ol>{steps.map((step) => <li><span class="quiet">{step.after}</span> {step.text}</li>)}</ol></div>))}</div></section>
        </>)}
      {data && <Drill actor={actor} />}
      <Heartbeats />
      {oncall && <p class="quiet small">{t('as of {0}', clock(serverNow()))}</p>}
    </>
  );
}
