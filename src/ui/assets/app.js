// Starts the page and keeps it fresh: everything is asked for again every five seconds, a second
// time only when the first is done, and not while nobody looks.
import {buildInfo, Unreachable} from './api.js';
import {$} from './dom.js';
import * as engines from './engines.js';
import * as explore from './explore.js';
import {clock} from './format.js';
import * as host from './host.js';
import * as targets from './targets.js';

const kEvery = 5000;
const kPatience = 6;  // refreshes without a host's data, before it is not a matter of waiting
let fresh = null;     // when all was last well
let timer = 0;
let empty = 0;        // refreshes in a row that found no host's data

async function refresh() {
  clearTimeout(timer);
  explore.refresh().catch(() => {});  // may be slow, so nothing waits for it
  const results = await Promise.allSettled([host.refresh(), engines.refresh(), targets.refresh()]);
  const errors = results.filter((r) => r.status === 'rejected').map((r) => r.reason);
  const away = errors.find((error) => error instanceof Unreachable);
  if (!errors.length) fresh = Date.now();
  if (results[0].value !== undefined) empty = results[0].value ? 0 : empty + 1;
  say(away, errors[0], results[2].value > 0);
  timer = setTimeout(refresh, kEvery);
}

function say(away, error, anyUp) {
  const banner = $('banner');
  const since = fresh ? ` What you see is from ${clock(fresh / 1000, 0)}.` : '';
  banner.hidden = !error && empty === 0;
  banner.className = `banner${error ? ' bad' : ''}`;
  if (away) banner.textContent = `Server unreachable (${away.message}), retrying every ${kEvery / 1000} s.${since}`;
  else if (error) banner.textContent = `The server refused: ${error.message}`;
  else if (anyUp && empty > kPatience) banner.textContent = 'No host to show: none of the targets gives node_* metrics. Queries and targets are below.';
  else if (empty) banner.textContent = 'No data yet: first scrape in a few seconds.';
  $('live').className = `live ${error ? 'bad' : 'good'}`;
  $('live').textContent = away ? 'unreachable' : error ? 'trouble' : `live, ${clock(Date.now() / 1000, 0)}`;
}

async function showBuild() {
  const build = await buildInfo();
  $('build').textContent = `Strata ${build.version} (${build.revision}).`;
}

document.addEventListener('visibilitychange', () => {
  if (document.hidden) clearTimeout(timer);
  else refresh();
});
// The fragment of the URL belongs to the query, so links within the page only scroll.
for (const link of document.querySelectorAll('.top a')) {
  link.addEventListener('click', (event) => {
    event.preventDefault();
    const to = link.hash ? $(link.hash.slice(1)) : $('host-title');
    to.scrollIntoView({behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth'});
    to.focus({preventScroll: true});
  });
}
host.start();
explore.start();
refresh();
showBuild().catch(() => {});
