// Inference engines that are being scraped, one line each. Until the catalog gives every engine's
// series one name, this table knows how the common ones spell theirs.
import {vector} from './api.js';
import {$, h, table} from './dom.js';
import {duration, units} from './format.js';

const kRunning = {
  vLLM: 'vllm:num_requests_running', SGLang: 'sglang:num_running_reqs', TGI: 'tgi_batch_current_size',
  'llama.cpp': 'llamacpp:requests_processing', LMDeploy: 'lmdeploy:num_requests_running', 'TensorRT-LLM': 'trtllm_num_requests_running',
};
const kWaiting = ['vllm:num_requests_waiting', 'sglang:num_queue_reqs', 'tgi_queue_size', 'llamacpp:requests_deferred',
  'lmdeploy:num_requests_waiting', 'trtllm_num_requests_waiting'];
const kCache = ['vllm:kv_cache_usage_perc', 'vllm:gpu_cache_usage_perc', 'sglang:token_usage', 'lmdeploy:gpu_cache_usage_perc', 'trtllm_kv_cache_utilization'];
const kGenerated = ['vllm:generation_tokens_total', 'sglang:generation_tokens_total', 'tgi_request_generated_tokens_sum',
  'llamacpp:tokens_predicted_total', 'lmdeploy:generation_tokens_total', 'trtllm_generation_tokens_total'];
const kFirstToken = ['vllm', 'sglang', 'lmdeploy'].map((p) => `${p}:time_to_first_token_seconds_bucket`).concat('trtllm_time_to_first_token_seconds_bucket');

const named = (names, more = '') => `{__name__=~"${names.join('|')}"${more}}`;
// SGLang repeats its gauges for every tensor-parallel rank.
const kOneRank = ', tp_rank=~"0|"';
const kBy = 'by (job, instance)';

export async function refresh() {
  const running = await vector(`sum by (__name__, job, instance, model_name) (${named(Object.values(kRunning), kOneRank)})`);
  const up = running.length ? await vector('up') : [];
  $('engines').hidden = $('engines-link').hidden = running.length === 0;
  if (!running.length) return;
  const [waiting, cache, generated, firstToken] = await Promise.all([
    vector(`sum ${kBy} (${named(kWaiting, kOneRank)})`),
    vector(`max ${kBy} (${named(kCache)})`),
    vector(`sum ${kBy} (rate(${named(kGenerated)}[1m]))`),
    vector(`histogram_quantile(0.95, sum by (job, instance, le) (rate(${named(kFirstToken)}[5m])))`),
  ]);
  const of = (list, {job, instance}) => list.find((s) => s.labels.job === job && s.labels.instance === instance)?.value;
  const show = (value, text) => (value === undefined ? '–' : text(value));
  const rows = running.map(({labels, value}) => {
    const isUp = of(up, labels) === 1;
    const kind = Object.entries(kRunning).find(([, name]) => name === labels.__name__)?.[0];
    return {
      class: isUp ? '' : 'down',
      cells: [state(isUp), kind, labels.model_name, h('code', {}, labels.instance), show(value, units.plain.text),
        show(of(waiting, labels), units.plain.text), show(of(cache, labels), units.share.text),
        show(of(generated, labels), (v) => `${units.plain.text(v)}/s`), show(of(firstToken, labels), duration)],
    };
  });
  const number = true;
  $('engines-table').replaceChildren(table([{title: 'State', nowrap: true}, {title: 'Engine', nowrap: true}, {title: 'Model'}, {title: 'Instance'},
    {title: 'Running', number}, {title: 'Waiting', number}, {title: 'KV cache', number}, {title: 'Tokens out', number},
    {title: 'First token, p95', number}], rows));
}

function state(isUp) {
  return isUp ? h('span.state.up', {}, '● up') : h('span.state.down', {}, '▲ down');
}
