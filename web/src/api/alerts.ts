// Alertmanager's API v2: what fires, and silences.
import {getJson, sendJson, type Labels} from './client';

export interface Alert {
  fingerprint: string;
  labels: Labels;
  annotations: Labels;
  startsAt: string;
  endsAt: string;
  generatorURL?: string;
  receivers: {name: string}[];
  status: {state: 'active' | 'suppressed' | 'unprocessed'; silencedBy: string[]; inhibitedBy: string[]};
}
export interface Matcher { name: string; value: string; isRegex: boolean; isEqual: boolean }
export interface Silence {
  id: string;
  matchers: Matcher[];
  startsAt: string;
  endsAt: string;
  createdBy: string;
  comment: string;
  status: {state: 'active' | 'pending' | 'expired'};
}

export const listAlerts = (): Promise<Alert[]> => getJson<Alert[]>('api/v2/alerts');
export const listSilences = (): Promise<Silence[]> => getJson<Silence[]>('api/v2/silences');
export const endSilence = (id: string): Promise<unknown> => sendJson<unknown>('DELETE', `api/v2/silence/${encodeURIComponent(id)}`);
export const makeSilence = (silence: Omit<Silence, 'id' | 'status'>): Promise<{silenceID: string}> =>
  sendJson<{silenceID: string}>('POST', 'api/v2/silences', silence);

/** Whether a silence of these matchers would hit `labels`; a label that is missing is "". */
export function hits(matchers: readonly Matcher[], labels: Labels): boolean {
  return matchers.length > 0 && matchers.every(({name, value, isRegex, isEqual}) => {
    const has = labels[name] ?? '';
    let equal = has === value;
    if (isRegex) {
      try {
        equal = new RegExp(`^(?:${value})$`).test(has);
      } catch {
        return false;
      }
    }
    return equal === isEqual;
  });
}

/** `name="value"`, `name=~"…"`, one a line or parted by commas, as amtool reads them. */
export function parseMatchers(text: string): Matcher[] | undefined {
  const list: Matcher[] = [];
  let rest = text.trim().replace(/^\{|\}$/g, '').trim();
  while (rest) {
    const match = /^([a-zA-Z_][\w.]*)\s*(=~|!~|!=|=)\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))\s*(?:[,\n]\s*|\s+|$)/.exec(rest);
    if (!match) return undefined;
    const value = match[3] === undefined ? match[4] : match[3].replace(/\\(["\\n])/g, (_, c: string) => (c === 'n' ? '\n' : c));
    list.push({name: match[1], value, isRegex: match[2].endsWith('~'), isEqual: !match[2].startsWith('!')});
    rest = rest.slice(match[0].length);
  }
  return list;
}

export const matcherText = ({name, value, isRegex, isEqual}: Matcher): string =>
  `${name}${isEqual ? (isRegex ? '=~' : '=') : (isRegex ? '!~' : '!=')}${JSON.stringify(value)}`;
