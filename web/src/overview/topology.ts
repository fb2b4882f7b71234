// Which model runs on which engine, which engine on which node and GPUs: what joins the three
// layers. The agent says it (strata_topology_info); where there is none, labels of the series do.
import {type Labels} from '../api/client';
import {vector} from '../api/query';

export interface Place { model: string; instance: string; node: string; gpus: readonly string[] }
export interface Topology { places: Place[]; gpus: ReadonlyMap<string, Labels> }  // by their uuid

const hostOf = (instance: string): string => instance.replace(/:\d+$/, '');

export function placesOf(engines: readonly Labels[], topology: readonly Labels[]): Place[] {
  const known = new Map<string, {node: string; gpus: string[]}>();
  for (const {instance, node = '', uuid} of topology) {
    if (!instance) continue;
    const one = known.get(instance) ?? {node, gpus: []};
    if (uuid) one.gpus.push(uuid);
    known.set(instance, one);
  }
  return engines.map(({model_name: model = '', instance = '', node}) => ({
    model, instance, node: known.get(instance)?.node || node || hostOf(instance), gpus: known.get(instance)?.gpus ?? [],
  }));
}

export async function loadTopology(time: number, signal?: AbortSignal): Promise<Topology> {
  const [engines, topology, gpus] = await Promise.all([
    vector('group by (model_name, instance, node) (llm_requests_running or llm_engine_info)', time, signal),
    vector('group by (instance, node, uuid) (strata_topology_info)', time, signal),
    vector('group by (node, instance, gpu, uuid) (gpu_utilization_ratio)', time, signal),
  ]);
  return {
    places: placesOf(engines.map((one) => one.labels), topology.map((one) => one.labels)),
    gpus: new Map(gpus.filter((one) => one.labels.uuid).map((one) => [one.labels.uuid, one.labels])),
  };
}

/** `gpu` is a uuid. "" is all. */
export interface Selection { model: string; instance: string; node: string; gpu: string }
export interface Matchers { app: string; engine: string; infra: string; gpu: string }

const escape = (text: string): string => text.replace(/[\\^$*+?.()|[\]{}]/g, '\\$&').replace(/\\/g, '\\\\').replace(/"/g, '\\"');
const anyOf = (values: readonly string[]): string => [...new Set(values.filter(Boolean))].map(escape).join('|');
const matcher = (label: string, values: readonly string[]): string => (anyOf(values) ? `${label}=~"${anyOf(values)}"` : '');

/** Matchers for each layer that leave what belongs to the selection; `infra` those of hosts, `gpu`
    those of GPUs. A layer of which nothing is known to belong to it is shown whole. */
export function matchersOf(selection: Selection, {places, gpus}: Topology): Matchers {
  const {model, instance, node, gpu} = selection;
  if (!model && !instance && !node && !gpu) return {app: '', engine: '', infra: '', gpu: ''};
  const own = gpus.get(gpu);
  const host = node || (own ? own.node || hostOf(own.instance ?? '') : '');
  const users = gpu && places.some((one) => one.gpus.includes(gpu));  // whether somebody said who uses it
  const chosen = places.filter((one) => (!model || one.model === model) && (!instance || one.instance === instance)
    && (!host || one.node === host) && (!users || one.gpus.includes(gpu)));
  const nodes = host ? [host] : chosen.map((one) => one.node);
  const infra = matcher('node', nodes);
  const cards = gpu ? [gpu] : model || instance ? chosen.flatMap((one) => one.gpus) : [];
  return {
    app: matcher('model_name', chosen.map((one) => one.model)),
    engine: [matcher('instance', instance ? [instance] : chosen.map((one) => one.instance)), model && matcher('model_name', [model])].filter(Boolean).join(','),
    infra, gpu: matcher('uuid', cards) || infra,
  };
}
