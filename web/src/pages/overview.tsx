// All three layers on one axis of time: which broke is said in words, and shown below them.
import type {ComponentChildren} from 'preact';
import {useEffect, useMemo} from 'preact/hooks';
import {freeze} from '../charts/cursor';
import type {Mark} from '../charts/plot_view';
import {loadMarks} from '../dashboard/annotations';
import type {Scope} from '../dashboard/interpolate';
import {GpuMatrix} from '../overview/gpu_matrix';
import {panelsOf} from '../overview/panels';
import {Strip} from '../overview/strip';
import {loadPlaces, matchersOf, type Place, type Selection} from '../overview/topology';
import {judge, type Finding, type Layer} from '../overview/verdict';
import {PanelBox} from '../panels/panel';
import {defaults, tick, timeRange} from '../shell/clock';
import {useKeys} from '../shell/keyboard';
import {useLoad} from '../shell/load';
import {href, param, setParams} from '../shell/location';
import {Picker} from '../shell/picker';
import {Title} from '../shell/title';
import {t} from '../shell/words';

const kNames: Record<Layer, [string, string]> = {app: ['Application', 'strata-business'], engine: ['Inference engine', 'strata-engine'], infra: ['Infrastructure', 'strata-gpu']};
const kNothing: Record<Layer, string> = {
  app: 'No app_* series: put strata gateway before the engines, or use a client library.',
  engine: 'No llm_* series: scrape an engine (vLLM, SGLang, TensorRT-LLM, …).',
  infra: 'No gpu_* or node_* series: run strata agent on the nodes.',
};

function Verdict({layer, findings}: {layer: Layer; findings: Finding[] | undefined | null}) {
  if (findings === null) return <span class="quiet">…</span>;
  if (findings === undefined) return <span class="quiet">{t(kNothing[layer])}</span>;
  if (!findings.length) return <span class="state good">✓ {t('well')}</span>;
  return <>{findings.slice(0, 4).map((one) => <span class={one.level === 2 ? 'state bad' : 'state warn'}>{one.level === 2 ? '▲' : '△'} {one.text}</span>)}</>;
}

function Row({layer, match, scope, marks, findings, children}: {layer: Layer; match: string; scope: Scope; marks: readonly Mark[]; findings: Finding[] | undefined | null; children?: ComponentChildren}) {
  const panels = useMemo(() => panelsOf(layer, match), [layer, match]);
  const state = findings ? ['well', 'strained', 'broken'][findings[0]?.level ?? 0] : 'unknown';
  return (
    <section class={`layer ${layer} ${state}`} aria-label={t(kNames[layer][0])}>
      <header><h2><a href={href(`d/${kNames[layer][1]}`)}>{t(kNames[layer][0])}</a></h2><Verdict layer={layer} findings={findings} /></header>
      {(findings !== undefined || layer === 'infra') && (
        <div class="layer-panels">{children}{panels.map((panel) => <div key={panel.id} class={`cell ${panel.type}`} style={{flexGrow: panel.gridPos.w}}><PanelBox panel={panel} scope={scope} marks={marks} /></div>)}</div>
      )}
    </section>
  );
}

function Filters({places, selection}: {places: readonly Place[]; selection: Selection}) {
  const options = (key: keyof Place) => [{text: t('All'), value: ''}, ...[...new Set(places.map((one) => one[key]).filter(Boolean))].sort().map((value) => ({text: value, value}))];
  const fields: readonly [keyof Selection, string][] = [['model', 'Model'], ['instance', 'Engine'], ['node', 'Node']];
  return <>{fields.map(([key, label]) => (
    <div class="variable"><span>{t(label)}</span><Picker label={t(label)} options={options(key)} chosen={[selection[key]]} multi={false} all="" choose={([value]) => setParams({[`var-${key}`]: value || null})} /></div>))}</>;
}

export default function OverviewPage() {
  useEffect(() => { defaults.value = {range: {from: 'now-1h', to: 'now'}, refresh: '10s'}; }, []);
  useKeys({f: freeze});
  const range = timeRange.value;
  const scope = useMemo<Scope>(() => ({variables: new Map(), range}), [range.from, range.to]);
  const places = useLoad((signal) => loadPlaces(range.to, signal), [Math.floor(tick.value / 3)]);
  const selection: Selection = {model: param('var-model'), instance: param('var-instance'), node: param('var-node')};
  const key = JSON.stringify(selection);
  const matchers = useMemo(() => matchersOf(selection, places.data ?? []), [key, places.data]);
  const verdicts = useLoad((signal) => judge(matchers, range.to, signal), [matchers.app, matchers.engine, matchers.infra, range.to]);
  const marks = useLoad((signal) => loadMarks([], scope, true, signal), [scope]);
  const row = (layer: Layer, children?: ComponentChildren) => (
    <Row layer={layer} match={matchers[layer]} scope={scope} marks={marks.data ?? []} findings={verdicts.data ? verdicts.data[layer] : null}>{children}</Row>);
  return (
    <div class="overview">
      <Title text={t('Overview')}><Filters places={places.data ?? []} selection={selection} /></Title>
      <Strip />
      {row('app')}
      {row('engine')}
      {row('infra', <div class="cell matrix"><section class="panel" aria-label={t('GPUs')}><header class="panel-head"><h2>{t('GPUs')}</h2></header>
        <div class="panel-body"><GpuMatrix match="" selected={selection.node} select={(node) => setParams({'var-node': node || null})} /></div></section></div>)}
    </div>
  );
}
