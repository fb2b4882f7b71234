import {useEffect, useRef, useState} from 'preact/hooks';
import type {PromqlEditor} from './codemirror';
import {t} from './words';

/** A field for PromQL: a plain one until CodeMirror has arrived, which brings completion and lint.
    Enter runs it, Shift-Enter begins a line. */
export function Editor({value, run}: {value: string; run: (expr: string) => void}) {
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<PromqlEditor | null>(null);
  const latest = useRef({value, run});
  latest.current = {value, run};
  const [text, setText] = useState(value);
  const [rich, setRich] = useState(false);
  useEffect(() => {
    let gone = false;
    void import('./codemirror').then(({PromqlEditor: Rich}) => {
      if (gone || !host.current) return;
      editor.current = new Rich(host.current, latest.current.value, t('PromQL expression'), {change: setText, run: (expr) => latest.current.run(expr)});
      setRich(true);
    }, () => {});  // the plain field stays
    return () => { gone = true; editor.current?.destroy(); };
  }, []);
  useEffect(() => { setText(value); editor.current?.set(value); }, [value]);
  const press = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' || event.shiftKey) return;
    event.preventDefault();
    run(text);
  };
  return (
    <>
      <div class="editor" ref={host}>
        {!rich && <textarea rows={1} spellcheck={false} aria-label={t('PromQL expression')} value={text} onKeyDown={press} onInput={(event) => setText(event.currentTarget.value)} />}
      </div>
      <button class="primary" onClick={() => run(text)}>{t('Run')}</button>
    </>
  );
}
