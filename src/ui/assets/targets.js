// What is scraped, and how that goes; what fails stands first.
import {targets} from './api.js';
import {$, h, table} from './dom.js';
import {duration} from './format.js';

const kStates = {down: '▲ down', unknown: '○ not yet', up: '● up'};
const kOrder = Object.keys(kStates);

/** How many targets answer. */
export async function refresh() {
  const active = await targets();
  const down = active.filter((t) => t.health === 'down').length;
  const up = active.filter((t) => t.health === 'up').length;
  $('targets-badge').hidden = down === 0;
  $('targets-badge').textContent = `${down} down`;
  $('targets-count').textContent = active.length ? `${up} of ${active.length} up` : '';
  if (!active.length) {
    $('targets').replaceChildren(h('p.empty', {}, 'Nothing is scraped. Name targets in the configuration, or start without one to watch this machine.'));
    return up;
  }
  active.sort((a, b) => kOrder.indexOf(a.health) - kOrder.indexOf(b.health) || a.scrapePool.localeCompare(b.scrapePool) || a.scrapeUrl.localeCompare(b.scrapeUrl));
  $('targets').replaceChildren(table(
    [{title: 'State', nowrap: true}, {title: 'Job'}, {title: 'Target', nowrap: true}, {title: 'Labels'}, {title: 'Last scrape', number: true}, {title: 'Took', number: true}, {title: 'Error'}],
    active.map((target) => ({class: target.health === 'down' ? 'down' : '', cells: cells(target)}))));
  return up;
}

function cells(target) {
  const {job, instance, ...others} = target.labels;
  const labels = Object.entries(others).map(([key, value]) => `${key}="${value}"`).join(' ');
  const ago = (Date.now() - Date.parse(target.lastScrape)) / 1000;
  const never = target.health === 'unknown' || !(ago < 1e9);  // the API writes the year 1 for never
  return [
    h(`span.state.${target.health}`, {}, kStates[target.health] ?? target.health),
    job ?? target.scrapePool,
    h('code', {title: instance ?? ''}, target.scrapeUrl),
    labels,
    never ? '–' : ago < 1 ? 'just now' : `${duration(Math.round(ago))} ago`,
    never ? '–' : duration(target.lastScrapeDuration),
    target.lastError ? h('code', {}, target.lastError) : '',
  ];
}
