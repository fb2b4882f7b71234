// The editor of PromQL: CodeMirror with Prometheus' language. A file of its own, loaded when an
// editor is shown. It lives in a shadow root, since there its styles go into a sheet that the page's
// content security policy allows.
import {autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap} from '@codemirror/autocomplete';
import {defaultKeymap, history, historyKeymap, insertNewline} from '@codemirror/commands';
import {bracketMatching, HighlightStyle, syntaxHighlighting} from '@codemirror/language';
import {EditorState, Prec} from '@codemirror/state';
import {EditorView, keymap, placeholder, tooltips} from '@codemirror/view';
import {tags} from '@lezer/highlight';
import {PromQLExtension} from '@prometheus-io/codemirror-promql';
import {rootUrl} from '../api/client';

export interface EditorEvents { change: (text: string) => void; run: (text: string) => void }

const colors = HighlightStyle.define([
  {tag: tags.keyword, color: 'var(--s5)', fontWeight: '600'},
  {tag: tags.function(tags.variableName), color: 'var(--s1)'},
  {tag: tags.labelName, color: 'var(--s3)'},
  {tag: tags.string, color: 'var(--s2)'},
  {tag: tags.number, color: 'var(--s4)'},
  {tag: tags.operator, color: 'var(--quiet)'},
  {tag: tags.modifier, color: 'var(--s5)'},
  {tag: tags.comment, color: 'var(--quiet)', fontStyle: 'italic'},
  {tag: tags.invalid, color: 'var(--bad)'},
]);

const look = EditorView.theme({
  '&': {fontSize: '13px', color: 'var(--text)', backgroundColor: 'transparent'},
  '&.cm-focused': {outline: '2px solid var(--accent)', borderRadius: '6px'},
  '.cm-content': {fontFamily: 'var(--mono)', caretColor: 'var(--text)', padding: '6px 4px'},
  '.cm-cursor': {borderLeftColor: 'var(--text)'},
  '.cm-placeholder': {color: 'var(--quiet)'},
  '.cm-tooltip': {background: 'var(--raised)', color: 'var(--text)', border: '1px solid var(--line)', borderRadius: '6px', boxShadow: 'var(--shadow)'},
  '.cm-tooltip-autocomplete > ul': {fontFamily: 'var(--mono)', maxHeight: '320px'},
  '.cm-tooltip-autocomplete > ul > li[aria-selected]': {background: 'var(--accent-soft)', color: 'var(--text)'},
  '.cm-completionDetail': {color: 'var(--quiet)', fontStyle: 'normal', marginLeft: '1em'},
  '.cm-matchingBracket': {background: 'var(--accent-soft) !important'},
  '.cm-selectionBackground, ::selection': {background: 'color-mix(in srgb, var(--accent) 30%, transparent) !important'},
});

export class PromqlEditor {
  private readonly view: EditorView;

  constructor(host: HTMLElement, text: string, label: string, events: EditorEvents) {
    const root = host.shadowRoot ?? host.attachShadow({mode: 'open'});
    root.replaceChildren();
    const language = new PromQLExtension().setComplete({remote: {url: rootUrl.href.replace(/\/$/, ''), httpMethod: 'GET'}, maxMetricsMetadata: 10_000});
    const run = (view: EditorView): boolean => { events.run(view.state.doc.toString()); return true; };
    this.view = new EditorView({
      root, parent: root as unknown as HTMLElement,
      state: EditorState.create({
        doc: text,
        extensions: [
          history(), bracketMatching(), closeBrackets(), autocompletion(), EditorView.lineWrapping, look, syntaxHighlighting(colors),
          tooltips({position: 'fixed'}), placeholder('sum by (model_name) (rate(llm_generation_tokens_total[$__rate_interval]))'),
          EditorView.contentAttributes.of({'aria-label': label}),
          keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...completionKeymap]),
          Prec.high(keymap.of([{key: 'Shift-Enter', run: insertNewline}])),
          Prec.high(keymap.of([{key: 'Mod-Enter', run}])),
          language.asExtension(),
          Prec.highest(keymap.of([{key: 'Enter', run: (view) => (root.querySelector('.cm-tooltip-autocomplete [aria-selected]') ? false : run(view))}])),
          EditorView.updateListener.of((update) => { if (update.docChanged) events.change(update.state.doc.toString()); }),
        ],
      }),
    });
  }

  set(text: string): void {
    if (text !== this.view.state.doc.toString()) this.view.dispatch({changes: {from: 0, to: this.view.state.doc.length, insert: text}});
  }

  destroy(): void {
    this.view.destroy();
  }
}
