// Times for people. `zone` is "" for the browser's own, else an IANA name.
import {serverNow} from './now';

const kFormats = new Map<string, Intl.DateTimeFormat>();

function format(zone: string, options: Intl.DateTimeFormatOptions, key: string): Intl.DateTimeFormat {
  const id = `${zone}|${key}`;
  let found = kFormats.get(id);
  if (!found) {
    found = new Intl.DateTimeFormat('sv-SE', {...options, timeZone: zone || undefined});
    kFormats.set(id, found);
  }
  return found;
}

/** 2026-11-24 15:04:05 */
export function dateTime(ms: number, zone = ''): string {
  return format(zone, {
    year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit',
  }, 'full').format(ms);
}

/** 15:04:05 */
export function clock(ms: number, zone = ''): string {
  return format(zone, {hour: '2-digit', minute: '2-digit', second: '2-digit'}, 'clock').format(ms);
}

/** Labels of an axis over `span`: with the day only where it matters. */
export function axisTime(ms: number, step: number, zone = ''): string {
  if (step >= 86_400_000) return format(zone, {month: '2-digit', day: '2-digit'}, 'day').format(ms);
  const hour = format(zone, {hour: '2-digit', minute: '2-digit'}, 'minute').format(ms);
  if (hour === '00:00') return format(zone, {month: '2-digit', day: '2-digit'}, 'day').format(ms);
  return step < 60_000 ? clock(ms, zone) : hour;
}

/** "3 min": the two largest units of a span in milliseconds, rounded down. */
export function span(ms: number): string {
  const seconds = Math.floor(Math.abs(ms) / 1000);
  if (seconds < 1) return `${Math.round(Math.abs(ms))}ms`;
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 && minutes < 10 ? `${minutes}m ${seconds % 60}s` : `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 ? `${hours}h ${minutes % 60}m` : `${hours}h`;
  const days = Math.floor(hours / 24);
  return hours % 24 && days < 10 ? `${days}d ${hours % 24}h` : `${days}d`;
}

export const ago = (at: number, now = serverNow()): string => `${span(now - at)} ago`;
