// On call against the real engine: the calendar, a drill that calls, a telephone's page, the timeline.
import assert from 'node:assert/strict';
import {createServer} from 'node:http';
import {after, before, test} from 'node:test';
import {go, isAccessible, newPage, open, shot} from './browser.mjs';

let browser, phone;
const calls = [];
before(async () => {
  browser = await open();
  phone = createServer((request, response) => {
    let body = '';
    request.on('data', (piece) => { body += piece; });
    request.on('end', () => { calls.push(body); response.end(); });
  });
  await new Promise((listening) => phone.listen(Number(process.env.STRATA_PHONE), '127.0.0.1', listening));
});
after(async () => { await browser?.close(); phone.close(); });
const limits = {timeout: 120_000};

// For more than a minute: a phone that has rung is left in peace for one.
async function until(what, condition) {
  for (let i = 0; i < 750; i += 1) {
    const found = condition();
    if (found) return found;
    await new Promise((go) => setTimeout(go, 100));
  }
  throw new Error(`waited for ${what}`);
}

test('the calendar shows who has it, and somebody takes over', limits, async () => {
  const page = await newPage(browser);
  await go(page, 'oncall');
  await page.locator('.calendar li').nth(13).waitFor();
  assert.ok(await page.locator('.calendar-day >> text=alice').count() > 3);
  assert.ok(await page.locator('.calendar-day >> text=bob').count() > 3);
  await page.fill('label:has-text("Your name") input', 'tester');
  const form = page.locator('form', {has: page.locator('button:has-text("Take over")')});
  await form.locator('select[aria-label="Who"]').selectOption('bob');
  await form.locator('button').click();
  await page.locator('td >> text=tester').waitFor();
  await page.locator('text=P0').first().waitFor();
  await isAccessible(page);
  await shot(page, 'oncall-light');
  await page.locator('tr', {hasText: 'tester'}).locator('button:has-text("Remove")').click();
  await page.locator('td >> text=tester').waitFor({state: 'detached'});
  assert.deepEqual(page.problems, []);
  await page.close();
});

test('a drill calls, is acknowledged with one tap on a telephone, and its page tells it', limits, async () => {
  const page = await newPage(browser);
  page.on('dialog', (dialog) => void dialog.accept());
  await go(page, 'oncall');
  await page.fill('label:has-text("Your name") input', 'tester');
  const before = calls.length;
  await page.click('text=Begin a drill');
  await page.waitForURL(/incidents\/\d+/);
  await page.locator('text=drill').first().waitFor();
  const link = await until('a call with a link', () => calls.slice(before).filter((body) => /drill/i.test(body)).map((body) => /https?:\/\/[^"\\\s]+\/ack\/[^"\\\s]+/.exec(body)?.[0]).find(Boolean));
  const telephone = await newPage(browser, {viewport: {width: 390, height: 780}, isMobile: true, hasTouch: true});
  await telephone.goto(link);
  const button = telephone.locator('button');
  assert.ok((await button.boundingBox()).height >= 44, 'a thumb finds it');
  assert.ok(await telephone.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing to scroll sideways');
  await isAccessible(telephone);
  await shot(telephone, 'phone-light');
  await button.tap();
  await telephone.locator('h1:has-text("Acknowledged")').waitFor();
  await page.keyboard.press('r');
  await page.locator('.timeline >> text=/acknowledge/i').first().waitFor();
  await page.locator('section', {hasText: 'Calls'}).locator('td:has-text("phone")').first().waitFor();
  await isAccessible(page);
  await shot(page, 'incident-light');
  await page.click('button:has-text("Resolve")');
  await page.locator('.state:has-text("resolved")').first().waitFor();
  assert.deepEqual(page.problems, []);
  await page.close();
});

test('filters are saved under a name, and alerts are silenced in bulk with a preview', limits, async () => {
  const page = await newPage(browser);
  page.on('dialog', (dialog) => void dialog.accept('mine'));
  await go(page, 'alerts');
  await page.locator('td >> text=TargetDown').first().waitFor();
  await page.fill('input[type=search]', 'TargetDown');
  await page.click('text=Save this filter');
  await page.locator('button:has-text("★ mine")').waitFor();
  await page.fill('input[type=search]', '');
  await page.click('button:has-text("★ mine")');
  await page.waitForURL(/q=TargetDown/);
  await page.keyboard.press('Escape');
  await page.locator('h1').click();
  await page.keyboard.press('x');
  await page.keyboard.press('s');
  await page.locator('text=/Hits 1 alerts/').waitFor();
  await page.reload();
  await page.locator('button:has-text("★ mine")').waitFor();
  await page.close();
});

test('incidents: rows from the keyboard, acknowledged in bulk', limits, async () => {
  const page = await newPage(browser);
  await go(page, 'incidents');
  const first = page.locator('tbody tr').first();
  await first.waitFor();
  await page.fill('label:has-text("Your name") input', 'tester');
  await page.locator('h1').click();
  await page.keyboard.press('x');
  await page.keyboard.press('a');
  await page.locator('tbody .state:has-text("acknowledged")').first().waitFor();
  await isAccessible(page);
  await shot(page, 'incidents-acknowledged-light');
  await page.close();
});
