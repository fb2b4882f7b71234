// Which model runs on which engine, which engine on which node: what joins the three layers. The
// agent says it (strata_topology_info); where there is none, labels of the series do.
import {vector, type Labels} from '../api/client';

export interface Place { model: string; instance: string; node: string }

const hostOf = (instance: string): string => instance.replace(/:\d+$/, '');

export function placesOf(engines: readonly Labels[], topology: readonly Labels[]): Place[] {
  const nodes = new Map(topology.filter((one) => one.instance && one.node).map((one) => [one.instance, one.node]));
  return engines.map((one) => ({
    model: one.model_name ?? '', instance: one.instance ?? '',
    node: nodes.get(one.instance ?? '') ?? one.node ?? hostOf(one.instance ?? ''),
  }));
}

export async function loadPlaces(time: number, signal?: AbortSignal): Promise<Place[]> {
  const [engines, topology] = await Promise.all([
    vector('group by (model_name, instance, node) (llm_requests_running or llm_engine_info)', time, signal),
    vector('group by (instance, node) (strata_topology_info)', time, signal),
  ]);
  return placesOf(engines.map((one) => one.labels), topology.map((one) => one.labels));
}

export interface Selection { model: string; instance: string; node: string }

const escape = (text: string): string => text.replace(/[\\^$*+?.()|[\]{}]/g, '\\$&').replace(/\\/g, '\\\\').replace(/"/g, '\\"');
const anyOf = (values: readonly string[]): string => [...new Set(values)].map(escape).join('|');

/** Matchers for each layer that leave what belongs to the selection. A layer that is not touched by
    it is shown whole. */
export function matchersOf(selection: Selection, places: readonly Place[]): {app: string; engine: string; infra: string} {
  const {model, instance, node} = selection;
  if (!model && !instance && !node) return {app: '', engine: '', infra: ''};
  const chosen = places.filter((one) => (!model || one.model === model) && (!instance || one.instance === instance) && (!node || one.node === node));
  const models = anyOf(chosen.map((one) => one.model).filter(Boolean));
  const nodes = node ? escape(node) : anyOf(chosen.map((one) => one.node).filter(Boolean));
  const engine = [
    instance ? `instance="${instance.replace(/["\\]/g, '\\$&')}"` : chosen.length ? `instance=~"${anyOf(chosen.map((one) => one.instance))}"` : '',
    model ? `model_name="${model.replace(/["\\]/g, '\\$&')}"` : ''].filter(Boolean).join(',');
  return {app: models ? `model_name=~"${models}"` : '', engine, infra: nodes ? `node=~"${nodes}"` : ''};
}
