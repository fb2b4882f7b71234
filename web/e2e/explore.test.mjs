// PromQL by hand: what there is to ask, what it costs, single requests, links of others.
import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';
import {go, isAccessible, newPage, now, open, shot} from './browser.mjs';

let browser;
before(async () => { browser = await open(); });
after(async () => { await browser?.close(); });
const range = `from=${now - 3_600_000}&to=${now}`;
const limits = {timeout: 60_000};

test('the metric explorer says what a metric means, and asks of it what it is good for', limits, async () => {
  const page = await newPage(browser);
  await go(page, `explore?${range}`);
  await page.click('button:has-text("Metrics")');
  await page.fill('dialog input[type=search]', 'first token');
  const row = page.locator('dialog tr', {hasText: 'llm_time_to_first_token_seconds'});
  await row.locator('td:has-text("seconds")').first().waitFor();
  await row.locator('text=From a request\'s arrival to its first token').waitFor();
  await isAccessible(page);
  await shot(page, 'metrics-light');
  await row.locator('button').click();
  await page.waitForURL(/histogram_quantile/);
  await page.locator('.explore-chart canvas').waitFor();
  assert.deepEqual(page.problems, []);
  await page.close();
});

test('exemplars are dots on the chart and rows with their traces', limits, async () => {
  const page = await newPage(browser);
  await go(page, 'explore?g0.expr=rate(traced_seconds_bucket[1m])&g0.show_exemplars=1&from=now-5m&to=now');
  await page.locator('summary', {hasText: /\d+ exemplars/}).click();
  await page.locator('td .label', {hasText: /trace_id=t\d+/}).first().waitFor();
  await page.fill('input[placeholder*="jaeger"]', 'https://traces.example/{}');
  assert.match(await page.locator('td a[href^="https://traces.example/t"]').first().getAttribute('href'), /\/t\d+$/);
  await page.close();
});

test('explain says what each part reads and costs', limits, async () => {
  const page = await newPage(browser);
  await go(page, `explore?g0.expr=sum(rate(app_requests_total[5m]))&g0.tab=explain&${range}`);
  await page.locator('dt:has-text("Samples decoded")').waitFor();
  await page.locator('td code', {hasText: 'rate(app_requests_total[5m])'}).first().waitFor();
  await isAccessible(page);
  await shot(page, 'explain-light');
  assert.deepEqual(page.problems, []);
  await page.close();
});

test('links of Grafana\'s Explore and of Prometheus open with their range', limits, async () => {
  const page = await newPage(browser);
  const panes = {a: {datasource: 'x', queries: [{refId: 'A', expr: 'llm_requests_waiting'}], range: {from: 'now-3h', to: 'now'}}};
  await go(page, `explore?schemaVersion=1&orgId=1&panes=${encodeURIComponent(JSON.stringify(panes))}`);
  await page.locator('.explore-chart canvas').waitFor();
  await page.waitForURL(/from=now-3h/);
  await go(page, 'graph?g0.expr=llm_requests_running&g0.tab=0&g0.range_input=2h&g0.step_input=60');
  await page.waitForURL(/from=now-2h/);
  await page.locator('text=/step 1 min/').waitFor();
  await page.close();
});

test('every chart can be read as a table', limits, async () => {
  const page = await newPage(browser);
  await go(page, `explore?g0.expr=llm_requests_running&${range}`);
  await page.locator('summary', {hasText: 'As a table'}).click();
  await page.locator('details table td').first().waitFor();
  await go(page, `d/strata-gpu?${range}`);
  const panel = page.locator('section[aria-label="Temperature"]');
  await panel.locator('canvas').first().waitFor();
  await panel.hover();
  await panel.locator('button[aria-label="As a table"]').click();
  await panel.locator('td').first().waitFor();
  await page.close();
});
