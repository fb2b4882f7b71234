// What somebody or something noted: Grafana's annotations API.
import {getJson, sendJson} from './client';

export interface Annotation { id: number; dashboardUID: string; panelId: number; login: string; time: number; timeEnd: number; text: string; tags: string[] }

/** Those that touch the range, of all dashboards and of `uid`. */
export const listAnnotations = (from: number, to: number, uid: string): Promise<Annotation[]> =>
  getJson<Annotation[]>(`api/annotations?${new URLSearchParams({from: String(from), to: String(to), limit: '200', ...(uid ? {dashboardUID: uid} : {dashboardUID: '-'})}).toString()}`);

export interface Note { text: string; tags: string[]; time: number; timeEnd?: number; dashboardUID?: string }
export const addAnnotation = (note: Note): Promise<{id: number}> => sendJson<{id: number}>('POST', 'api/annotations', note);
export const removeAnnotation = (id: number): Promise<unknown> => sendJson<unknown>('DELETE', `api/annotations/${id}`);
