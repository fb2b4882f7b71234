// A screen on the wall: ?kiosk=tv, with &rotate=overview,UID,… &every=30s to show boards in turn. While
// somebody is needed at once (an open P0) it stays on the overview and says so.
import {useEffect, useState} from 'preact/hooks';
import {listIncidents} from '../api/incidents';
import {ago} from '../time/format';
import {parseDuration} from '../time/range';
import {tick} from './clock';
import {useKeys} from './keyboard';
import {useLoad} from './load';
import {navigate, param, path, place} from './location';
import {t} from './words';

const kLeast = 5_000;
const kMinute = 60_000;

/** Where `uid` of a rotation is shown. */
const pathOf = (uid: string): string => (uid === 'overview' || uid === 'cost' ? uid : `d/${uid}`);

/** The next of the rotation, behind where the screen is. */
export function nextBoard(boards: readonly string[], where: string): string | undefined {
  if (!boards.length) return undefined;
  const at = boards.findIndex((uid) => where === `/${pathOf(uid)}` || where.startsWith(`/${pathOf(uid)}/`) || (uid === 'overview' && where === '/'));
  return boards[(at + 1) % boards.length];
}

/** The parameters that every board of a rotation has; variables and times are each board's own. */
function kept(): Record<string, string> {
  return Object.fromEntries(['kiosk', 'rotate', 'every', 'from', 'to', 'refresh', 'timezone'].flatMap((name) => (place.value.params.has(name) ? [[name, param(name)]] : [])));
}

export function startTv(boards: readonly string[], every = '30s'): void {
  if (boards.length) navigate(pathOf(boards[0]), {kiosk: 'tv', ...(boards.length > 1 ? {rotate: boards.join(','), every} : {})});
}

export function Tv() {
  const {data} = useLoad((signal) => listIncidents(['open'], signal), [tick.value]);
  const urgent = (data?.incidents ?? []).filter((one) => one.priority === 'P0' && !one.suppressed);
  const boards = param('rotate').split(',').filter(Boolean);
  const every = Math.max(kLeast, parseDuration(param('every')) ?? 30_000);
  const where = path.value;
  const [shift, setShift] = useState(0);
  useKeys({Escape: () => navigate(where, Object.fromEntries(Object.entries(kept()).filter(([name]) => !['kiosk', 'rotate', 'every'].includes(name))))});
  useEffect(() => {
    if (urgent.length) {
      if (where !== '/overview' && where !== '/') navigate('overview', kept());
      return undefined;
    }
    const next = nextBoard(boards, where);
    if (!next || boards.length < 2) return undefined;
    const timer = setTimeout(() => navigate(pathOf(next), kept()), every);
    return () => clearTimeout(timer);
  }, [where, every, boards.join(), urgent.length]);
  // What stands still for weeks burns in: the page moves by a few pixels a minute.
  useEffect(() => {
    const timer = setInterval(() => setShift((n) => (n + 1) % 8), kMinute);
    return () => clearInterval(timer);
  }, []);
  useEffect(() => {
    document.documentElement.style.setProperty('--tv-shift', `${shift % 4}px`);
    return () => { document.documentElement.style.removeProperty('--tv-shift'); };
  }, [shift]);
  if (!urgent.length) return null;
  return <div class="tv-alarm" role="alert">◆ P0 {urgent.slice(0, 3).map((one) => <span><b>{one.title}</b> {ago(Date.parse(one.openedAt))}</span>)}{urgent.length > 3 && <span>{t('{0} more', urgent.length - 3)}</span>}</div>;
}
