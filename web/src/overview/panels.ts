// The charts of the overview, by layer; on canonical names, so whatever engine and exporter there is.
import type {FieldConfig, Panel, PanelOptions, Thresholds} from '../dashboard/types';
import type {Layer} from './verdict';

const steps = (...list: [string, number | null][]): Thresholds => ({mode: 'absolute', steps: list.map(([color, value]) => ({color, value}))});
/** Time to first token: normal to 1.2 s, complaints from 3 s, as good as down at 5 s. */
const kTtft = steps(['green', null], ['yellow', 1.2], ['orange', 3], ['red', 5]);

let nextId = 1;
type Query = readonly [expr: string, legend: string];

function panel(type: string, title: string, w: number, queries: readonly Query[], defaults: FieldConfig, options: PanelOptions = {}): Panel {
  return {
    id: nextId++, type, title, gridPos: {x: 0, y: 0, w, h: 5}, options, fieldConfig: {defaults, overrides: []}, transformations: [],
    targets: queries.map(([expr, legendFormat], i) => ({refId: String.fromCharCode(65 + i), expr, legendFormat})),
  };
}
const kLegend: PanelOptions = {legend: {showLegend: true, displayMode: 'list', placement: 'bottom'}, tooltip: {mode: 'multi', sort: 'desc'}};
const lines = (title: string, w: number, queries: readonly Query[], config: FieldConfig): Panel => panel('timeseries', title, w, queries,
  {min: 0, ...config, custom: {lineWidth: 1.5, showPoints: 'never', ...config.custom}}, queries.length > 1 || queries[0][1].includes('{{') ? kLegend : {legend: {showLegend: false}});
const stat = (title: string, expr: string, config: FieldConfig): Panel => panel('stat', title, 3, [[expr, title]], {color: {mode: 'thresholds'}, thresholds: steps(['blue', null]), ...config},
  {reduceOptions: {calcs: ['lastNotNull']}, graphMode: 'area', colorMode: 'value', textMode: 'value'});

const quantiles = (metric: string, m: string): Query[] => ([[0.5, 'p50'], [0.95, 'p95'], [0.99, 'p99']] as const).map(([q, name]) => (
  [`histogram_quantile(${q}, sum by (le) (rate(${metric}_bucket{${m}}[$__rate_interval])))`, name]));

/** Panels of a layer for its matchers. Their ids are the same each time, so nothing is drawn anew. */
export function panelsOf(layer: Layer, m: string, gpu = m): Panel[] {
  nextId = {app: 100, engine: 200, infra: 300}[layer];
  const rate = (metric: string, more = ''): string => `sum(rate(${metric}{${[more, m].filter(Boolean).join(',')}}[$__rate_interval]))`;
  switch (layer) {
    case 'app': return [
      stat('Requests', rate('app_requests_total'), {unit: 'reqps'}),
      stat('Errors', `${rate('app_requests_total', 'outcome!~"ok|success"')} / ${rate('app_requests_total')} or ${rate('app_requests_total')} * 0`, {unit: 'percentunit', decimals: 2, thresholds: steps(['green', null], ['yellow', 0.01], ['red', 0.05])}),
      stat('Goodput', `${rate('app_slo_requests_total', 'result=~"good|met|ok"')} / ${rate('app_slo_requests_total')}`, {unit: 'percentunit', decimals: 1, thresholds: steps(['red', null], ['yellow', 0.95], ['green', 0.99])}),
      stat('Cost an hour', `${rate('app_cost_usd_total')} * 3600`, {unit: 'currencyUSD', decimals: 2}),
      lines('Time to first token, clients', 4, quantiles('app_time_to_first_token_seconds', m), {unit: 's', thresholds: kTtft, custom: {thresholdsStyle: {mode: 'dashed'}}}),
      lines('Tokens', 4, [[rate('app_input_tokens_total'), 'in'], [rate('app_output_tokens_total'), 'out']], {unit: 'short', custom: {fillOpacity: 8}}),
      lines('Top tenants', 4, [[`topk(5, sum by (tenant_id) (rate(app_output_tokens_total{${m}}[$__rate_interval])))`, '{{tenant_id}}']], {unit: 'short', custom: {stacking: {mode: 'normal'}, fillOpacity: 40}}),
    ];
    case 'engine': return [
      lines('Time to first token', 6, quantiles('llm_time_to_first_token_seconds', m), {unit: 's', thresholds: kTtft, custom: {thresholdsStyle: {mode: 'area'}}}),
      lines('Inter-token latency', 4, quantiles('llm_inter_token_latency_seconds', m), {unit: 's'}),
      lines('Running and waiting', 4, [[`sum(llm_requests_running{${m}})`, 'running'], [`sum(llm_requests_waiting{${m}})`, 'waiting']], {unit: 'short', custom: {fillOpacity: 10}}),
      lines('KV cache', 5, [[`max by (instance) (llm_kv_cache_usage_ratio{${m}})`, '{{instance}}']], {unit: 'percentunit', max: 1, thresholds: steps(['green', null], ['red', 0.95]), custom: {thresholdsStyle: {mode: 'dashed'}}}),
      lines('Preemptions, prefix hits', 5, [[rate('llm_preemptions_total'), 'preemptions a second'], [`${rate('llm_prefix_cache_hits_total')} / ${rate('llm_prefix_cache_queries_total')}`, 'prefix hits']], {unit: 'short'}),
    ];
    case 'infra': return [
      lines('CPU', 4, [[`1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle",${m}}[$__rate_interval]))`.replace(',}', '}'), '{{instance}}']], {unit: 'percentunit', max: 1}),
      lines('Memory', 4, [[`1 - node_memory_MemAvailable_bytes{${m}} / node_memory_MemTotal_bytes{${m}}`, '{{instance}}']], {unit: 'percentunit', max: 1}),
      lines('Network', 4, [[rate('node_network_receive_bytes_total', 'device!~"lo|veth.*|docker.*|br-.*"'), 'in'], [rate('node_network_transmit_bytes_total', 'device!~"lo|veth.*|docker.*|br-.*"'), 'out']], {unit: 'Bps', custom: {fillOpacity: 8}}),
      lines('GPU power', 4, [[`sum(gpu_power_watts{${gpu}})`, 'drawn'], [`sum(gpu_power_limit_watts{${gpu}})`, 'limit']], {unit: 'watt'}),
    ];
  }
}
