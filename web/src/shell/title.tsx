import type {ComponentChildren} from 'preact';
import {createPortal} from 'preact/compat';
import {useEffect, useState} from 'preact/hooks';

/** Puts a page's title and its controls into the bar on top. */
export function Title({text, children}: {text: string; children?: ComponentChildren}) {
  const [bar, setBar] = useState<HTMLElement | null>(null);
  useEffect(() => {
    setBar(document.getElementById('bar-title'));
    document.title = `${text} · Strata`;
  }, [text]);
  return bar && createPortal(<><h1>{text}</h1>{children}</>, bar);
}
