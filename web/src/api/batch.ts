// All queries of a page in one streamed request: what components ask for in one turn goes together,
// and each gets its answer as the server's line for it arrives. A query that is asked again for a
// range that moved on gets only what is new, and the rest is kept here (docs/ui.md).
import {ApiError, isAbort, openStream, Unreachable, type Answer, type MatrixSeries, type QueryData} from './client';
import {merged} from './merge';

/** Times in milliseconds; without a step an instant query at `end`. */
export interface Query { query: string; start: number; end: number; step: number }

interface Wanted { query: Query; signal: AbortSignal | undefined; resolve: (answer: Answer<QueryData>) => void; reject: (error: unknown) => void }
interface Line {
  id?: string;
  done?: boolean;
  from?: number;
  token?: string;
  answer?: {status: string; data: QueryData; warnings?: string[]; infos?: string[]; error?: string; errorType?: string};
}
interface Kept { token: string; start: number; until: number; series: MatrixSeries[]; infos: string[]; points: number }

const kMostSeries = 2000;         // of an answer; the server says when it cut
const kMostInRequest = 400;       // queries
const kMostKept = 3_000_000;      // points, of all queries
const kept = new Map<string, Kept>();  // the one used last is last
let keptPoints = 0;

const keyOf = ({query, start, step}: Query): string => `${step}|${start % step}|${query}`;

function forget(key: string): void {
  keptPoints -= kept.get(key)?.points ?? 0;
  kept.delete(key);
}

function keep(key: string, entry: Kept): void {
  forget(key);
  kept.set(key, entry);
  keptPoints += entry.points;
  for (const oldest of kept.keys()) {
    if (keptPoints <= kMostKept) break;
    forget(oldest);
  }
}

/** What is kept for a query, where it reaches back far enough. */
function known(query: Query): Kept | undefined {
  const entry = query.step > 0 ? kept.get(keyOf(query)) : undefined;
  return entry && entry.start <= query.start && entry.until >= query.start ? entry : undefined;
}

function answerOf(query: Query, line: Line, had: Kept | undefined): Answer<QueryData> {
  const {answer} = line;
  if (!answer) throw new Unreachable('a line without an answer');
  if (answer.status !== 'success') throw new ApiError(422, answer.errorType ?? 'unknown', answer.error ?? 'no reason given');
  const {data, warnings = []} = answer;
  const partly = had && line.from !== undefined && line.from > query.start ? had : undefined;
  const infos = [...new Set([...partly?.infos ?? [], ...answer.infos ?? []])];
  if (query.step <= 0 || data.resultType !== 'matrix' || line.from === undefined) return {data, warnings, infos};
  if (partly) data.result = merged(partly.series, data.result, query.start, line.from);
  const points = data.result.reduce((sum, one) => sum + (one.values?.length ?? 0) + (one.histograms?.length ?? 0) * 20, data.result.length);
  // What was cut is not all that there is: the next answer is to be a whole one.
  if (line.token && !warnings.length && points < kMostKept / 4) keep(keyOf(query), {token: line.token, start: query.start, until: query.end, series: data.result, infos, points});
  else forget(keyOf(query));
  return {data, warnings, infos};
}

/** Calls `take` with each line of the body. */
async function readLines(response: Response, take: (line: Line) => void): Promise<void> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (!reader) throw new Unreachable('an answer without a body');
  let parts: string[] = [];
  for (;;) {
    const {done, value} = await reader.read();
    if (done) return;
    const pieces = value.split('\n');
    for (const piece of pieces.slice(0, -1)) {
      parts.push(piece);
      take(JSON.parse(parts.join('')) as Line);
      parts = [];
    }
    parts.push(pieces[pieces.length - 1]);
  }
}

async function send(wanted: readonly Wanted[]): Promise<void> {
  const abort = new AbortController();
  const open = new Map<string, {members: Wanted[]; had: Kept | undefined}>();
  for (const one of wanted) {
    const id = JSON.stringify(one.query);  // who asks the same shares the answer
    const same = open.get(id);
    if (same) same.members.push(one);
    else open.set(id, {members: [one], had: known(one.query)});
  }
  const given = (): void => {
    if (open.size && [...open.values()].every(({members}) => members.every(({signal}) => signal?.aborted))) abort.abort();
  };
  for (const {signal} of wanted) signal?.addEventListener('abort', given);
  const queries = [...open].map(([id, {members: [{query}], had}]) => ({
    id, query: query.query, end: query.end, limit: kMostSeries,
    ...(query.step > 0 ? {start: query.start, step: query.step} : {}), ...(had ? {token: had.token, until: had.until} : {}),
  }));
  try {
    const response = await openStream('api/v1/query_batch', {queries}, abort.signal);
    await readLines(response, (line) => {
      const one = open.get(line.id ?? '');
      if (!one) return;
      open.delete(line.id ?? '');
      try {
        const answer = answerOf(one.members[0].query, line, one.had);
        for (const {resolve} of one.members) resolve(answer);
      } catch (error) {
        for (const {reject} of one.members) reject(error);
      }
    });
    throw new Unreachable('the answer was cut');
  } catch (error) {
    const reason = isAbort(error) || error instanceof ApiError || error instanceof Unreachable ? error : new Unreachable('the answer was cut');
    for (const {members} of open.values()) for (const {reject} of members) reject(reason);
  } finally {
    for (const {signal} of wanted) signal?.removeEventListener('abort', given);
  }
}

let gathering: Wanted[] | undefined;

/** Asked together with whatever else is asked for in this turn. */
export function ask(query: Query, signal?: AbortSignal): Promise<Answer<QueryData>> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    if (!gathering) {
      gathering = [];
      setTimeout(() => {
        const all = (gathering ?? []).filter((one) => !one.signal?.aborted || (one.reject(one.signal.reason), false));
        gathering = undefined;
        for (let i = 0; i < all.length; i += kMostInRequest) void send(all.slice(i, i + kMostInRequest));
      });
    }
    gathering.push({query, signal, resolve, reject});
  });
}
