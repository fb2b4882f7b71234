// PromQL by hand: several expressions, as a graph and as a table. The URL says all of it, in
// Prometheus' spelling (g0.expr, g0.tab, g0.range_input, …).
import {useEffect, useMemo, useState} from 'preact/hooks';
import {get, instantQuery, messageOf, post, rangeQuery, type Answer, type QueryData} from '../api/client';
import {Legend} from '../charts/legend';
import {Plot} from '../charts/plot';
import type {PlotData, PlotSeries} from '../charts/plot_view';
import {kPalette} from '../charts/colors';
import {framesOfRange, tableOfInstant} from '../dashboard/frame';
import {interpolateQuery} from '../dashboard/interpolate';
import {loadMarks} from '../dashboard/annotations';
import {chartAsTable} from '../panels/panel';
import {explain} from '../panels/empty';
import {FrameTable} from '../panels/table';
import {setRange, tick, timeRange, zone} from '../shell/clock';
import {Editor} from '../shell/editor';
import {Icon} from '../shell/icons';
import {useLoad} from '../shell/load';
import {href, param, place, setParams} from '../shell/location';
import {copyText} from '../shell/notices';
import {Title} from '../shell/title';
import {t} from '../shell/words';
import {onStep, parseDuration, parseTime, stepFor, type TimeRange} from '../time/range';
import {showNumber, unitOfMetric} from '../units/units';

const kMostQueries = 10;
const kMostDrawn = 300;
const kScope = (range: TimeRange) => ({variables: new Map(), range});

interface Query { expr: string; tab: 'graph' | 'table' | 'explain' }

/** g0.expr, g1.expr, …; Grafana's `left={"queries":[{"expr":…}]}` too. */
export function queriesOf(params: URLSearchParams): Query[] {
  const list: Query[] = [];
  for (let i = 0; i < kMostQueries && params.has(`g${i}.expr`); i += 1) {
    const tab = params.get(`g${i}.tab`);
    list.push({expr: params.get(`g${i}.expr`) ?? '', tab: tab === '1' || tab === 'table' ? 'table' : tab === 'explain' ? 'explain' : 'graph'});
  }
  const grafana = params.get('left');
  if (!list.length && grafana) {
    for (const [, text] of grafana.matchAll(/"expr":("(?:[^"\\]|\\.)*")/g)) list.push({expr: String(JSON.parse(text)), tab: 'graph'});
  }
  return list.length ? list : [{expr: '', tab: 'graph'}];
}

function setQueries(queries: readonly Query[]): void {
  const changes: Record<string, string | null> = {left: null};
  for (let i = 0; i < kMostQueries; i += 1) {
    changes[`g${i}.expr`] = queries[i]?.expr ?? null;
    changes[`g${i}.tab`] = !queries[i] || queries[i].tab === 'graph' ? null : queries[i].tab === 'table' ? '1' : 'explain';
    for (const old of ['range_input', 'end_input', 'moment_input', 'show_exemplars', 'display_mode']) changes[`g${i}.${old}`] = null;
  }
  setParams(changes);
}

/** Prometheus' g0.range_input and g0.end_input become from and to. */
function takePrometheusRange(): void {
  const span = parseDuration(param('g0.range_input'));
  if (!span || param('from')) return;
  const end = parseTime(param('g0.end_input').replace(' ', 'T') + (param('g0.end_input') ? 'Z' : ''), Date.now());
  setRange(end ? {from: end - span, to: end} : {from: `now-${param('g0.range_input')}`, to: 'now'});
}

function Graph({expr, answer, range, step}: {expr: string; answer: Answer<QueryData>; range: TimeRange; step: number}) {
  const [only, setOnly] = useState<ReadonlySet<number> | null>(null);
  const [highlighted, setHighlighted] = useState<number | null>(null);
  const [stacked, setStacked] = useState(false);
  const marks = useLoad((signal) => loadMarks([], kScope(range), true, signal), [range.from, range.to]);
  const unit = unitOfMetric(expr);
  const aligned = onStep(range, step);
  const frames = useMemo(() => framesOfRange(answer.data, {start: aligned.from, end: aligned.to, step}, {refId: 'A', expr, legendFormat: ''}), [answer]);
  const data = useMemo<PlotData>(() => ({
    times: (frames[0]?.fields[0].values ?? []) as number[], range, step, zone: zone.value, marks: marks.data ?? [],
    series: frames.slice(0, kMostDrawn).map((frame, i): PlotSeries => ({
      name: frame.name ?? '', values: frame.fields[1].values as (number | null)[], color: kPalette[i % kPalette.length], unit,
      custom: {lineWidth: 1.5, fillOpacity: stacked ? 40 : 0, stacking: {mode: stacked ? 'normal' : 'none'}}, hidden: only !== null && !only.has(i),
    })),
  }), [frames, only, stacked, marks.data]);
  const toggle = (i: number, alone: boolean): void => {
    if (alone) return setOnly(only?.size === 1 && only.has(i) ? null : new Set([i]));
    const next = new Set(only ?? data.series.keys());
    if (!next.delete(i)) next.add(i);
    setOnly(next);
  };
  return (
    <>
      <div class="tools"><label><input type="checkbox" checked={stacked} onChange={(event) => setStacked(event.currentTarget.checked)} />{t('stacked')}</label>
        <span class="quiet small">{t('{0} series, step {1}', frames.length, showNumber(step / 1000, 's'))}{unit && ` · ${unit}`}</span>
        {frames.length > kMostDrawn && <span class="state warn">{t('{0} of {1} series are drawn', kMostDrawn, frames.length)}</span>}</div>
      <div class="explore-chart chart below"><Plot data={data} tooltip={{mode: 'multi', sort: 'desc'}} highlighted={highlighted} label={expr} /></div>
      <Legend series={data.series} options={{displayMode: 'table', calcs: ['min', 'mean', 'max', 'lastNotNull'], placement: 'bottom'}} toggle={toggle} highlight={setHighlighted} />
      <details><summary>{t('As a table')}</summary><FrameTable frame={chartAsTable(frames.slice(0, 50))} /></details>
    </>
  );
}

function Nothing({expr, time}: {expr: string; time: number}) {
  const {data, error} = useLoad(() => explain(expr, time), [expr]);
  return <div class="empty"><p>{t('No data')}</p><ul>{(error ? [messageOf(error)] : data ?? [t('Looking…')]).map((reason) => <li>{reason}</li>)}</ul></div>;
}

interface Tree { type: string; [key: string]: unknown }

/** What the expression is made of, and how many series each selector reads. */
function Explain({expr}: {expr: string}) {
  const {data, error} = useLoad(async (signal) => (await post<Tree>('parse_query', {query: expr}, signal)).data, [expr]);
  const pretty = useLoad(async (signal) => (await post<string>('format_query', {query: expr}, signal)).data, [expr]);
  const stats = useLoad((signal) => get<{stats?: {timings?: Record<string, number>; samples?: Record<string, number>}}>('query', {query: expr, stats: 'all'}, signal), [expr]);
  if (error) return <p class="empty bad">{messageOf(error)}</p>;
  const {timings = {}, samples = {}} = stats.data?.data.stats ?? {};
  return (
    <>
      {pretty.data && <pre class="card">{pretty.data}</pre>}
      <dl class="facts">{Object.entries({...timings, ...samples}).filter(([, value]) => typeof value === 'number').map(([name, value]) => <><dt>{name}</dt><dd>{showNumber(value, /Time$/.test(name) ? 's' : 'short')}</dd></>)}</dl>
      {data && <div class="tree"><Branch node={data} /></div>}
    </>
  );
}

function Branch({node}: {node: Tree}) {
  const children = Object.entries(node).flatMap(([key, value]) => (Array.isArray(value) ? value : [value]).filter(
    (one): one is Tree => typeof one === 'object' && one !== null && 'type' in one && key !== 'matchers'));
  const facts = Object.entries(node).filter(([key, value]) => key !== 'type' && (typeof value === 'string' || typeof value === 'number') && value !== '');
  return <ul><li><b>{node.type}</b> {facts.map(([key, value]) => <span class="label">{key}: {String(value)}</span>)}{children.map((child) => <Branch node={child} />)}</li></ul>;
}

function Hints({answer}: {answer: Answer<QueryData>}) {
  if (!answer.warnings.length && !answer.infos.length) return null;
  return <ul class="hints">{answer.warnings.map((text) => <li class="bad">{text}</li>)}{answer.infos.map((text) => <li>{text}</li>)}</ul>;
}

function Result({query}: {query: Query}) {
  const range = timeRange.value;
  const step = stepFor(range.to - range.from, 480, 1000);
  const {data, error, loading} = useLoad(async (signal) => {
    if (!query.expr || query.tab === 'explain') return undefined;
    const expr = interpolateQuery(query.expr, kScope(range), step);
    const began = performance.now();
    const aligned = onStep(range, step);
    const answer = query.tab === 'table' ? await instantQuery(expr, range.to, signal) : await rangeQuery(expr, aligned.from, aligned.to, step, signal);
    return {answer, expr, range, step, took: performance.now() - began, tab: query.tab};
  }, [query.expr, query.tab, range.from, range.to, tick.value]);
  if (!query.expr) return null;
  if (query.tab === 'explain') return <Explain expr={query.expr} />;
  if (error) return <p class="empty bad" role="alert">{messageOf(error)}</p>;
  if (!data || data.tab !== query.tab) return <p class="empty" aria-busy={loading}>{t('Loading…')}</p>;
  const empty = 'result' in data.answer.data && Array.isArray(data.answer.data.result) && !data.answer.data.result.length;
  const [frame] = data.tab === 'table' ? tableOfInstant(data.answer.data, 'A', false) : [];
  return (
    <>
      <Hints answer={data.answer} />
      {empty ? <Nothing expr={data.expr} time={range.to} />
        : data.tab === 'table' ? (frame ? <FrameTable frame={{...frame, fields: frame.fields.slice(1)}} /> : <pre>{JSON.stringify(data.answer.data.result, null, 1)}</pre>)
          : <Graph expr={data.expr} answer={data.answer} range={data.range} step={data.step} />}
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
      <Result query={query} />
    </section>
  );
}

export default function ExplorePage() {
  useEffect(takePrometheusRange, []);
  const queries = queriesOf(place.value.params);
  const replace = (index: number, query: Query | null): void => setQueries(queries.flatMap((one, i) => (i === index ? (query ? [query] : []) : [one])));
  const share = (): void => {
    const {from, to} = timeRange.value;
    const params = new URLSearchParams(place.value.params);
    params.set('from', String(from));
    params.set('to', String(to));
    void copyText(location.origin + href('explore', params));
  };
  return (
    <>
      <Title text={t('Explore')}><button onClick={share}><Icon name="link" size={14} /> {t('Copy link to this moment')}</button></Title>
      {queries.map((query, i) => <QueryBox key={i} query={query} change={(next) => replace(i, next)} remove={queries.length > 1 ? () => replace(i, null) : undefined} />)}
      {queries.length < kMostQueries && <button onClick={() => setQueries([...queries, {expr: '', tab: 'graph'}])}><Icon name="plus" size={14} /> {t('Another query')}</button>}
    </>
  );
}
