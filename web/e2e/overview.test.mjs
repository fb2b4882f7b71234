// The overview's filters, notes, the wall, cost, and what keys do.
import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';
import {base, go, isAccessible, newPage, now, open, shot} from './browser.mjs';

let browser;
before(async () => { browser = await open(); });
after(async () => { await browser?.close(); });
const range = `from=${now - 3_600_000}&to=${now}`;
const limits = {timeout: 60_000};

test('a GPU that is chosen leaves its node, its engine and its model', limits, async () => {
  const page = await newPage(browser);
  await go(page, `overview?${range}`);
  await page.locator('.gpu-cell[aria-label*="node-0 GPU 1"]').click();
  await page.waitForURL(/var-gpu=GPU-01/);
  await page.locator('.layer.infra.well').waitFor();  // the hot one is another node's
  await page.locator('.layer.engine >> text=/KV cache 60/').waitFor();
  assert.equal(await page.locator('.gpu-cell').count(), 1);
  await page.click('button:has-text("Everything")');
  await page.locator('.layer.engine.broken').waitFor();
  await page.locator('button[aria-label^="GPU"]').click();
  await page.locator('li[role=option] >> text=node-1 2').click();
  await page.locator('.layer.infra.broken >> text=/hottest GPU 92/').waitFor();
  assert.deepEqual(page.problems, []);
  await page.close();
});

test('the matrix is a table too', limits, async () => {
  const page = await newPage(browser);
  await go(page, `overview?${range}`);
  const matrix = page.locator('section[aria-label="GPUs"]');
  await matrix.locator('.gpu-cell').first().waitFor();
  await matrix.locator('button[aria-label="As a table"]').click();
  await matrix.locator('td >> text=node-1').first().waitFor();
  await isAccessible(page);
  await page.close();
});

test('a note is a mark on every chart, by hand and by Grafana\'s API', limits, async () => {
  const page = await newPage(browser);
  await go(page, `d/strata-engine?${range}`);
  await page.locator('.panel canvas').first().waitFor();
  await page.keyboard.press('n');
  await page.fill('dialog label:has-text("What happened") input', 'engine 0.11');
  await isAccessible(page);
  await page.click('dialog button.primary');
  await page.locator('text=Noted').waitFor();
  const found = await (await fetch(`${base}api/annotations?tags=deploy`)).json();
  assert.equal(found[0].text, 'engine 0.11');
  const middle = now - 1_800_000;
  await fetch(`${base}api/annotations`, {method: 'POST', body: JSON.stringify({time: middle, text: 'from a script', tags: ['deploy']})});
  await page.reload();
  const plot = page.locator('.u-over').first();
  await plot.waitFor();
  await page.waitForTimeout(600);
  const box = await plot.boundingBox();
  for (const dx of [-4, -2, 0, 2, 4]) {
    await page.mouse.move(box.x + box.width / 2 + dx, box.y + 30);
    if (await page.locator('.tooltip-mark').count()) break;
  }
  await page.locator('.tooltip-mark >> text=/from a script.*#deploy/').waitFor();
  await page.close();
});

test('a range is compared with an earlier one', limits, async () => {
  const page = await newPage(browser);
  await go(page, `d/strata-engine?from=${now - 1_800_000}&to=${now - 1_200_000}&compare=20m`);
  await page.locator('.legend >> text=/−20m/').first().waitFor();
  await page.close();
});

test('a screen on the wall shows boards in turn', limits, async () => {
  const page = await newPage(browser);
  await go(page, `overview?kiosk=tv&rotate=overview,strata-gpu&every=5s&${range}`);
  await page.locator('.gpu-cell').first().waitFor();
  assert.equal(await page.locator('nav.side').count(), 0);
  await page.waitForURL(/d\/strata-gpu/, {timeout: 20_000});
  await page.locator('.panel canvas').first().waitFor();
  await shot(page, 'tv-light');
  await page.waitForURL(/overview/, {timeout: 20_000});
  await page.keyboard.press('Escape');
  await page.locator('nav.side').waitFor();
  assert.deepEqual(page.problems, []);
  await page.close();
});

for (const theme of ['light', 'dark']) {
  test(`cost, ${theme}: tenants, models, hours`, limits, async () => {
    const page = await newPage(browser, {theme});
    await go(page, `cost?${range}`);
    // A cent a second of each of two tenants, for an hour.
    await page.locator('.cost-row.numbers >> text=/\\$(7[0-3]|69)\\.\\d\\d/').first().waitFor();
    await page.locator('td >> text=tenant-0').first().waitFor();
    await page.locator('td >> text=qwen-32b').first().waitFor();
    await page.locator('.cost-row.charts canvas').first().waitFor();
    await page.waitForTimeout(500);
    await isAccessible(page);
    await shot(page, `cost-${theme}`);
    await page.locator('button[aria-label^="Tenant"]').click();
    await page.locator('li[role=option] >> text=tenant-1').click();
    await page.waitForURL(/var-tenant_id=tenant-1/);
    await page.locator('.cost-row.numbers >> text=/\\$3[4-6]\\.\\d\\d/').first().waitFor();
    assert.deepEqual(page.problems, []);
    await page.close();
  });
}

test('keys: help, pages, a panel on the whole page', limits, async () => {
  const page = await newPage(browser);
  await go(page, `d/strata-engine?${range}`);
  await page.locator('.panel canvas').first().waitFor();
  await page.keyboard.press('?');
  await page.locator('dialog kbd').first().waitFor();
  await isAccessible(page);
  await page.keyboard.press('Escape');
  await page.locator('.slot:not(.row-slot) .panel').nth(8).hover();
  await page.keyboard.press('v');
  await page.waitForURL(/viewPanel=/);
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => !location.search.includes('viewPanel'));
  for (const [keys, where] of [['g c', 'cost'], ['g p', 'oncall'], ['g q', 'explore'], ['g a', 'alerts'], ['g o', 'overview']]) {
    for (const key of keys.split(' ')) await page.keyboard.press(key);
    await page.waitForURL(new RegExp(`/${where}`));
  }
  assert.deepEqual(page.problems, []);
  await page.close();
});
