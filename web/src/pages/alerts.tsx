import {useState} from 'preact/hooks';
import {listAlerts, type Alert} from '../api/alerts';
import {tick} from '../shell/clock';
import {useKeys} from '../shell/keyboard';
import {useLoad} from '../shell/load';
import {href, param, setParams} from '../shell/location';
import {Failed, LabelList, priorityOf, Severity, State} from '../shell/parts';
import {SavedFilters} from '../shell/saved_filters';
import {SilenceForm} from '../shell/silence_form';
import {Title} from '../shell/title';
import {t} from '../shell/words';
import {ago, dateTime} from '../time/format';

/** Labels that all of them share, as matchers: what one silence for them would say. */
export function commonMatchers(alerts: readonly Alert[]): string {
  const [first, ...rest] = alerts;
  if (!first) return '';
  const shared = Object.entries(first.labels).filter(([name, value]) => rest.every((one) => one.labels[name] === value));
  return shared.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join('\n');
}

const rank = (alert: Alert): string => `${alert.status.state === 'active' ? 0 : 1}${priorityOf(alert.labels.severity)}${alert.startsAt}`;

/** The expression behind an alert: its generator's link goes to the place where it was asked. */
function exprHref(alert: Alert): string {
  const query = /[?&](g0\.expr=[^&]*)/.exec(alert.generatorURL ?? '');
  return query ? href('explore', new URLSearchParams(query[1])) : '';
}

function Row({alert, chosen, focused, choose, pick}: {alert: Alert; chosen: boolean; focused: boolean; choose: () => void; pick: (name: string, value: string) => void}) {
  const link = exprHref(alert);
  const {summary, description, runbook_url: runbook} = alert.annotations;
  return (
    <tr class={chosen ? 'chosen' : undefined} aria-current={focused || undefined}>
      <td><input type="checkbox" aria-label={t('Choose {0}', alert.labels.alertname ?? '')} checked={chosen} onChange={choose} /></td>
      <td><Severity priority={priorityOf(alert.labels.severity)} /></td>
      <td><State state={alert.status.state === 'active' ? 'firing' : 'suppressed'} /></td>
      <td><b>{link ? <a href={link}>{alert.labels.alertname}</a> : alert.labels.alertname}</b></td>
      <td class="wrap">{summary ?? description ?? ''}{runbook && <> <a href={/^https?:/.test(runbook) ? runbook : '#'} rel="noreferrer">{t('runbook')}</a></>}</td>
      <td><LabelList labels={alert.labels} without={['alertname', 'severity']} pick={pick} /></td>
      <td class="nowrap" title={dateTime(Date.parse(alert.startsAt))}>{ago(Date.parse(alert.startsAt))}</td>
      <td>{alert.receivers.map((one) => one.name).join(', ')}</td>
    </tr>
  );
}

export default function AlertsPage() {
  const typed = param('q');
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [silencing, setSilencing] = useState(false);
  const [focus, setFocus] = useState(0);
  const {data, error} = useLoad(listAlerts, [tick.value, silencing]);
  const filter = param('filter');
  const all = data ?? [];
  const shown = all.filter((alert) => {
    const [name, value] = filter.split('=');
    return (!filter || alert.labels[name] === value) && JSON.stringify([alert.labels, alert.annotations]).toLowerCase().includes(typed.toLowerCase())
      && (param('all') !== '' || alert.status.state === 'active' || filter !== '');
  }).sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
  const toggle = (alert: Alert): void => {
    const next = new Set(chosen);
    if (!next.delete(alert.fingerprint)) next.add(alert.fingerprint);
    setChosen(next);
  };
  useKeys({
    j: () => setFocus(Math.min(shown.length - 1, focus + 1)), k: () => setFocus(Math.max(0, focus - 1)),
    x: () => { if (shown[focus]) toggle(shown[focus]); },
    s: () => { if (!chosen.size && shown[focus]) toggle(shown[focus]); setSilencing(true); },
  });
  const marked = shown.filter((alert) => chosen.has(alert.fingerprint));
  const suppressed = all.filter((alert) => alert.status.state !== 'active').length;
  return (
    <>
      <Title text={t('Alerts')}><a href={href('silences')}>{t('Silences')}</a></Title>
      <div class="tools">
        <input type="search" aria-label={t('Search')} placeholder={t('Name, label or text')} value={typed} onInput={(event) => setParams({q: event.currentTarget.value || null}, true)} />
        {filter && <button class="tag" onClick={() => setParams({filter: null})}>{filter} ×</button>}
        <button aria-pressed={param('all') !== ''} class={param('all') ? 'primary' : ''} onClick={() => setParams({all: param('all') ? null : '1'})}>{t('with {0} suppressed', suppressed)}</button>
        <SavedFilters page="alerts" />
        <span class="grow" />
        <button disabled={!marked.length} onClick={() => setSilencing(true)}>{t('Silence {0} chosen', marked.length)}</button>
      </div>
      {silencing && <SilenceForm key={marked.length} initial={commonMatchers(marked)} done={() => { setSilencing(false); setChosen(new Set()); }} />}
      <Failed error={error} />
      {shown.length > 0 && (
        <div class="scroll" tabIndex={0}><table class="sheet"><thead><tr><th><span class="quiet">✓</span></th><th>{t('Priority')}</th><th>{t('State')}</th><th>{t('Alert')}</th><th>{t('What')}</th><th>{t('Labels')}</th><th>{t('Since')}</th><th>{t('Told')}</th></tr></thead>
          <tbody>{shown.map((alert, i) => <Row key={alert.fingerprint} alert={alert} chosen={chosen.has(alert.fingerprint)} focused={i === focus} choose={() => toggle(alert)} pick={(name, value) => setParams({filter: `${name}=${value}`})} />)}</tbody></table></div>
      )}
      {data && !shown.length && <p class="empty">{all.length ? t('None of that kind: {0} are suppressed.', suppressed) : t('Nothing fires.')}</p>}
    </>
  );
}
