// What requests cost: by tenant, by model, by hour. From the gateway's counters; the ledger's exact
// sums are `strata cost report`'s.
import {useEffect, useMemo} from 'preact/hooks';
import {get} from '../api/client';
import {freeze} from '../charts/cursor';
import type {Scope} from '../dashboard/interpolate';
import type {FieldConfig, Panel, PanelOptions, Target} from '../dashboard/types';
import {PanelBox} from '../panels/panel';
import {defaults, timeRange} from '../shell/clock';
import {useKeys} from '../shell/keyboard';
import {useLoad} from '../shell/load';
import {href, param, setParams} from '../shell/location';
import {Failed} from '../shell/parts';
import {Picker} from '../shell/picker';
import {Title} from '../shell/title';
import {t} from '../shell/words';
import {formatDuration, stepFor} from '../time/range';

const kHour = 3_600_000;

interface Spec { id: number; type: string; title: string; targets: Target[]; defaults?: FieldConfig; overrides?: Panel['fieldConfig']['overrides']; options?: PanelOptions; transformations?: Panel['transformations']; interval?: string }

const panelOf = ({id, type, title, targets, defaults: config = {}, overrides = [], options = {}, transformations = [], interval}: Spec): Panel => ({
  id, type, title, targets, options, transformations, interval, gridPos: {x: 0, y: 0, w: 12, h: 8}, fieldConfig: {defaults: config, overrides}});

const over = (metric: string, m: string): string => `increase(${metric}{${m}}[$__range])`;
const stat = (id: number, title: string, expr: string, config: FieldConfig): Panel => panelOf({
  id, type: 'stat', title, targets: [{refId: 'A', expr, instant: true}], defaults: {color: {mode: 'fixed', fixedColor: 'text'}, ...config}, options: {reduceOptions: {calcs: ['lastNotNull']}, graphMode: 'none', textMode: 'value'}});

function numbers(m: string): Panel[] {
  const cost = `sum(${over('app_cost_usd_total', m)})`, output = `sum(${over('app_output_tokens_total', m)})`;
  return [
    stat(1, t('Cost of the range'), cost, {unit: 'currencyUSD', decimals: 2}),
    stat(2, t('An hour, now'), `sum(rate(app_cost_usd_total{${m}}[5m])) * 3600`, {unit: 'currencyUSD', decimals: 2}),
    stat(3, t('A month at this pace'), `sum(rate(app_cost_usd_total{${m}}[1h])) * 86400 * 30`, {unit: 'currencyUSD'}),
    stat(4, t('A million output tokens'), `${cost} / ${output} * 1e6`, {unit: 'currencyUSD', decimals: 3}),
    stat(5, t('A thousand requests'), `${cost} / sum(${over('app_requests_total', m)}) * 1e3`, {unit: 'currencyUSD', decimals: 3}),
    stat(6, t('Input from a cache'), `sum(${over('app_cached_input_tokens_total', m)}) / sum(${over('app_input_tokens_total', m)})`, {unit: 'percentunit', decimals: 1}),
  ];
}

/** How long a bar stands for: an hour of a day; less of less, and more of more. */
function barOf(span: number): number {
  return span > 10 * kHour ? Math.ceil(span / kHour / 48) * kHour : stepFor(span, 24, 60_000);
}

function bars(id: number, by: string, title: string, m: string, length: number): Panel {
  const bar = formatDuration(length);
  return panelOf({
    id, type: 'timeseries', title, interval: bar,
    targets: [{refId: 'A', expr: `topk(12, sum by (${by}) (increase(app_cost_usd_total{${m}}[${bar}])))`, legendFormat: `{{${by}}}`, interval: bar}],
    defaults: {unit: 'currencyUSD', min: 0, custom: {drawStyle: 'bars', fillOpacity: 80, lineWidth: 0, stacking: {mode: 'normal'}, showPoints: 'never'}},
    options: {legend: {showLegend: true, displayMode: 'table', placement: 'right', calcs: ['sum']}, tooltip: {mode: 'multi', sort: 'desc'}},
  });
}

function sums(id: number, by: string, title: string, m: string): Panel {
  const column = (refId: string, metric: string): Target => ({refId, expr: `sum by (${by}) (${over(metric, m)})`, format: 'table', instant: true});
  const named = (name: string, unit: string, more: {id: string; value: unknown}[] = []) => ({matcher: {id: 'byName', options: name}, properties: [{id: 'unit', value: unit}, ...more]});
  const names = {'Value #A': t('Cost'), 'Value #B': t('Requests'), 'Value #C': t('Input tokens'), 'Value #D': t('Output tokens'), [by]: title};
  return panelOf({
    id, type: 'table', title,
    targets: [column('A', 'app_cost_usd_total'), column('B', 'app_requests_total'), column('C', 'app_input_tokens_total'), column('D', 'app_output_tokens_total')],
    transformations: [{id: 'merge', options: {}}, {id: 'organize', options: {excludeByName: {Time: true}, indexByName: {[by]: 0, 'Value #A': 1, 'Value #B': 2, 'Value #C': 3, 'Value #D': 4}, renameByName: names}}],
    defaults: {decimals: 2}, overrides: [named(t('Cost'), 'currencyUSD', [{id: 'custom.cellOptions', value: {type: 'gauge'}}]), named(t('Requests'), 'short'), named(t('Input tokens'), 'short'), named(t('Output tokens'), 'short')],
    options: {sortBy: [{displayName: t('Cost'), desc: true}], footer: {show: true, reducer: ['sum']}},
  });
}

const kLabels = [['tenant_id', 'Tenant'], ['model_name', 'Model']] as const;

function Filters() {
  const {from, to} = timeRange.value;
  const {data} = useLoad((signal) => Promise.all(kLabels.map(async ([label]) => (
    (await get<string[]>(`label/${label}/values`, {'match[]': 'app_cost_usd_total', start: from / 1000, end: to / 1000}, signal)).data))), [Math.round(from / 600_000)]);
  return <>{kLabels.map(([label, name], i) => (
    <div class="variable"><span>{t(name)}</span><Picker label={t(name)} multi={false} all="" chosen={[param(`var-${label}`)]} options={[{text: t('All'), value: ''}, ...(data?.[i] ?? []).map((value) => ({text: value, value}))]}
      choose={([value]) => setParams({[`var-${label}`]: value || null})} /></div>))}</>;
}

export default function CostPage() {
  useEffect(() => { defaults.value = {range: {from: 'now-24h', to: 'now'}, refresh: '1m'}; }, []);
  useKeys({f: freeze});
  const range = timeRange.value;
  const scope = useMemo<Scope>(() => ({variables: new Map(), range}), [range.from, range.to]);
  const m = kLabels.map(([label]) => (param(`var-${label}`) ? `${label}=${JSON.stringify(param(`var-${label}`))}` : '')).filter(Boolean).join(',');
  const bar = barOf(range.to - range.from);
  // The bar that is still growing ends after now.
  const barred = useMemo<Scope>(() => ({variables: new Map(), range: {from: Math.floor(range.from / bar) * bar + bar, to: Math.ceil(range.to / bar) * bar}}), [range.from, range.to, bar]);
  const language = t('Cost');
  const panels = useMemo(() => ({
    numbers: numbers(m),
    charts: [bars(10, 'tenant_id', t('By tenant, {0} a bar', formatDuration(bar)), m, bar), bars(11, 'model_name', t('By model, {0} a bar', formatDuration(bar)), m, bar)],
    tables: [sums(20, 'tenant_id', t('Tenant'), m), sums(21, 'model_name', t('Model'), m)],
  }), [m, bar, language]);
  const known = useLoad(async (signal) => (await get<string[]>('label/__name__/values', {'match[]': 'app_cost_usd_total', start: range.from / 1000, end: range.to / 1000}, signal)).data.length > 0, [Math.round(range.from / 60_000)]);
  const box = (panel: Panel) => <div key={panel.id} class="cost-cell"><PanelBox panel={panel} scope={panel.type === 'timeseries' ? barred : scope} /></div>;
  return (
    <>
      <Title text={t('Cost')}><Filters /></Title>
      <Failed error={known.error} />
      {known.data === false && <p class="empty">{t('Nothing has a price yet: put strata gateway before the engines and name prices (docs/cost.md).')} <a href={href('d/strata-business')}>{t('Business')}</a></p>}
      {known.data && <>
        <div class="cost-row numbers">{panels.numbers.map(box)}</div>
        <div class="cost-row charts">{panels.charts.map(box)}</div>
        <div class="cost-row tables">{panels.tables.map(box)}</div>
        <p class="quiet small">{t('From counters that are scraped: a gateway that was away for a while is seen as it was before and after. To the cent: strata cost report, from the ledger.')}</p></>}
    </>
  );
}
