// Exemplars as a table, with links to their traces.
import {useState} from 'preact/hooks';
import type {Labels} from '../api/client';
import type {Dot} from '../charts/plot_view';
import {zone} from '../shell/clock';
import {LabelList} from '../shell/parts';
import {recall, store} from '../shell/settings';
import {t} from '../shell/words';
import {dateTime} from '../time/format';
import {showNumber} from '../units/units';

const kTrace = /^(trace_?id|traceid|traceID)$/;

export function ExemplarTable({dots, unit}: {dots: readonly Dot[]; unit: string | undefined}) {
  const [link, setLink] = useState(recall('trace-url') ?? '');
  const change = (text: string): void => { setLink(text); store('trace-url', text); };
  const href = (labels: Labels): string | undefined => {
    const id = Object.entries(labels).find(([name]) => kTrace.test(name))?.[1];
    return id && /^https?:\/\/.+\{\}/.test(link) ? link.replace('{}', encodeURIComponent(id)) : undefined;
  };
  return (
    <details><summary>{t('{0} exemplars', dots.length)}</summary>
      <label class="tools small">{t('Where traces are: a URL with {} for the id')}<input size={50} placeholder="https://jaeger.example/trace/{}" value={link} onInput={(event) => change(event.currentTarget.value)} /></label>
      <div class="scroll" tabIndex={0}><table class="data"><thead><tr><th>{t('When')}</th><th class="number">{t('Value')}</th><th>{t('Exemplar')}</th><th>{t('Series')}</th></tr></thead>
        <tbody>{[...dots].reverse().slice(0, 100).map((dot) => {
          const to = href(dot.labels);
          return <tr><td class="nowrap">{to ? <a href={to} target="_blank" rel="noreferrer">{dateTime(dot.at, zone.value)}</a> : dateTime(dot.at, zone.value)}</td>
            <td class="number">{showNumber(dot.value, unit)}</td><td><LabelList labels={dot.labels} /></td><td><LabelList labels={dot.of} without={['le']} /></td></tr>;
        })}</tbody></table></div></details>
  );
}
