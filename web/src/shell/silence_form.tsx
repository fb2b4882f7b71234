import {useState} from 'preact/hooks';
import {hits, listAlerts, makeSilence, parseMatchers} from '../api/alerts';
import {messageOf} from '../api/client';
import {parseDuration} from '../time/range';
import {useLoad} from './load';
import {notify} from './notices';
import {LabelList} from './parts';
import {recall, store} from './settings';
import {t} from './words';
import {serverNow} from '../time/now';

/** A new silence, with what it would hit before it is made. */
export function SilenceForm({initial, done}: {initial: string; done: () => void}) {
  const [text, setText] = useState(initial);
  const [length, setLength] = useState('2h');
  const [by, setBy] = useState(recall('name') ?? '');
  const [comment, setComment] = useState('');
  const [asking, setAsking] = useState(false);
  const alerts = useLoad(listAlerts, []);
  const matchers = parseMatchers(text);
  const ms = parseDuration(length);
  const hit = (alerts.data ?? []).filter((alert) => matchers && hits(matchers, alert.labels));
  const ready = !!matchers?.length && !!ms && !!by && !!comment && !asking;
  const submit = (event: Event): void => {
    event.preventDefault();
    if (!ready || !matchers || !ms) return;
    setAsking(true);
    store('name', by);
    const now = serverNow();
    makeSilence({matchers, startsAt: new Date(now).toISOString(), endsAt: new Date(now + ms).toISOString(), createdBy: by, comment}).then(
      () => { notify(t('Silenced for {0}', length)); done(); },
      (error: unknown) => { setAsking(false); notify(messageOf(error), true); });
  };
  return (
    <form class="form card" onSubmit={submit} aria-label={t('New silence')}>
      <h2>{t('New silence')}</h2>
      <label>{t('Labels')}<textarea rows={3} class="mono" value={text} aria-invalid={!matchers} onInput={(event) => setText(event.currentTarget.value)} /></label>
      <div class="row">
        <label>{t('For')}<input size={6} value={length} aria-invalid={!ms} onInput={(event) => setLength(event.currentTarget.value)} /></label>
        {['30m', '2h', '8h', '1d'].map((one) => <button type="button" onClick={() => setLength(one)}>{one}</button>)}
        <label>{t('Your name')}<input value={by} onInput={(event) => setBy(event.currentTarget.value)} /></label>
      </div>
      <label>{t('Why')}<input value={comment} onInput={(event) => setComment(event.currentTarget.value)} /></label>
      <div aria-live="polite"><b>{matchers ? t('Hits {0} alerts that are known now', hit.length) : t('Write label="value", one a line')}</b>
        {hit.slice(0, 8).map((alert) => <p><LabelList labels={alert.labels} /></p>)}
        {hit.length > 8 && <p class="quiet small">{t('{0} more', hit.length - 8)}</p>}</div>
      <div class="row"><button class="primary" disabled={!ready}>{t('Silence')}</button><button type="button" onClick={done}>{t('Cancel')}</button></div>
    </form>
  );
}
