// A note at a moment: what was deployed, changed, tried. It is a mark on every chart from then on.
import {signal} from '@preact/signals';
import {useEffect, useRef, useState} from 'preact/hooks';
import {addAnnotation} from '../api/annotations';
import {messageOf} from '../api/client';
import {cursorTime} from '../charts/cursor';
import {dateTime} from '../time/format';
import {serverNow} from '../time/now';
import {parseTime} from '../time/range';
import {zone} from './clock';
import {path} from './location';
import {notify} from './notices';
import {t} from './words';

/** Counts notes: who draws marks depends on it. */
export const noted = signal(0);
export const noteOpen = signal(false);

/** Opens the form, for the moment under the cursor or else for now. */
export function beginNote(): void {
  noteOpen.value = true;
}

export function NoteForm() {
  const dialog = useRef<HTMLDialogElement>(null);
  const [time, setTime] = useState(() => dateTime(cursorTime.peek() ?? serverNow(), zone.peek()));
  const [text, setText] = useState('');
  const [tags, setTags] = useState('deploy');
  const uid = path.value.startsWith('/d/') ? path.value.split('/')[2] : '';
  const [here, setHere] = useState(false);
  useEffect(() => { dialog.current?.showModal(); }, []);
  const close = (): void => { noteOpen.value = false; };
  const at = parseTime(time, serverNow());
  const save = (event: Event): void => {
    event.preventDefault();
    if (!text || at === undefined) return;
    addAnnotation({text, tags: tags.split(/[\s,]+/).filter(Boolean), time: Math.round(at), ...(here && uid ? {dashboardUID: uid} : {})}).then(
      () => { noted.value += 1; notify(t('Noted')); close(); }, (error: unknown) => notify(messageOf(error), true));
  };
  return (
    <dialog ref={dialog} onClose={close} aria-label={t('Note')}>
      <form class="form" onSubmit={save}>
        <h2>{t('Note')}</h2>
        <label>{t('What happened')}<input size={40} autofocus value={text} onInput={(event) => setText(event.currentTarget.value)} /></label>
        <label>{t('When')}<input value={time} aria-invalid={at === undefined} onInput={(event) => setTime(event.currentTarget.value)} /></label>
        <label>{t('Tags')}<input value={tags} onInput={(event) => setTags(event.currentTarget.value)} /></label>
        {uid && <label><input type="checkbox" checked={here} onChange={() => setHere(!here)} />{t('only on this dashboard')}</label>}
        <div class="row"><button class="primary" disabled={!text || at === undefined}>{t('Add')}</button><button type="button" onClick={close}>{t('Cancel')}</button></div>
      </form>
    </dialog>
  );
}
