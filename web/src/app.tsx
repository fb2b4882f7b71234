// The frame of every page: navigation on the left, the time on top, the page itself loaded when it
// is first needed.
import {useEffect} from 'preact/hooks';
import {lastFresh, tick} from './shell/clock';
import {Icon, type IconName} from './shell/icons';
import {LazyPage, type PageLoader} from './shell/lazy_page';
import {useKeyboard} from './shell/keyboard';
import {href, isTv, path, place} from './shell/location';
import {Notices} from './shell/notices';
import {NoteForm, noteOpen} from './shell/note';
import {Palette} from './shell/palette';
import {language, setLanguage, setTheme, theme} from './shell/settings';
import {TimePicker} from './shell/time_picker';
import {useLoad} from './shell/load';
import {get, getJson, Unreachable} from './api/client';
import {Tv} from './shell/tv';
import {clock, span} from './time/format';
import {skew} from './time/now';
import {t} from './shell/words';

interface Page { title: string; timed: boolean; load: PageLoader }

const kPages: readonly [RegExp, Page][] = [
  [/^\/(overview)?$/, {title: 'Overview', timed: true, load: () => import('./pages/overview')}],
  [/^\/dashboards$/, {title: 'Dashboards', timed: false, load: () => import('./pages/dashboards')}],
  [/^\/d\/[^/]+(\/[^/]+)?$/, {title: 'Dashboard', timed: true, load: () => import('./pages/dashboard')}],
  [/^\/(explore|graph|query)$/, {title: 'Explore', timed: true, load: () => import('./pages/explore')}],
  [/^\/alerts$/, {title: 'Alerts', timed: false, load: () => import('./pages/alerts')}],
  [/^\/silences$/, {title: 'Silences', timed: false, load: () => import('./pages/silences')}],
  [/^\/incidents(\/[^/]+)?$/, {title: 'Incidents', timed: false, load: () => import('./pages/incidents')}],
  [/^\/oncall$/, {title: 'On call', timed: false, load: () => import('./pages/oncall')}],
  [/^\/costs?$/, {title: 'Cost', timed: true, load: () => import('./pages/cost')}],
  [/^\/rules$/, {title: 'Rules', timed: false, load: () => import('./pages/rules')}],
  [/^\/(targets|service-discovery)$/, {title: 'Targets', timed: false, load: () => import('./pages/targets')}],
  [/^\/(status|flags|config|tsdb-status)$/, {title: 'Status', timed: false, load: () => import('./pages/status')}],
];
const kNothing: Page = {title: 'Not found', timed: false, load: () => import('./pages/not_found')};

const kLinks: readonly [string, string, IconName][] = [
  ['overview', 'Overview', 'overview'], ['dashboards', 'Dashboards', 'dashboards'], ['explore', 'Explore', 'explore'],
  ['cost', 'Cost', 'cost'], ['incidents', 'Incidents', 'incidents'], ['oncall', 'On call', 'oncall'], ['alerts', 'Alerts', 'alerts'], ['rules', 'Rules', 'rules'],
  ['targets', 'Targets', 'targets'], ['status', 'Status', 'status'],
];

function pageOf(where: string): Page {
  return kPages.find(([pattern]) => pattern.test(where))?.[1] ?? kNothing;
}

function Navigation({firing, down}: {firing: number; down: number}) {
  const count: Record<string, number> = {alerts: firing, targets: down};
  const current = path.value === '/' ? 'overview' : path.value.slice(1).split('/')[0].replace(/^d$/, 'dashboards').replace(/^(graph|query)$/, 'explore');
  return (
    <nav class="side" aria-label={t('Pages')}>
      <a class="brand" href={href('overview')} aria-label="Strata">
        <svg viewBox="0 0 20 20" width="22" height="22" aria-hidden="true">
          <path d="M2 6l8-4 8 4-8 4z" /><path d="M2 10l8 4 8-4M2 14l8 4 8-4" />
        </svg><span>Strata</span>
      </a>
      <ul>
        {kLinks.map(([to, label, icon]) => (
          <li><a href={href(to)} aria-current={current === to ? 'page' : undefined}>
            <Icon name={icon} size={18} /><span>{t(label)}</span>
            {count[to] > 0 && <b class="badge">{count[to]}</b>}
          </a></li>
        ))}
      </ul>
      <div class="side-foot">
        <button onClick={() => setTheme(theme.value === 'system' ? 'dark' : theme.value === 'dark' ? 'light' : 'system')}>
          <Icon name="theme" size={18} /><span>{t(`Theme: ${theme.value}`)}</span>
        </button>
        <button lang={language.value === 'en' ? 'zh-CN' : 'en'} onClick={() => setLanguage(language.value === 'en' ? 'zh' : 'en')}>
          <Icon name="info" size={18} /><span>{language.value === 'en' ? '中文' : 'English'}</span>
        </button>
      </div>
    </nav>
  );
}

/** Whether the server answers, and the two counts of the navigation. */
function usePulse() {
  return useLoad(async (signal) => {
    const [alerts, targets] = await Promise.all([
      getJson<{labels: Record<string, string>}[]>('api/v2/alerts?active=true&silenced=false&inhibited=false').catch((error: unknown) => {
        if (error instanceof Unreachable) throw error;
        return [];
      }),
      get<{activeTargets: {health: string}[]}>('targets', {state: 'active'}, signal),
    ]);
    return {firing: alerts.filter((one) => one.labels.severity !== 'none').length, down: targets.data.activeTargets.filter((one) => one.health === 'down').length};
  }, [tick.value, path.value]);
}

export function App() {
  const page = pageOf(path.value);
  const pulse = usePulse();
  useKeyboard();
  useEffect(() => { document.title = `${t(page.title)} · Strata`; }, [page]);
  const away = pulse.error instanceof Unreachable;
  const kiosk = place.value.params.has('kiosk');  // Grafana writes it without a value
  return (
    <div class={['frame', kiosk && 'kiosk', isTv() && 'tv'].filter(Boolean).join(' ')}>
      <a class="skip" href="#main">{t('Skip to the page')}</a>
      {!kiosk && <Navigation firing={pulse.data?.firing ?? 0} down={pulse.data?.down ?? 0} />}
      <div class="stage">
        <header class="bar">
          <div id="bar-title" class="bar-title" />
          {page.timed && <TimePicker />}
        </header>
        {away && <p class="banner bad" role="alert">{t('The server cannot be reached. What you see is from {0}; the page tries again.', clock(lastFresh.value))}</p>}
        {skew.value !== 0 && <p class="banner" role="status">{skew.value < 0 ? t('The clock of this browser is {0} ahead of the server\'s, whose time is used.', span(skew.value)) : t('The clock of this browser is {0} behind the server\'s, whose time is used.', span(skew.value))}</p>}
        {isTv() && <Tv />}
        <main id="main" tabIndex={-1}>
          <LazyPage load={page.load} key={page.title} />
        </main>
      </div>
      <Notices />
      <Palette />
      {noteOpen.value && <NoteForm />}
    </div>
  );
}
