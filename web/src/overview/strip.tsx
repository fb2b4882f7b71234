import {useEffect, useState} from 'preact/hooks';
import {listAlerts} from '../api/alerts';
import {vector} from '../api/query';
import {listIncidents, loadOncall} from '../api/incidents';
import {tick} from '../shell/clock';
import {useLoad} from '../shell/load';
import {href} from '../shell/location';
import {priorityOf, Severity, type Priority} from '../shell/parts';
import {t} from '../shell/words';
import {ago, span} from '../time/format';
import {serverNow} from '../time/now';

const kPriorities: readonly Priority[] = ['P0', 'P1', 'P2', 'P3'];

/** Incidents where the server keeps them, else what fires. */
async function loadStrip(signal: AbortSignal) {
  const [incidents, alerts, oncall, scrape, started] = await Promise.all([
    listIncidents(['open', 'acknowledged'], signal).catch(() => undefined), listAlerts().catch(() => []), loadOncall(signal).catch(() => undefined),
    vector('count(up == 0) or vector(0)', serverNow(), signal).catch(() => []),
    vector('max(process_start_time_seconds)', serverNow(), signal).catch(() => []),
  ]);
  const firing = alerts.filter((alert) => alert.status.state === 'active');
  const watchdog = firing.some((alert) => alert.labels.alertname === 'Watchdog');
  const open = incidents?.incidents.filter((one) => one.status === 'open' && !one.suppressed);
  const counts = Object.fromEntries(kPriorities.map((priority) => [priority, incidents ? incidents.incidents.filter((one) => one.priority === priority).length
    : firing.filter((alert) => alert.labels.severity !== 'none' && priorityOf(alert.labels.severity) === priority).length]));
  const oldest = open ? [...open].sort((a, b) => a.openedAt.localeCompare(b.openedAt))[0] : undefined;
  return {counts, oldest, incidents: incidents !== undefined, oncall: oncall?.schedules[0]?.now?.person, configured: oncall?.configured === true,
    down: scrape[0]?.value, started: started[0]?.value, watchdog};
}

/** Counts the seconds: whoever is awaited is told how long. */
function Clock({at, prefix}: {at: number; prefix: string}) {
  const [, again] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => again((n) => n + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  return <>{prefix}{span(serverNow() - at)}</>;
}

export function Strip() {
  const {data} = useLoad(loadStrip, [tick.value]);
  if (!data) return <div class="strip" aria-busy="true" />;
  const where = data.incidents ? 'incidents' : 'alerts';
  return (
    <div class="strip" role="group" aria-label={t('Who is needed')}>
      <a class="strip-counts" href={href(where)}>{kPriorities.map((priority) => (
        <span class={data.counts[priority] ? `count ${priority.toLowerCase()}` : 'count none'}><Severity priority={priority} /><b>{data.counts[priority]}</b></span>))}</a>
      <div class="strip-item"><span class="quiet">{t('Oldest unacknowledged')}</span>
        {data.oldest ? <a href={href(`incidents/${data.oldest.id}`)}><b><Clock at={Date.parse(data.oldest.openedAt)} prefix="" /></b> {data.oldest.title}
          {data.oldest.nextStep && <span class="quiet"> → {data.oldest.nextStep.text}</span>}</a> : <b>{data.incidents ? t('none') : '–'}</b>}</div>
      <div class="strip-item"><span class="quiet">{t('On call')}</span><b>{data.oncall ?? (data.configured ? t('nobody') : t('not configured'))}</b></div>
      <div class="strip-item"><span class="quiet">{t('Heartbeat')}</span><b class={data.watchdog ? 'state good' : 'quiet'}>{data.watchdog ? `✓ ${t('Watchdog fires')}` : t('no Watchdog rule')}</b></div>
      <div class="strip-item"><span class="quiet">{t('Scraping')}</span><a href={href('targets', data.down ? {health: 'down'} : {})} class={data.down ? 'state bad' : 'state good'}>{data.down ? `▲ ${t('{0} down', data.down)}` : `✓ ${t('all targets up')}`}</a></div>
      {data.started !== undefined && <div class="strip-item"><span class="quiet">{t('Last start of a process')}</span><b>{ago(data.started * 1000)}</b></div>}
    </div>
  );
}
