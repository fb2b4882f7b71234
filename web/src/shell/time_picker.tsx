import {useState} from 'preact/hooks';
import {dateTime} from '../time/format';
import {isRelative, parseTime, resolveRange, shifted, zoomed, type RawRange} from '../time/range';
import {kRefreshChoices, rawRange, refreshNow, refreshText, setRange, timeRange, zone} from './clock';
import {useDismissed} from './dismissed';
import {Icon} from './icons';
import {param, setParams} from './location';
import {t} from './words';
import {serverNow} from '../time/now';

const kQuick: readonly [string, string][] = [
  ['now-5m', 'Last 5 minutes'], ['now-15m', 'Last 15 minutes'], ['now-30m', 'Last 30 minutes'],
  ['now-1h', 'Last hour'], ['now-3h', 'Last 3 hours'], ['now-6h', 'Last 6 hours'],
  ['now-12h', 'Last 12 hours'], ['now-24h', 'Last 24 hours'], ['now-2d', 'Last 2 days'],
  ['now-7d', 'Last 7 days'], ['now-30d', 'Last 30 days'], ['now-90d', 'Last 90 days'],
];
const kCompare: readonly [string, string][] = [['', 'Nothing'], ['1h', 'An hour before'], ['1d', 'A day before'], ['7d', 'A week before']];

export function rangeLabel(raw: RawRange): string {
  const quick = kQuick.find(([from]) => from === raw.from && raw.to === 'now');
  if (quick) return t(quick[1]);
  if (isRelative(raw)) return `${raw.from} … ${raw.to}`;
  const {from, to} = resolveRange(raw, serverNow());
  return `${dateTime(from, zone.value)} … ${dateTime(to, zone.value)}`;
}

function RangeForm({done}: {done: () => void}) {
  const {from, to} = rawRange.value;
  const shown = (text: string): string => (/^\d+$/.test(text) ? dateTime(Number(text), zone.value) : text);
  const [texts, setTexts] = useState({from: shown(from), to: shown(to)});
  const bad = parseTime(texts.from, serverNow()) === undefined || parseTime(texts.to, serverNow()) === undefined;
  const submit = (event: Event): void => {
    event.preventDefault();
    if (bad) return;
    const raw = (text: string): string => (text.trim().startsWith('now') ? text.trim() : String(parseTime(text, serverNow())));
    setRange({from: raw(texts.from), to: raw(texts.to)});
    done();
  };
  return (
    <form class="range-form" onSubmit={submit}>
      <label>{t('From')}<input value={texts.from} aria-invalid={bad}
        onInput={(event) => setTexts({...texts, from: event.currentTarget.value})} /></label>
      <label>{t('To')}<input value={texts.to} aria-invalid={bad}
        onInput={(event) => setTexts({...texts, to: event.currentTarget.value})} /></label>
      <p class="quiet small">{bad ? t('Not a time. Write now-6h, 2026-11-24 03:00, or an epoch.') : t('now-6h, 2026-11-24 03:00, ISO 8601 or an epoch')}</p>
      <button class="primary" disabled={bad}>{t('Apply')}</button>
      <label>{t('Time zone')}
        <select value={param('timezone')} onChange={(event) => setParams({timezone: event.currentTarget.value || null})}>
          <option value="">{t('This browser')}</option><option value="utc">UTC</option>
          {['Asia/Shanghai', 'Europe/Berlin', 'America/New_York', 'America/Los_Angeles'].map((name) => <option value={name}>{name}</option>)}
        </select></label>
      <label>{t('Compare with')}
        <select value={param('compare')} onChange={(event) => setParams({compare: event.currentTarget.value || null})}>
          {kCompare.map(([value, label]) => <option value={value}>{t(label)}</option>)}
        </select></label>
    </form>
  );
}

/** The range that everything on the page shows, and how often it is refreshed. */
export function TimePicker() {
  const [open, setOpen] = useState(false);
  const root = useDismissed(open, setOpen);
  const done = (): void => setOpen(false);
  return (
    <div class="time-picker" ref={root}>
      <button class="icon-button" aria-label={t('Earlier')} onClick={() => setRange(shifted(timeRange.value, -0.5))}><Icon name="left" /></button>
      <button class="range-button" aria-expanded={open} aria-haspopup="dialog" onClick={() => setOpen(!open)}>
        <Icon name="clock" /><span>{rangeLabel(rawRange.value)}</span><Icon name="down" size={12} />
      </button>
      <button class="icon-button" aria-label={t('Later')} onClick={() => setRange(shifted(timeRange.value, 0.5))}><Icon name="right" /></button>
      <button class="icon-button" aria-label={t('Zoom out')} onClick={() => setRange(zoomed(timeRange.value, 2))}><Icon name="zoomOut" /></button>
      <button class="icon-button" aria-label={t('Refresh')} onClick={refreshNow}><Icon name="refresh" /></button>
      <select class="refresh" aria-label={t('Refresh every')} value={refreshText.value || 'off'}
        onChange={(event) => setParams({refresh: event.currentTarget.value}, true)}>
        {[...new Set([...kRefreshChoices, refreshText.value || 'off'])].map((choice) => <option value={choice}>{choice === 'off' ? t('off') : choice}</option>)}
      </select>
      {open && (
        <div class="popover range-popover" role="dialog" aria-label={t('Time range')}>
          <RangeForm done={done} />
          <ul class="quick">
            {kQuick.map(([from, label]) => (
              <li><button aria-pressed={rawRange.value.from === from} onClick={() => { setRange({from, to: 'now'}); done(); }}>{t(label)}</button></li>
            ))}
          </ul>
        </div>
      )}
    </div>
  );
}
