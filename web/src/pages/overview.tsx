// All three layers on one axis of time: which broke is said in words, and shown below them.
import type {ComponentChildren} from 'preact';
import {useEffect, useMemo, useState} from 'preact/hooks';
import {get} from '../api/client';
import {freeze} from '../charts/cursor';
import type {Mark} from '../charts/plot_view';
import {loadMarks} from '../dashboard/annotations';
import type {Scope} from '../dashboard/interpolate';
import {GpuMatrix} from '../overview/gpu_matrix';
import {panelsOf} from '../overview/panels';
import {Strip} from '../overview/strip';
import {loadTopology, matchersOf, type Selection, type Topology} from '../overview/topology';
import {judge, type Layer, type Verdict as LayerVerdict} from '../overview/verdict';
import {PanelBox} from '../panels/panel';
import {defaults, tick, timeRange} from '../shell/clock';
import {Icon} from '../shell/icons';
import {useKeys} from '../shell/keyboard';
import {useLoad} from '../shell/load';
import {href, param, setParams} from '../shell/location';
import {noted} from '../shell/note';
import {Picker} from '../shell/picker';
import {Title} from '../shell/title';
import {t} from '../shell/words';
import {serverNow} from '../time/now';

const kNames: Record<Layer, [string, string]> = {app: ['Application', 'strata-business'], engine: ['Inference engine', 'strata-engine'], infra: ['Infrastructure', 'strata-gpu']};
const kNothing: Record<Layer, string> = {
  app: 'No app_* series: put strata gateway before the engines, or use a client library.',
  engine: 'No llm_* series: scrape an engine (vLLM, SGLang, TensorRT-LLM, …).',
  infra: 'No gpu_* or node_* series: run strata agent on the nodes.',
};

function Verdict({layer, verdict}: {layer: Layer; verdict: LayerVerdict | undefined | null}) {
  if (verdict === null) return <span class="quiet">…</span>;
  if (verdict === undefined) return <span class="quiet">{t(kNothing[layer])}</span>;
  const {findings, facts} = verdict;
  const known = <span class="quiet">{facts.slice(0, findings.length ? 2 : 4).join(' · ')}</span>;
  if (!findings.length) return <><span class="state good">✓ {t('well')}</span>{known}</>;
  return <>{findings.slice(0, 4).map((one) => <span class={one.level === 2 ? 'state bad' : 'state warn'}>{one.level === 2 ? '▲' : '△'} {one.text}</span>)}{known}</>;
}

interface RowProps { layer: Layer; match: string; gpu?: string; scope: Scope; marks: readonly Mark[]; verdict: LayerVerdict | undefined | null; children?: ComponentChildren }

function Row({layer, match, gpu, scope, marks, verdict, children}: RowProps) {
  const panels = useMemo(() => panelsOf(layer, match, gpu), [layer, match, gpu]);
  const state = verdict ? ['well', 'strained', 'broken'][verdict.findings[0]?.level ?? 0] : 'unknown';
  return (
    <section class={`layer ${layer} ${state}`} aria-label={t(kNames[layer][0])}>
      <header><h2><a href={href(`d/${kNames[layer][1]}`)}>{t(kNames[layer][0])}</a></h2><Verdict layer={layer} verdict={verdict} /></header>
      {(verdict !== undefined || layer === 'infra') && (
        <div class="layer-panels">{children}{panels.map((panel) => <div key={panel.id} class={panel.type === 'stat' ? 'cell number-cell' : 'cell'} style={{flexGrow: panel.gridPos.w}}><PanelBox panel={panel} scope={scope} marks={marks} /></div>)}</div>
      )}
    </section>
  );
}

const byName = (a: {text: string}, b: {text: string}): number => a.text.localeCompare(b.text, 'en', {numeric: true});

function Filters({topology: {places, gpus}, selection}: {topology: Topology; selection: Selection}) {
  const named = (values: readonly string[]) => [...new Set(values.filter(Boolean))].map((value) => ({text: value, value}));
  const cards = [...gpus].map(([uuid, {node, instance = '', gpu}]) => ({text: `${node || instance} ${gpu}`, value: uuid}));
  const fields: readonly [keyof Selection, string, {text: string; value: string}[]][] = [
    ['model', 'Model', named(places.map((one) => one.model))], ['instance', 'Engine', named(places.map((one) => one.instance))],
    ['node', 'Node', named([...places.map((one) => one.node), ...[...gpus.values()].map((one) => one.node ?? '')])], ['gpu', 'GPU', cards],
  ];
  return <>{fields.map(([key, label, options]) => (
    <div class="variable"><span>{t(label)}</span><Picker label={t(label)} options={[{text: t('All'), value: ''}, ...options.sort(byName)]} chosen={[selection[key]]} multi={false} all=""
      choose={([value]) => setParams({[`var-${key}`]: value || null})} /></div>))}
    {Object.values(selection).some(Boolean) && <button onClick={() => setParams(Object.fromEntries(fields.map(([key]) => [`var-${key}`, null])))}>{t('Everything')}</button>}</>;
}

function Gpus({match, selection}: {match: string; selection: Selection}) {
  const [asTable, setTable] = useState(false);
  return (
    <div class="cell matrix"><section class="panel" aria-label={t('GPUs')}>
      <header class="panel-head"><h2>{t('GPUs')}</h2><div class="panel-menu">
        <button class="icon-button" aria-pressed={asTable} aria-label={t('As a table')} title={t('As a table')} onClick={() => setTable(!asTable)}><Icon name="table" size={14} /></button></div></header>
      <div class="panel-body"><GpuMatrix match={match} node={selection.node} gpu={selection.gpu} asTable={asTable}
        select={({node, gpu}) => setParams({'var-node': node || null, 'var-gpu': gpu || null})} /></div></section></div>
  );
}

/** A store that is younger than an hour would be shown as an hour that is empty but for its end. */
async function defaultFrom(): Promise<string> {
  const {data: {headStats}} = await get<{headStats: {minTime?: number}}>('status/tsdb', {limit: 1});
  const age = serverNow() - (headStats.minTime ?? 0);
  return age < 4 * 60_000 ? 'now-5m' : age < 12 * 60_000 ? 'now-15m' : age < 25 * 60_000 ? 'now-30m' : 'now-1h';
}

const kEverything: Topology = {places: [], gpus: new Map()};

export default function OverviewPage() {
  useEffect(() => {
    defaults.value = {range: {from: 'now-1h', to: 'now'}, refresh: '10s'};
    defaultFrom().then((from) => { defaults.value = {range: {from, to: 'now'}, refresh: '10s'}; }, () => {});
  }, []);
  useKeys({f: freeze});
  const range = timeRange.value;
  const scope = useMemo<Scope>(() => ({variables: new Map(), range}), [range.from, range.to]);
  const {data: topology = kEverything} = useLoad((signal) => loadTopology(range.to, signal), [Math.floor(tick.value / 3)]);
  const selection: Selection = {model: param('var-model'), instance: param('var-instance'), node: param('var-node'), gpu: param('var-gpu')};
  const key = JSON.stringify(selection);
  const matchers = useMemo(() => matchersOf(selection, topology), [key, topology]);
  const verdicts = useLoad((signal) => judge(matchers, range.to, signal), [...Object.values(matchers), range.to]);
  const marks = useLoad((signal) => loadMarks([], scope, signal), [scope, noted.value]);
  const row = (layer: Layer, children?: ComponentChildren) => (
    <Row layer={layer} match={matchers[layer]} gpu={matchers.gpu} scope={scope} marks={marks.data ?? []} verdict={verdicts.data ? verdicts.data[layer] : null}>{children}</Row>);
  return (
    <div class="overview">
      <Title text={t('Overview')}><Filters topology={topology} selection={selection} /></Title>
      <Strip />
      {row('app')}
      {row('engine')}
      {row('infra', <Gpus match={matchers.gpu} selection={selection} />)}
    </div>
  );
}
