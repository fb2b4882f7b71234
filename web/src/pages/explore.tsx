// PromQL by hand: several expressions, as a graph and as a table. The URL says all of it, in
// Prometheus' spelling (g0.expr, g0.tab, g0.range_input, …).
import {useEffect, useMemo, useState} from 'preact/hooks';
import {messageOf, Unreachable, type Answer, type QueryData} from '../api/client';
import {instantQuery, rangeQuery} from '../api/query';
import {freeze} from '../charts/cursor';
import {Legend} from '../charts/legend';
import {Plot} from '../charts/plot';
import type {PlotData, PlotSeries} from '../charts/plot_view';
import {kPalette} from '../charts/colors';
import {framesOfRange, tableOfInstant} from '../dashboard/frame';
import {interpolateQuery} from '../dashboard/interpolate';
import {loadMarks} from '../dashboard/annotations';
import {chartAsTable} from '../panels/panel';
import {Explain} from '../explore/explain';
import {loadExemplars} from '../dashboard/exemplars';
import {ExemplarTable} from '../explore/exemplars';
import {MetricExplorer} from '../explore/metrics';
import {emptyQuery, kMostQueries, queriesOf, rangeOf, setQueries, type Query} from '../explore/url';
import {explain} from '../panels/empty';
import {FrameTable} from '../panels/table';
import {setRange, tick, timeRange, zone} from '../shell/clock';
import {Editor} from '../shell/editor';
import {Icon} from '../shell/icons';
import {useLoad} from '../shell/load';
import {useKeys} from '../shell/keyboard';
import {href, place} from '../shell/location';
import {noted} from '../shell/note';
import {copyText} from '../shell/notices';
import {Title} from '../shell/title';
import {t} from '../shell/words';
import {onStep, stepFor, type TimeRange} from '../time/range';
import {showNumber, unitOfMetric} from '../units/units';
import {serverNow} from '../time/now';

const kMostDrawn = 300;
const kScope = (range: TimeRange) => ({variables: new Map(), range});

interface GraphProps { query: Query; change: (query: Query) => void; expr: string; answer: Answer<QueryData>; range: TimeRange; step: number }

function Graph({query, change, expr, answer, range, step}: GraphProps) {
  const [only, setOnly] = useState<ReadonlySet<number> | null>(null);
  const [highlighted, setHighlighted] = useState<number | null>(null);
  const {stacked} = query;
  const dots = useLoad(async (signal) => (query.exemplars ? loadExemplars(expr, range, signal) : []), [expr, query.exemplars, range.from, range.to]);
  const marks = useLoad((signal) => loadMarks([], kScope(range), signal), [range.from, range.to, noted.value]);
  const unit = unitOfMetric(expr);
  const aligned = onStep(range, step);
  const frames = useMemo(() => framesOfRange(answer.data, {start: aligned.from, end: aligned.to, step}, {refId: 'A', expr, legendFormat: ''}), [answer]);
  const data = useMemo<PlotData>(() => ({
    times: (frames[0]?.fields[0].values ?? []) as number[], range, step, zone: zone.value, marks: marks.data ?? [], dots: dots.data,
    series: frames.slice(0, kMostDrawn).map((frame, i): PlotSeries => ({
      name: frame.name ?? '', values: frame.fields[1].values as (number | null)[], color: kPalette[i % kPalette.length], unit,
      custom: {lineWidth: 1.5, fillOpacity: stacked ? 40 : 0, stacking: {mode: stacked ? 'normal' : 'none'}}, hidden: only !== null && !only.has(i),
    })),
  }), [frames, only, stacked, marks.data, dots.data]);
  const toggle = (i: number, alone: boolean): void => {
    if (alone) return setOnly(only?.size === 1 && only.has(i) ? null : new Set([i]));
    const next = new Set(only ?? data.series.keys());
    if (!next.delete(i)) next.add(i);
    setOnly(next);
  };
  return (
    <>
      <div class="tools"><label><input type="checkbox" checked={stacked} onChange={() => change({...query, stacked: !stacked})} />{t('stacked')}</label>
        <label><input type="checkbox" checked={query.exemplars} onChange={() => change({...query, exemplars: !query.exemplars})} />{t('exemplars')}</label>
        <span class="quiet small">{t('{0} series, step {1}', frames.length, showNumber(step / 1000, 's'))}{unit && ` · ${unit}`}</span>
        {frames.length > kMostDrawn && <span class="state warn">{t('{0} of {1} series are drawn', kMostDrawn, frames.length)}</span>}</div>
      <div class="explore-chart chart below"><Plot data={data} tooltip={{mode: 'multi', sort: 'desc'}} highlighted={highlighted} label={expr} /></div>
      <Legend series={data.series} options={{displayMode: 'table', calcs: ['min', 'mean', 'max', 'lastNotNull'], placement: 'bottom'}} toggle={toggle} highlight={setHighlighted} />
      {query.exemplars && (dots.data?.length ? <ExemplarTable dots={dots.data} unit={unit} /> : <p class="quiet small">{dots.error ? messageOf(dots.error) : t('No exemplars of these series in this range.')}</p>)}
      <details><summary>{t('As a table')}</summary><FrameTable frame={chartAsTable(frames.slice(0, 50))} /></details>
    </>
  );
}

function Nothing({expr, time}: {expr: string; time: number}) {
  const {data, error} = useLoad(() => explain(expr, time), [expr]);
  return <div class="empty"><p>{t('No data')}</p><ul>{(error ? [messageOf(error)] : data ?? [t('Looking…')]).map((reason) => <li>{reason}</li>)}</ul></div>;
}

function Hints({answer}: {answer: Answer<QueryData>}) {
  if (!answer.warnings.length && !answer.infos.length) return null;
  return <ul class="hints">{answer.warnings.map((text) => <li class="bad">{text}</li>)}{answer.infos.map((text) => <li>{text}</li>)}</ul>;
}

function Result({query, change}: {query: Query; change: (query: Query) => void}) {
  const range = timeRange.value;
  const step = query.step || stepFor(range.to - range.from, 480, 1000);
  const {data, error, loading} = useLoad(async (signal) => {
    if (!query.expr || query.tab === 'explain') return undefined;
    const expr = interpolateQuery(query.expr, kScope(range), step);
    const began = performance.now();
    const aligned = onStep(range, step);
    const answer = query.tab === 'table' ? await instantQuery(expr, range.to, signal) : await rangeQuery(expr, aligned.from, aligned.to, step, signal);
    return {answer, expr, range, step, took: performance.now() - began, tab: query.tab};
  }, [query.expr, query.tab, step, range.from, range.to, tick.value]);
  if (!query.expr) return null;
  if (query.tab === 'explain') return <Explain expr={interpolateQuery(query.expr, kScope(range), step)} range={range} step={step} />;
  // While the server is away, what it said last stays.
  if (error !== undefined && !(error instanceof Unreachable && data?.tab === query.tab)) return <p class="empty bad" role="alert">{messageOf(error)}</p>;
  if (!data || data.tab !== query.tab) return <p class="empty" aria-busy={loading}>{t('Loading…')}</p>;
  const empty = 'result' in data.answer.data && Array.isArray(data.answer.data.result) && !data.answer.data.result.length;
  const [frame] = data.tab === 'table' ? tableOfInstant(data.answer.data, 'A', false) : [];
  return (
    <>
      <Hints answer={data.answer} />
      {empty ? <Nothing expr={data.expr} time={range.to} />
        : data.tab === 'table' ? (frame ? <FrameTable frame={{...frame, fields: frame.fields.slice(1)}} /> : <pre>{JSON.stringify(data.answer.data.result, null, 1)}</pre>)
          : <Graph query={query} change={change} expr={data.expr} answer={data.answer} range={data.range} step={data.step} />}
      <p class="quiet small">{t('{0} rows in {1}', Array.isArray(data.answer.data.result) ? data.answer.data.result.length : 1, showNumber(data.took, 'ms', 0))}</p>
    </>
  );
}

function QueryBox({query, change, remove}: {query: Query; change: (query: Query) => void; remove?: () => void}) {
  return (
    <section class="card" aria-label={query.expr || t('Query')}>
      <div class="explore-query">
        <Editor value={query.expr} run={(expr) => change({...query, expr})} />
        {remove && <button class="icon-button" aria-label={t('Remove')} onClick={remove}><Icon name="close" /></button>}
      </div>
      <div class="tabs" role="tablist" aria-label={t('Result')}>{(['graph', 'table', 'explain'] as const).map((tab) => (
        <button role="tab" aria-selected={query.tab === tab} onClick={() => change({...query, tab})}>{t(tab === 'graph' ? 'Graph' : tab === 'table' ? 'Table' : 'Explain')}</button>))}</div>
      <Result query={query} change={change} />
    </section>
  );
}

export default function ExplorePage() {
  const [browsing, setBrowsing] = useState(false);
  useEffect(() => {
    const range = rangeOf(place.value.params, serverNow());
    if (range) setRange(range, true);
  }, []);
  useKeys({m: () => setBrowsing(true), f: freeze});
  const queries = queriesOf(place.value.params);
  const replace = (index: number, query: Query | null): void => setQueries(queries.flatMap((one, i) => (i === index ? (query ? [query] : []) : [one])));
  const add = (expr: string): void => {
    const last = queries[queries.length - 1];
    setQueries(last.expr || !expr ? [...queries, emptyQuery(expr)] : [...queries.slice(0, -1), {...last, expr}]);
  };
  const share = (): void => {
    const {from, to} = timeRange.value;
    const params = new URLSearchParams(place.value.params);
    params.set('from', String(from));
    params.set('to', String(to));
    void copyText(location.origin + href('explore', params));
  };
  return (
    <>
      <Title text={t('Explore')}><button onClick={() => setBrowsing(true)}><Icon name="table" size={14} /> {t('Metrics')}</button>
        <button onClick={share}><Icon name="link" size={14} /> {t('Copy link to this moment')}</button></Title>
      {browsing && <MetricExplorer choose={add} close={() => setBrowsing(false)} />}
      {queries.map((query, i) => <QueryBox key={i} query={query} change={(next) => replace(i, next)} remove={queries.length > 1 ? () => replace(i, null) : undefined} />)}
      {queries.length < kMostQueries && <button onClick={() => add('')}><Icon name="plus" size={14} /> {t('Another query')}</button>}
    </>
  );
}
