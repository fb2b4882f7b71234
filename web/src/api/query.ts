// PromQL: every query of the page goes through here, and on with the others of its turn.
import {serverNow} from '../time/now';
import {ask} from './batch';
import {sampleNumber, type Answer, type Labels, type QueryData} from './client';

export function instantQuery(query: string, time: number, signal?: AbortSignal): Promise<Answer<QueryData>> {
  return ask({query, start: 0, end: Math.round(time), step: 0}, signal);
}

/** Times and step in milliseconds. */
export function rangeQuery(query: string, start: number, end: number, step: number,
  signal?: AbortSignal): Promise<Answer<QueryData>> {
  return ask({query, start: Math.round(start), end: Math.round(end), step: Math.round(step)}, signal);
}

/** The instant vector of an expression as numbers; a scalar is one sample without labels. */
export async function vector(query: string, time = serverNow(), signal?: AbortSignal):
  Promise<{labels: Labels; value: number}[]> {
  const {data} = await instantQuery(query, time, signal);
  if (data.resultType === 'vector') {
    return data.result.flatMap((sample) =>
      sample.value ? [{labels: sample.metric, value: sampleNumber(sample.value[1])}] : []);
  }
  if (data.resultType === 'scalar') return [{labels: {}, value: sampleNumber(data.result[1])}];
  return [];
}
