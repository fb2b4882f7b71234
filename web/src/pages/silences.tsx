import {useState} from 'preact/hooks';
import {endSilence, listSilences, matcherText} from '../api/alerts';
import {messageOf} from '../api/client';
import {refreshNow, tick} from '../shell/clock';
import {useLoad} from '../shell/load';
import {href, param} from '../shell/location';
import {notify} from '../shell/notices';
import {Failed, State} from '../shell/parts';
import {SilenceForm} from '../shell/silence_form';
import {Title} from '../shell/title';
import {t} from '../shell/words';
import {dateTime, span} from '../time/format';
import {serverNow} from '../time/now';

export default function SilencesPage() {
  const [making, setMaking] = useState(param('filter') !== '');
  const [ended, setEnded] = useState(false);
  const {data, error} = useLoad(listSilences, [tick.value, making]);
  const shown = (data ?? []).filter((one) => ended || one.status.state !== 'expired').sort((a, b) => a.endsAt.localeCompare(b.endsAt));
  const end = (id: string): void => {
    endSilence(id).then(() => { notify(t('The silence has ended')); refreshNow(); }, (reason: unknown) => notify(messageOf(reason), true));
  };
  return (
    <>
      <Title text={t('Silences')}><a href={href('alerts')}>{t('Alerts')}</a></Title>
      <div class="tools"><button class="primary" onClick={() => setMaking(true)}>{t('New silence')}</button>
        <label><input type="checkbox" checked={ended} onChange={(event) => setEnded(event.currentTarget.checked)} />{t('also those that are over')}</label></div>
      {making && <SilenceForm initial={param('filter')} done={() => setMaking(false)} />}
      <Failed error={error} />
      {shown.length ? (
        <div class="scroll" tabIndex={0}><table class="sheet"><thead><tr><th>{t('State')}</th><th>{t('Labels')}</th><th>{t('Ends')}</th><th>{t('By')}</th><th>{t('Why')}</th><th><span class="quiet">{t('Act')}</span></th></tr></thead>
          <tbody>{shown.map((one) => (
            <tr><td><State state={one.status.state} /></td><td><span class="labels">{one.matchers.map((matcher) => <span class="label">{matcherText(matcher)}</span>)}</span></td>
              <td class="nowrap">{one.status.state === 'expired' ? dateTime(Date.parse(one.endsAt)) : t('in {0}', span(Date.parse(one.endsAt) - serverNow()))}</td>
              <td>{one.createdBy}</td><td class="wrap">{one.comment}</td><td>{one.status.state !== 'expired' && <button onClick={() => end(one.id)}>{t('End')}</button>}</td></tr>
          ))}</tbody></table></div>
      ) : data && <p class="empty">{t('Nothing is silenced.')}</p>}
    </>
  );
}
