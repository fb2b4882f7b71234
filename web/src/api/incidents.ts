// Incidents and who is on call: docs/oncall.md.
import {ApiError, get, post, sendJson, type Answer} from './client';

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
export interface Schedule { name: string; timeZone: string; now: Shift | null; next: Shift | null; slots?: Shift[] }
export interface Policy { priority: string; steps: {after: string; text: string}[] }
export interface Oncall { configured: boolean; schedules: Schedule[]; people: {name: string; channels: {kind: string; receiver: string}[]}[]; policies: Policy[] }
export interface Override { id: number; schedule: string; person: string; start: string; end: string; by: string }
export interface Heartbeat { name: string; timeout: string; last: string | null; missing: boolean }

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

/** With who has it for the next `days`. */
export const loadCalendar = (days: number, signal?: AbortSignal): Promise<Oncall | undefined> => orNone(get<Oncall>('oncall', {ahead: `${days}d`}, signal));
export const listOverrides = async (signal?: AbortSignal): Promise<Override[]> => (await orNone(get<Override[]>('oncall/overrides', {}, signal))) ?? [];
export const addOverride = (override: {schedule: string; person: string; start: string; end: string}, actor: string): Promise<unknown> => post('oncall/overrides', {...override, actor});
export const removeOverride = (id: number, actor: string): Promise<unknown> => sendJson('DELETE', `api/v1/oncall/overrides/${id}?${new URLSearchParams({actor}).toString()}`);
export const listHeartbeats = async (signal?: AbortSignal): Promise<Heartbeat[]> => (await orNone(get<Heartbeat[]>('heartbeats', {}, signal))) ?? [];
/** Calls people as an incident of that priority would, and says so. */
export const beginDrill = async (priority: string, actor: string): Promise<Incident> => (await post<Incident>('alerts/drill', {priority, actor})).data;

export type Act = 'acknowledge' | 'unacknowledge' | 'resolve' | 'escalate' | 'note' | 'assign';
export const act = async (id: number, what: Act, actor: string, parameters: Record<string, string> = {}): Promise<Incident> =>
  (await post<Incident>(`incidents/${id}/${what}`, {actor, ...parameters})).data;
