// Which layer broke, in a sentence: a few questions to each, and the worst answer.
import {type Labels} from '../api/client';
import {vector} from '../api/query';
import type {Matchers} from './topology';
import {showNumber} from '../units/units';

export type Layer = 'app' | 'engine' | 'infra';
export type Level = 0 | 1 | 2;  // well, strained, broken
export interface Finding { level: Level; text: string }
/** Worst first; what is well (`facts`) in the order of the checks. */
export interface Verdict { findings: Finding[]; facts: string[] }

interface Check { layer: Layer; gpu?: true; expr: (match: string) => string; warn: number; bad: number; unit: string; name: string; low?: boolean }

const kChecks: readonly Check[] = [
  {layer: 'app', name: 'errors', unit: 'percentunit', warn: 0.01, bad: 0.05,
    expr: (m) => `sum(rate(app_requests_total{outcome!~"ok|success",${m}}[5m])) / sum(rate(app_requests_total{${m}}[5m]))`},
  {layer: 'app', name: 'TTFT p99 for clients', unit: 's', warn: 1.2, bad: 3, expr: (m) => `histogram_quantile(0.99, sum by (le) (rate(app_time_to_first_token_seconds_bucket{${m}}[5m])))`},
  {layer: 'app', name: 'upstreams down', unit: 'none', warn: 1, bad: 1, expr: (m) => `count by (upstream) (app_upstream_up{${m.includes('model') ? '' : m}} == 0)`},
  {layer: 'engine', name: 'TTFT p99', unit: 's', warn: 1.2, bad: 3, expr: (m) => `histogram_quantile(0.99, sum by (le, model_name) (rate(llm_time_to_first_token_seconds_bucket{${m}}[5m])))`},
  {layer: 'engine', name: 'inter-token p99', unit: 's', warn: 0.1, bad: 0.3, expr: (m) => `histogram_quantile(0.99, sum by (le, model_name) (rate(llm_inter_token_latency_seconds_bucket{${m}}[5m])))`},
  {layer: 'engine', name: 'requests waiting', unit: 'none', warn: 10, bad: 50, expr: (m) => `topk(1, sum by (instance) (llm_requests_waiting{${m}}))`},
  {layer: 'engine', name: 'KV cache', unit: 'percentunit', warn: 0.9, bad: 0.98, expr: (m) => `topk(1, max by (instance) (llm_kv_cache_usage_ratio{${m}}))`},
  {layer: 'engine', name: 'engines that do not answer', unit: 'none', warn: 1, bad: 1,
    expr: (m) => `count(up{${m.replace(/,?model_name[^,]*/, '')}} == 0 and on (job) group by (job) (llm_requests_running))`},
  {layer: 'infra', gpu: true, name: 'GPUs with Xid errors', unit: 'none', warn: 1, bad: 1, expr: (m) => `count(sum by (node, gpu) (increase(gpu_xid_errors_total{${m}}[15m])) > 0)`},
  {layer: 'infra', gpu: true, name: 'GPUs with uncorrectable ECC errors', unit: 'none', warn: 1, bad: 1, expr: (m) => `count(sum by (node, gpu) (increase(gpu_ecc_errors_total{kind="uncorrectable",memory="volatile",${m}}[15m])) > 0)`},
  {layer: 'infra', gpu: true, name: 'hottest GPU', unit: 'celsius', warn: 84, bad: 90, expr: (m) => `topk(1, max by (node, gpu) (gpu_temperature_celsius{${m}}))`},
  {layer: 'infra', gpu: true, name: 'GPUs throttled by heat or power', unit: 'none', warn: 1, bad: 1e9, expr: (m) => `count(max by (node, gpu) (gpu_throttle_reason{reason=~".*(thermal|power|slowdown).*",${m}}) > 0)`},
  {layer: 'infra', name: 'memory of a host', unit: 'percentunit', warn: 0.92, bad: 0.98, expr: (m) => `topk(1, 1 - node_memory_MemAvailable_bytes{${m}} / node_memory_MemTotal_bytes{${m}})`},
  {layer: 'infra', name: 'fullest disk', unit: 'percentunit', warn: 0.9, bad: 0.97, expr: (m) => `topk(1, 1 - node_filesystem_avail_bytes{fstype!~"tmpfs|overlay|squashfs|ramfs|devtmpfs",${m}} / node_filesystem_size_bytes{fstype!~"tmpfs|overlay|squashfs|ramfs|devtmpfs",${m}})`},
];

const kWhere = ['model_name', 'upstream', 'node', 'instance', 'gpu', 'mountpoint'];
export const whereText = (labels: Labels): string => {
  const names = kWhere.filter((name) => labels[name] && !(name === 'instance' && labels.node));
  return names.length ? ` (${names.map((name) => (name === 'gpu' ? `gpu ${labels.gpu}` : labels[name])).join(' ')})` : '';
};

/** What is to be said of each layer; undefined where there is nothing to judge by. */
export async function judge(matchers: Matchers, time: number, signal?: AbortSignal): Promise<Record<Layer, Verdict | undefined>> {
  const answers = await Promise.all(kChecks.map(async (check) => {
    const expr = check.expr(matchers[check.gpu ? 'gpu' : check.layer]).replace(/,}/g, '}').replace(/{,/g, '{');
    return {check, samples: await vector(expr, time, signal).catch(() => [])};
  }));
  const verdicts: Record<Layer, Verdict | undefined> = {app: undefined, engine: undefined, infra: undefined};
  for (const {check, samples} of answers) {
    for (const {labels, value} of samples) {
      if (Number.isNaN(value)) continue;
      const verdict = verdicts[check.layer] ??= {findings: [], facts: []};
      const level: Level = value >= check.bad ? 2 : value >= check.warn ? 1 : 0;
      const text = `${check.name} ${showNumber(value, check.unit, check.unit === 'percentunit' ? 1 : undefined)}`;
      if (level > 0) verdict.findings.push({level, text: text + whereText(labels)});
      else if (check.unit !== 'none' && !verdict.facts.includes(text)) verdict.facts.push(text);
    }
  }
  for (const verdict of Object.values(verdicts)) verdict?.findings.sort((a, b) => b.level - a.level);
  return verdicts;
}
