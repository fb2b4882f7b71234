// What is too much, broken, slow or gone: it is said, nothing freezes, nothing is lost.
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {mkdtempSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:net';
import {join} from 'node:path';
import {after, before, test} from 'node:test';
import {base, go, newPage, now, open, shot} from './browser.mjs';

let browser;
before(async () => { browser = await open(); });
after(async () => { await browser?.close(); });
const limits = {timeout: 120_000};

async function push(board) {
  const response = await fetch(`${base}api/dashboards/db`, {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify({dashboard: board, overwrite: true})});
  assert.equal(response.status, 200, await response.text());
}
const panel = (id, type, expr, more = {}) => ({id, type, title: `${type} ${id}`, gridPos: {x: (id - 1) % 3 * 8, y: Math.floor((id - 1) / 3) * 8, w: 8, h: 8}, targets: [{refId: 'A', expr}], ...more});

/** The page does what it is told within `ms`: it is not frozen. */
async function responds(page, ms = 3000) {
  const began = Date.now();
  await page.keyboard.press('?');
  await page.locator('dialog.help').waitFor({timeout: ms});
  await page.keyboard.press('Escape');
  assert.ok(Date.now() - began < ms + 1000);
}

test('a dashboard of almost 10 MB is imported and shown; a larger one is refused in words', limits, async () => {
  const page = await newPage(browser);
  await go(page, 'dashboards');
  const board = (bytes) => {
    const panels = Array.from({length: 900}, (_, i) => panel(i + 1, 'timeseries', 'up', {description: 'x'.repeat(Math.floor(bytes / 900) - 300)}));
    return Buffer.from(JSON.stringify({title: 'Huge', uid: 'huge', panels}));
  };
  const large = board(9_900_000);
  assert.ok(large.length > 9_400_000 && large.length < 10 << 20, String(large.length));
  await page.setInputFiles('input[type=file]', {name: 'huge.json', mimeType: 'application/json', buffer: large});
  await page.waitForURL(/\/d\/huge/, {timeout: 30_000});
  await page.locator('.panel canvas').first().waitFor({timeout: 30_000});
  await responds(page, 8000);
  await go(page, 'dashboards');
  await page.setInputFiles('input[type=file]', {name: 'huger.json', mimeType: 'application/json', buffer: board(11_500_000)});
  await page.locator('.notice >> text=/larger than 10 MiB/').waitFor();
  await page.setInputFiles('input[type=file]', {name: 'no.json', mimeType: 'application/json', buffer: Buffer.from('{"a": ')});
  await page.locator('.notice.bad').nth(1).waitFor();
  assert.deepEqual(page.problems, []);
  await page.close();
});

test('what is no panel, no PromQL or no shape at all is said on the panel', limits, async () => {
  await push({title: 'Odd', uid: 'odd', panels: [
    panel(1, 'geomap', 'up'), panel(2, 'timeseries', 'sum('), panel(3, 'stat', 'up', {fieldConfig: {defaults: {mappings: 7, thresholds: {steps: 'no'}}, overrides: 'x'}}),
    panel(4, 'table', 'up', {transformations: [{id: 'organize', options: 4}, {id: 'nosuch'}, 5]}), {id: 5}, 'no', panel(6, 'timeseries', 'up', {options: {legend: 'x', tooltip: 3}}), panel(7, 'gauge', 'up', {gridPos: {x: 'a', y: null, w: -3, h: 1e9}})]});
  const page = await newPage(browser);
  await go(page, 'd/odd?from=now-5m&to=now');
  await page.locator('text=/"geomap" are not drawn here/').waitFor();
  await page.locator('section[aria-label="timeseries 2"] [role=alert]', {hasText: 'parse error'}).waitFor();
  await page.locator('text=/nosuch/').or(page.locator('[aria-label*="nosuch"]')).first().waitFor();
  await responds(page);
  assert.deepEqual(page.problems, []);
  await page.close();
});

test('of 50,000 series the page shows what can be looked at, and says so', limits, async () => {
  await push({title: 'Many', uid: 'many', panels: [panel(1, 'timeseries', 'big'), panel(2, 'table', 'big', {targets: [{refId: 'A', expr: 'big', format: 'table', instant: true}]}), panel(3, 'stat', 'count(big)')]});
  const page = await newPage(browser);
  await go(page, `d/many?from=${now - 300_000}&to=${now}`);
  await page.locator('section[aria-label="timeseries 1"] >> text=/500 of 2000 series are drawn/').waitFor({timeout: 40_000});
  await page.locator('section[aria-label="timeseries 1"] [aria-label*="50000 series: only the first"]').waitFor();
  await page.locator('section[aria-label="table 2"] >> text=/more rows/').waitFor();
  await page.locator('section[aria-label="stat 3"] >> text=/50/').first().waitFor();
  await responds(page);
  await shot(page, 'many-series-light');
  assert.deepEqual(page.problems, []);
  await page.close();
});

test('numbers that are none break no panel', limits, async () => {
  const kinds = ['timeseries', 'stat', 'gauge', 'bargauge', 'table', 'heatmap', 'piechart', 'barchart', 'state-timeline'];
  await push({title: 'NaN', uid: 'nan', panels: kinds.map((kind, i) => panel(i + 1, kind, 'nothing'))});
  const page = await newPage(browser);
  await go(page, `d/nan?from=${now - 600_000}&to=${now}`);
  await page.locator('section[aria-label="stat 2"] >> text=∞').first().waitFor();
  await page.waitForTimeout(1000);
  assert.equal(await page.locator('text=/could not be drawn/').count(), 0);
  assert.ok(!/NaN|Infinity/.test(await page.evaluate(() => [...document.querySelectorAll('svg path, svg rect')].map((one) => one.outerHTML).join())), 'no shape of NaN');
  await responds(page);
  assert.deepEqual(page.problems, []);
  await page.close();
});

test('a browser whose clock is wrong shows the server\'s time, and says so', limits, async () => {
  const page = await newPage(browser);
  await page.addInitScript(() => { const right = Date.now.bind(Date); Date.now = () => right() + 1_200_000; });
  let last;
  page.on('request', (request) => { if (request.url().includes('query_batch')) last = JSON.parse(request.postData()); });
  await go(page, 'd/strata-engine?from=now-5m&to=now');
  await page.locator('text=/clock of this browser is 20m ahead/').waitFor();
  await page.locator('.panel canvas').first().waitFor();
  await page.keyboard.press('r');
  await page.waitForTimeout(1500);
  const ahead = Math.max(...last.queries.map((query) => query.end)) - Date.now();
  assert.ok(Math.abs(ahead) < 60_000, `asks for ${ahead} ms from now`);
  await page.close();
});

test('a slow server is not buried in requests, and the page goes on', limits, async () => {
  const page = await newPage(browser);
  let open = 0, most = 0;
  await page.route(/query_batch/, async (route) => {
    open += 1;
    most = Math.max(most, open);
    await new Promise((go) => setTimeout(go, 6000));
    open -= 1;
    await route.continue().catch(() => {});
  });
  await go(page, 'd/strata-engine?from=now-30m&to=now&refresh=5s');
  await page.waitForTimeout(4000);
  await page.locator('.panel[aria-busy=true]').first().waitFor();
  await responds(page);
  await page.locator('.panel canvas').first().waitFor({timeout: 30_000});
  await page.waitForTimeout(14_000);
  assert.ok(most <= 4, `${most} requests at once`);
  assert.deepEqual(page.problems, []);
  await page.close();
});

test('a server that fails, or is cut in the middle, is named on the panels; then they come back', limits, async () => {
  const page = await newPage(browser);
  await page.route(/query_batch/, (route) => route.fulfill({status: 502, contentType: 'text/html', body: '<h1>Bad gateway</h1>'}));
  await go(page, 'd/strata-engine?from=now-30m&to=now&refresh=off');
  await page.locator('.panel [role=alert]').first().waitFor();
  assert.match(await page.locator('.panel [role=alert]').first().innerText(), /502|reached/);
  await page.unroute(/query_batch/);
  await page.route(/query_batch/, async (route) => {
    const response = await route.fetch();
    const text = await response.text();
    await route.fulfill({status: 200, contentType: 'application/x-ndjson', body: text.slice(0, Math.floor(text.length / 2))});
  });
  await page.keyboard.press('r');
  await page.locator('.panel canvas').first().waitFor();
  await page.locator('.panel [role=alert]', {hasText: /cut/}).first().waitFor();
  await page.unroute(/query_batch/);
  await page.keyboard.press('r');
  await page.waitForFunction(() => !document.querySelector('.panel [role=alert]'));
  await page.close();
});

/** A server of our own, to be ended and begun again. */
function serve(port, directory) {
  writeFileSync(join(directory, 'prometheus.yml'), `global: {scrape_interval: 1s}\nscrape_configs: [{job_name: strata, static_configs: [{targets: ['127.0.0.1:${port}']}]}]\n`);
  return spawn(process.env.STRATA_BINARY, ['serve', `--web.listen-address=127.0.0.1:${port}`, `--storage.path=${directory}/data`, `--config.file=${directory}/prometheus.yml`], {stdio: 'ignore'});
}
const freePort = () => new Promise((found) => { const server = createServer(); server.listen(0, '127.0.0.1', () => { const {port} = server.address(); server.close(() => found(port)); }); });
const ended = (child) => new Promise((done) => { child.once('exit', done); });

test('the page goes on through a restart of the server', limits, async () => {
  const port = await freePort(), directory = mkdtempSync(join(process.env.STRATA_DIRECTORY, 'restart-'));
  let server = serve(port, directory);
  const page = await newPage(browser);
  try {
    const url = `http://127.0.0.1:${port}/explore?g0.expr=up&from=now-5m&to=now&refresh=5s`;
    for (let i = 0; i < 100 && !(await page.goto(url).then(() => true, () => false)); i += 1) await page.waitForTimeout(200);
    await page.locator('.explore-chart canvas').waitFor({timeout: 30_000});
    const end = ended(server);
    server.kill('SIGKILL');
    await end;
    await page.locator('.banner.bad >> text=/cannot be reached/').waitFor({timeout: 30_000});
    assert.equal(await page.locator('.explore-chart canvas').count(), 1, 'what was there is still shown');
    server = serve(port, directory);
    await page.locator('.banner.bad').waitFor({state: 'detached', timeout: 40_000});
    const answered = page.waitForResponse((response) => response.url().includes('query_batch') && response.ok());
    await page.keyboard.press('r');
    await answered;
    await page.locator('.explore-chart canvas').waitFor();
  } finally {
    server.kill('SIGKILL');
    await page.close();
  }
});
