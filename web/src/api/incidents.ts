// Incidents and who is on call: docs/oncall.md.
import {ApiError, get, post, type Answer} from './client';

export interface TimelineEntry { id: number; at: string; actor: string; action: string; detail: string }
export interface Page { id: number; person: string; receiver: string; kind: string; at: string; status: string; why: string; attempts: number; detail: string }
export interface Incident {
  id: number;
  title: string;
  alertname: string;
  place: {label: string; value: string} | null;
  priority: 'P0' | 'P1' | 'P2' | 'P3';
  status: 'open' | 'acknowledged' | 'resolved';
  suppressed: boolean;
  drill: boolean;
  openedAt: string;
  acknowledgedAt: string | null;
  acknowledgedBy: string | null;
  acknowledgedUntil: string | null;
  resolvedAt: string | null;
  resolvedBy: string | null;
  owner: string | null;
  alertCount: number;
  firingCount: number;
  nextStep: {at: string; text: string} | null;
  alerts?: {fingerprint: string; labels: Record<string, string>; annotations: Record<string, string>; startsAt: string; endedAt: string | null}[];
  pages?: Page[];
  timeline?: TimelineEntry[];
}
export interface IncidentList { incidents: Incident[]; counts: Record<string, number> }
export interface Shift { person: string | null; since: string; until: string; from: string }
export interface Oncall { configured: boolean; schedules: {name: string; timeZone: string; now: Shift | null; next: Shift | null}[]; people: unknown[] }

/** Undefined where the server has no incidents: a build or a process without on-call. */
async function orNone<T>(answer: Promise<Answer<T>>): Promise<T | undefined> {
  try {
    return (await answer).data;
  } catch (error) {
    if (error instanceof ApiError && [404, 501, 503].includes(error.status)) return undefined;
    throw error;
  }
}

export const listIncidents = (status: readonly string[], signal?: AbortSignal): Promise<IncidentList | undefined> =>
  orNone(get<IncidentList>('incidents', {status, limit: 500}, signal));
export const loadIncident = async (id: string, signal?: AbortSignal): Promise<Incident> => (await get<Incident>(`incidents/${encodeURIComponent(id)}`, {}, signal)).data;
export const loadOncall = (signal?: AbortSignal): Promise<Oncall | undefined> => orNone(get<Oncall>('oncall', {}, signal));

export type Act = 'acknowledge' | 'unacknowledge' | 'resolve' | 'escalate' | 'note' | 'assign';
export const act = async (id: number, what: Act, actor: string, parameters: Record<string, string> = {}): Promise<Incident> =>
  (await post<Incident>(`incidents/${id}/${what}`, {actor, ...parameters})).data;
