// A server that has everything below a path.
import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';
import {base, go, newPage, now, open} from './browser.mjs';

let browser;
before(async () => { browser = await open(); });
after(async () => { await browser?.close(); });
const range = `from=${now - 3_600_000}&to=${now}`;

test('the page lives below its prefix', {timeout: 60_000}, async () => {
  const page = await newPage(browser);
  const strays = [];
  page.on('request', (request) => { if (!new URL(request.url()).pathname.startsWith('/watch/')) strays.push(request.url()); });
  await go(page, `watch/d/strata-gpu?${range}`);
  await page.locator('.panel canvas').first().waitFor();
  await page.click('nav >> text=Explore');
  await page.waitForURL(/\/watch\/explore/);
  await page.click('nav >> text=Targets');
  await page.locator('text=refused').first().waitFor();
  await page.goto(base);
  await page.waitForURL(/\/watch\/$/);
  assert.deepEqual(strays.filter((url) => url !== base), []);
  assert.deepEqual(page.problems, []);
  await page.close();
});
