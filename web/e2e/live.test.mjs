// Refreshing: one streamed request for all of a dashboard, which brings what is new.
import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';
import {base, go, newPage, open} from './browser.mjs';

let browser;
before(async () => { browser = await open(); });
after(async () => { await browser?.close(); });
const limits = {timeout: 60_000};

test('a refresh is one request, and what is asked again is answered from where it was', limits, async () => {
  const page = await newPage(browser);
  const bodies = [];
  page.on('request', (request) => { if (request.url().includes('query_batch')) bodies.push(JSON.parse(request.postData())); });
  await go(page, 'd/strata-engine?from=now-30m&to=now&refresh=off');
  await page.locator('.panel canvas').first().waitFor();
  await page.waitForTimeout(1500);
  bodies.length = 0;
  await page.keyboard.press('r');
  await page.waitForTimeout(1500);
  assert.equal(bodies.length, 1, `${bodies.length} requests`);
  const ranged = bodies[0].queries.filter((query) => query.step);
  assert.ok(ranged.length >= 10, `${ranged.length} range queries`);
  assert.ok(ranged.filter((query) => query.token).length >= ranged.length / 2, 'most say what the page has');
  assert.deepEqual(page.problems, []);
  await page.close();
});

test('what is shown after refreshes is what a new page shows', limits, async () => {
  const page = await newPage(browser);
  const board = {title: 'Live', uid: 'live-test', panels: [{id: 1, type: 'timeseries', title: 'P', gridPos: {x: 0, y: 0, w: 24, h: 12}, interval: '1s', targets: [{refId: 'A', expr: 'traced_seconds_count', legendFormat: 'n'}]}]};
  await fetch(`${base}api/dashboards/db`, {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify({dashboard: board, overwrite: true})});
  await go(page, 'd/live-test?from=now-2m&to=now&refresh=5s');
  const read = async (one) => {
    await one.locator('section[aria-label="P"]').hover();
    const button = one.locator('button[aria-label="As a table"]');
    if (await button.getAttribute('aria-pressed') === 'false') await button.click();
    return one.locator('td').allTextContents();
  };
  await page.locator('.panel canvas').first().waitFor();
  await page.waitForTimeout(13_000);
  await page.evaluate(() => history.replaceState(null, '', location.href));
  const kept = await read(page);
  const fresh = await newPage(browser);
  await go(fresh, 'd/live-test?from=now-2m&to=now&refresh=off');
  await fresh.locator('.panel canvas').first().waitFor();
  const anew = await read(fresh);
  const rows = (cells) => new Map(cells.flatMap((cell, i) => (i % 2 === 0 ? [[cell, cells[i + 1]]] : [])));
  const a = rows(kept), b = rows(anew);
  const both = [...a].filter(([time]) => b.has(time));
  assert.ok(both.length > 20, `${both.length} moments in both`);
  assert.deepEqual(both.filter(([time, value]) => b.get(time) !== value), []);
  await page.close();
  await fresh.close();
});
