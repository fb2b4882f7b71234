// A dashboard as the JSON that it is: for what the forms do not have.
import {useState} from 'preact/hooks';
import {messageOf} from '../api/client';
import {isObject, readDashboard} from '../dashboard/read';
import {t} from '../shell/words';
import type {Json} from './draft';

function parsed(text: string): {json: Json} | {error: string} {
  try {
    const json: unknown = JSON.parse(text);
    return isObject(json) ? {json} : {error: t('A dashboard is a JSON object.')};
  } catch (error) {
    return {error: messageOf(error)};
  }
}

export function SourceEditor({source, change, close}: {source: Json; change: (source: Json) => void; close: () => void}) {
  const [text, setText] = useState(() => JSON.stringify(source, null, 2));
  const state = parsed(text);
  const board = 'json' in state ? readDashboard(state.json) : undefined;
  return (
    <form class="card source" onSubmit={(event) => { event.preventDefault(); if ('json' in state) { change(state.json); close(); } }}>
      <div class="tools"><button class="primary" disabled={!('json' in state)}>{t('Apply')}</button><button type="button" onClick={close}>{t('Cancel')}</button>
        {'error' in state ? <span class="state bad" role="alert">{state.error}</span> : <span class="quiet small">{t('{0} panels', board?.panels.length ?? 0)} {board?.notes.join(' ')}</span>}</div>
      <textarea class="mono" rows={30} spellcheck={false} aria-label={t('JSON of the dashboard')} value={text} onInput={(event) => setText(event.currentTarget.value)} />
    </form>
  );
}
