// What an expression is made of, and what each part of it costs.
import {get, messageOf, post} from '../api/client';
import {useLoad} from '../shell/load';
import {t} from '../shell/words';
import {onStep, type TimeRange} from '../time/range';
import {showNumber} from '../units/units';

interface Part { expr: string; depth: number; series: number; samples: number; bytes: number; seconds: number; reused: boolean }
interface Statistics { timings: Record<string, number>; samples: Record<string, number>; nodes?: Part[] }

/** Asked of the server with the range and the step that the graph has. */
export function Explain({expr, range, step}: {expr: string; range: TimeRange; step: number}) {
  const pretty = useLoad(async (signal) => (await post<string>('format_query', {query: expr}, signal)).data, [expr]);
  const {data, error} = useLoad(async (signal) => {
    const {from, to} = onStep(range, step);
    const answer = await get<{stats?: Statistics; result: unknown[]}>('query_range',
      {query: expr, start: from / 1000, end: to / 1000, step: step / 1000, stats: 'analyze'}, signal);
    return answer.data.stats;
  }, [expr, range.to - range.from, step]);
  const parts = data?.nodes ?? [];
  const slowest = Math.max(1e-9, ...parts.map((part) => part.seconds));
  const {timings = {}, samples = {}} = data ?? {};
  return (
    <>
      {pretty.data && <pre class="card">{pretty.data}</pre>}
      {error !== undefined && <p class="empty bad" role="alert">{messageOf(error)}</p>}
      {data && <dl class="facts">
        <dt>{t('Took')}</dt><dd>{showNumber(timings.execTotalTime ?? 0, 's')}</dd>
        <dt>{t('Series read')}</dt><dd>{showNumber(samples.seriesSelected ?? 0, 'locale')}</dd>
        <dt>{t('Samples decoded')}</dt><dd>{showNumber(samples.samplesRead ?? 0, 'locale')}</dd>
        <dt>{t('Memory at its peak')}</dt><dd>{showNumber(samples.peakBytes ?? 0, 'bytes')}</dd></dl>}
      {parts.length > 0 && <div class="scroll" tabIndex={0}><table class="data"><thead><tr>
        <th>{t('Part')}</th><th class="number">{t('Series')}</th><th class="number">{t('Samples')}</th><th class="number">{t('Memory')}</th><th class="number">{t('Took')}</th><th>{t('Share')}</th></tr></thead>
        <tbody>{parts.map((part) => <tr>
          <td><code style={{paddingLeft: `${part.depth * 18}px`}}>{part.expr.length > 90 ? `${part.expr.slice(0, 88)} …` : part.expr}</code>{part.reused && <span class="quiet"> {t('evaluated above')}</span>}</td>
          <td class="number">{showNumber(part.series, 'locale')}</td><td class="number">{showNumber(part.samples, 'locale')}</td>
          <td class="number">{showNumber(part.bytes, 'bytes')}</td><td class="number">{showNumber(part.seconds, 's')}</td>
          <td class="gauge-cell"><span class="bar-track"><i style={{width: `${part.seconds / slowest * 100}%`, background: 'var(--s1)'}} /></span></td></tr>)}</tbody></table></div>}
    </>
  );
}
