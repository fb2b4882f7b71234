// Dashboards made and changed by hand, and what is kept of them.
import assert from 'node:assert/strict';
import {readFile} from 'node:fs/promises';
import {after, before, test} from 'node:test';
import {base, go, isAccessible, newPage, now, open, shot} from './browser.mjs';

let browser;
before(async () => { browser = await open(); });
after(async () => { await browser?.close(); });
const range = `from=${now - 3_600_000}&to=${now}`;
const limits = {timeout: 90_000};
const stored = async (uid, version = 0) => (await (await fetch(`${base}api/dashboards/uid/${uid}${version ? `?version=${version}` : ''}`)).json()).dashboard;

test('a dashboard is made, a panel added and changed, saved, and its versions kept', limits, async () => {
  const page = await newPage(browser);
  page.on('dialog', (dialog) => void dialog.accept(dialog.type() === 'prompt' ? 'By hand' : undefined));
  await go(page, 'dashboards');
  await page.click('text=New dashboard');
  await page.waitForURL(/\/d\/\w+\?edit=1/);
  const uid = new URL(page.url()).pathname.split('/').pop();
  await page.click('text=Add a panel');
  await page.locator('.query-row .cm-content').click();
  await page.keyboard.type('llm_requests_running');
  await page.keyboard.press('Escape');
  await page.locator('.query-row button:has-text("Run")').click();
  await page.fill('label:has-text("Title") input', 'Running');
  await page.locator('label:has-text("Unit") input').fill('reqps');
  await page.locator('label:has-text("Unit") input').press('Tab');
  await page.selectOption('label:has-text("Stacking") select', 'normal');
  await page.locator('.edit-preview canvas').first().waitFor();
  await page.waitForTimeout(300);
  await isAccessible(page);
  await shot(page, 'panel-editor-light');
  await page.click('text=Back to the dashboard');
  await page.locator('text=not saved').waitFor();
  await page.fill('input[aria-label="What changed"]', 'the first panel');
  await page.click('.edit-bar button:has-text("Save")');
  await page.locator('text=/Saved as version 2/').waitFor();
  const [panel] = (await stored(uid)).panels;
  assert.equal(panel.title, 'Running');
  assert.equal(panel.targets[0].expr, 'llm_requests_running');
  assert.equal(panel.fieldConfig.defaults.unit, 'reqps');
  assert.equal(panel.fieldConfig.defaults.custom.stacking.mode, 'normal');
  const versions = await (await fetch(`${base}api/dashboards/uid/${uid}/versions`)).json();
  assert.equal(versions[0].message, 'the first panel');
  assert.deepEqual((await stored(uid, 1)).panels, []);
  assert.deepEqual(page.problems, []);
  await page.close();
});

test('panels are moved from the keyboard, and an edit is undone', limits, async () => {
  const page = await newPage(browser);
  await go(page, `d/strata-gpu?edit=1&${range}`);
  const handle = page.locator('.handle button').first();
  await handle.waitFor();
  await handle.focus();
  await page.keyboard.press('Shift+ArrowRight');
  await page.locator('text=not saved').waitFor();
  await isAccessible(page);
  await page.click('.edit-bar button:has-text("Undo")');
  await page.locator('text=not saved').waitFor({state: 'detached'});
  await page.close();
});

test('a dashboard that comes with Strata is saved over, and brought back', limits, async () => {
  const page = await newPage(browser);
  page.on('dialog', (dialog) => void dialog.accept());
  await go(page, 'd/strata-business?edit=1');
  await page.click('.edit-bar button:has-text("Settings")');
  await page.locator('form label:has-text("Title") input').fill('Ours');
  await page.locator('form label:has-text("Title") input').press('Tab');
  await page.click('.edit-bar button:has-text("Save")');
  await page.locator('h1:has-text("Ours")').waitFor();
  const given = await stored('strata-business');
  assert.equal(given.title, 'Ours');
  assert.ok(given.panels.length > 10 && given.templating.list.length > 1);
  const download = page.waitForEvent('download');
  await page.click('button:has-text("Export")');
  assert.deepEqual(JSON.parse(await readFile(await (await download).path(), 'utf8')), given);
  await fetch(`${base}api/dashboards/uid/strata-business`, {method: 'DELETE'});
  assert.equal((await stored('strata-business')).title, 'Business');
  await page.close();
});
