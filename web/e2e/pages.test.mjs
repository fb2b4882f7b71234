import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';
import {base, go, isAccessible, newPage, now, open, shot} from './browser.mjs';

let browser;
before(async () => { browser = await open(); });
after(async () => { await browser?.close(); });
const range = `from=${now - 3_600_000}&to=${now}`;

const kPages = [
  ['overview', `overview?${range}`, 'text=Inference engine'], ['dashboards', 'dashboards', 'text=Business'],
  ['gpu', `d/strata-gpu?${range}`, '.panel canvas'], ['engine', `d/strata-engine?${range}`, '.panel canvas'], ['business', `d/strata-business?${range}`, '.panel canvas'],
  ['explore', `explore?g0.expr=llm_requests_running&${range}`, '.explore-chart canvas'], ['alerts', 'alerts', 'text=TargetDown'],
  ['silences', 'silences', 'text=New silence'], ['incidents', 'incidents', 'h1'], ['rules', 'rules', 'text=Watchdog'], ['targets', 'targets', 'text=refused'],
  ['status', 'status', 'text=Queries that run now'], ['flags', 'flags', 'text=--storage'], ['config', 'config', 'text=scrape_configs'], ['tsdb-status', 'tsdb-status', 'text=Series by metric'],
];
for (const theme of ['light', 'dark']) {
  for (const [name, path, there] of kPages) {
    test(`${name}, ${theme}: opens without an error and is accessible`, {timeout: 60_000}, async () => {
      const page = await newPage(browser, {theme});
      await go(page, path);
      await page.waitForSelector(there);
      await page.waitForTimeout(700);
      await shot(page, `${name}-${theme}`);
      await isAccessible(page);
      assert.deepEqual(page.problems, []);
      await page.close();
    });
  }
}

test('the overview says which layer broke and where', {timeout: 60_000}, async () => {
  const page = await newPage(browser);
  await go(page, `overview?${range}`);
  await page.waitForSelector('.layer.engine.broken >> text=/KV cache 99.*node-1/');
  await page.waitForSelector('.layer.infra.broken >> text=/hottest GPU 92/');
  await page.waitForSelector('.gpu-cell.bad[aria-label*="node-1 GPU 2"]');
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  assert.ok(height <= 900, `no scrolling at 1440 by 900, but the page is ${height} high`);
  await page.close();
});

test('a node that is chosen filters all layers, and the URL has it', {timeout: 60_000}, async () => {
  const page = await newPage(browser);
  await go(page, `overview?${range}`);
  await page.click('.gpu-node >> text=node-0');
  await page.waitForURL(/var-node=node-0/);
  await page.waitForSelector('.layer.infra.well');
  await page.goBack();
  await page.waitForSelector('.layer.engine.broken');
  await page.close();
});

test('dragging over a chart zooms, and back undoes it', {timeout: 60_000}, async () => {
  const page = await newPage(browser);
  await go(page, `d/strata-engine?${range}`);
  const plot = page.locator('.u-over').first();
  await plot.waitFor();
  await page.waitForTimeout(500);
  const box = await plot.boundingBox();
  await page.mouse.move(box.x + box.width * 0.3, box.y + 20);
  await page.waitForSelector('.tooltip');
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.6, box.y + 30, {steps: 4});
  await page.mouse.up();
  await page.waitForFunction((from) => Number(new URLSearchParams(location.search).get('from')) > from, now - 3_600_000);
  await page.goBack();
  await page.waitForURL(new RegExp(`from=${now - 3_600_000}`));
  await page.close();
});

test('Prometheus\' links open in Explore', {timeout: 60_000}, async () => {
  const page = await newPage(browser);
  await go(page, 'graph?g0.expr=up&g0.tab=1');
  await page.waitForSelector('td >> text=127.0.0.1:1');
  await go(page, 'graph?g0.expr=nosuch_metric&g0.tab=0');
  await page.waitForSelector('text=/never stored/');
  await go(page, 'graph?g0.expr=sum(&g0.tab=0');
  await page.waitForSelector('[role=alert]');
  assert.deepEqual(page.problems, []);
  await page.close();
});

test('the editor completes the names of metrics', {timeout: 60_000}, async () => {
  const page = await newPage(browser);
  await go(page, 'explore');
  await page.locator('.cm-content').click();
  await page.keyboard.type('llm_requests_ru');
  await page.locator('.cm-tooltip-autocomplete >> text=llm_requests_running').first().waitFor();
  assert.deepEqual(page.problems, []);
  await page.close();
});

test('a silence says what it hits, and then hides it', {timeout: 60_000}, async () => {
  const page = await newPage(browser);
  await go(page, 'alerts');
  await page.locator('tr', {hasText: 'TargetDown'}).locator('input').check();
  await page.click('button >> text=Silence 1 chosen');
  await page.waitForSelector('text=Hits 1 alerts');
  await page.fill('label:has-text("Your name") input', 'tester');
  await page.fill('label:has-text("Why") input', 'a test');
  await page.click('form button.primary');
  await go(page, 'silences');
  await page.waitForSelector('td >> text=a test');
  await page.click('button >> text=End');
  await page.waitForSelector('text=Nothing is silenced');
  await page.close();
});

test('a dashboard is imported, shown, and found again', {timeout: 60_000}, async () => {
  const page = await newPage(browser);
  await go(page, 'dashboards');
  const board = {title: 'Mine <b>', panels: [
    {id: 1, type: 'timeseries', title: 'Up', gridPos: {x: 0, y: 0, w: 12, h: 8}, targets: [{expr: 'up', legendFormat: '{{job}}'}]},
    {id: 2, type: 'geomap', title: 'Map', gridPos: {x: 12, y: 0, w: 12, h: 8}, targets: [{expr: 'up'}]},
    {id: 3, type: 'timeseries', title: 'Broken', gridPos: {x: 0, y: 8, w: 12, h: 8}, targets: [{expr: 'sum('}]}]};
  await page.setInputFiles('input[type=file]', {name: 'mine.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(board))});
  await page.waitForURL(/\/d\//);
  await page.waitForSelector('h1 >> text=Mine <b>');
  await page.waitForSelector('text=/"geomap" are not drawn here/');
  await page.locator('section', {hasText: 'Broken'}).locator('[role=alert]').waitFor();
  await page.locator('section', {hasText: 'Up'}).locator('canvas').first().waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('Mine');
  await page.waitForSelector('[role=option] >> text=Mine <b>');
  assert.deepEqual(page.problems, []);
  await page.close();
});

for (const uid of (process.env.STRATA_BOARDS ?? '').split(',').filter(Boolean)) {
  test(`a dashboard of others (${uid}) is drawn without an error`, {timeout: 60_000}, async () => {
    const page = await newPage(browser);
    await go(page, `d/${uid}`);
    await page.waitForSelector('.panel');
    await page.waitForTimeout(1500);
    await shot(page, `shared-${uid}`);
    assert.deepEqual(page.problems, []);
    assert.equal(await page.locator('text=/could not be drawn|not drawn here/').count(), 0);
    await page.close();
  });
}

test('it works below a path prefix', {timeout: 60_000}, async () => {
  const page = await newPage(browser);
  await page.route(/\/under\/it\//, (route) => route.continue({url: route.request().url().replace('/under/it/', '/')}));
  await page.goto(`${base}under/it/d/strata-gpu?${range}`);
  await page.waitForSelector('.panel canvas');
  assert.deepEqual(page.problems, []);
  await page.close();
});

test('paths that nobody knows are not answered with the page', {timeout: 20_000}, async () => {
  for (const path of ['alertmanager/api/v2/status', 'api/v1/nothing', 'favicon.ico']) assert.equal((await fetch(base + path)).status, 404, path);
});
