// Dashboards that the server keeps: those in the binary, of the provisioning folder, and saved ones.
import {getJson, sendJson} from './client';

export interface DashboardEntry {
  uid: string;
  title: string;
  tags: string[];
  source: 'built-in' | 'file' | 'saved';
  version: number;
}

export const listDashboards = (): Promise<DashboardEntry[]> => getJson<DashboardEntry[]>('api/search?type=dash-db');

/** As Grafana's API answers: the dashboard with what is known about it. */
export interface StoredDashboard { dashboard: unknown; meta: {provisioned: boolean; version: number; source: string} }
/** `version` 0 is the latest. */
export const loadDashboard = (uid: string, version = 0): Promise<StoredDashboard> =>
  getJson<StoredDashboard>(`api/dashboards/uid/${encodeURIComponent(uid)}${version ? `?version=${version}` : ''}`);

export interface Saved { uid: string; version: number; status: string }
export const saveDashboard = (dashboard: unknown, message: string, overwrite: boolean): Promise<Saved> =>
  sendJson<Saved>('POST', 'api/dashboards/db', {dashboard, message, overwrite});

export interface DashboardVersion { version: number; created: string; createdBy: string; message: string }
export const dashboardVersions = (uid: string): Promise<DashboardVersion[]> =>
  getJson<DashboardVersion[]>(`api/dashboards/uid/${encodeURIComponent(uid)}/versions`);
export const deleteDashboard = (uid: string): Promise<unknown> =>
  sendJson<unknown>('DELETE', `api/dashboards/uid/${encodeURIComponent(uid)}`);
