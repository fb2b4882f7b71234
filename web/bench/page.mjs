// What the page costs a browser, as JSON: called by bench/page.py, which makes the server.
//   largest contentful paint, cold, of the overview; until a board of 20 panels is drawn and idle;
//   script of a mouse move over 40 panels; the heap over 1,000 refreshes.
import {chromium} from 'playwright-core';

const base = process.env.STRATA_URL;
const range = process.env.STRATA_RANGE;  // from=…&to=…
const runs = Number(process.env.RUNS ?? 5);
const refreshes = Number(process.env.REFRESHES ?? 1000);

/** A page of a browser that has seen nothing yet. */
async function cold(browser) {
  const context = await browser.newContext({viewport: {width: 1440, height: 900}, reducedMotion: 'reduce', locale: 'en-US'});
  return {page: await context.newPage(), close: () => context.close()};
}

async function paint(browser) {
  const {page, close} = await cold(browser);
  await page.goto(`${base}overview?${range}`, {waitUntil: 'load'});
  await page.locator('.layer canvas').first().waitFor();
  await page.waitForTimeout(1500);
  const at = await page.evaluate(() => new Promise((found) => {
    new PerformanceObserver((list) => found(list.getEntries().at(-1).startTime)).observe({type: 'largest-contentful-paint', buffered: true});
  }));
  await close();
  return at;
}

/** From the navigation's start until every panel is drawn and the page is free to answer. */
async function interactive(browser, uid, panels) {
  const {page, close} = await cold(browser);
  await page.addInitScript((count) => {
    const look = () => {
      const drawn = [...document.querySelectorAll('.panel')].filter((one) => one.querySelector('canvas') && one.getAttribute('aria-busy') === 'false');
      if (drawn.length < count) return requestAnimationFrame(look);
      // What was still to be done is done when this comes round.
      requestIdleCallback(() => { window.drawnAt ??= performance.now(); });
    };
    requestAnimationFrame(look);
  }, panels);
  await page.goto(`${base}d/${uid}?${range}&refresh=off`, {waitUntil: 'load'});
  await page.waitForFunction(() => window.drawnAt !== undefined, undefined, {timeout: 120_000});
  const at = await page.evaluate(() => window.drawnAt);
  await close();
  return at;
}

async function hover(browser, uid) {
  const {page, close} = await cold(browser);
  await page.setViewportSize({width: 1440, height: 1800});
  await page.goto(`${base}d/${uid}?${range}&refresh=off`, {waitUntil: 'load'});
  await page.waitForFunction(() => document.querySelectorAll('.panel[aria-busy=false] canvas').length >= 40, undefined, {timeout: 120_000});
  await page.waitForTimeout(1000);
  const client = await page.context().newCDPSession(page);
  await client.send('Performance.enable');
  const scripted = async () => Object.fromEntries((await client.send('Performance.getMetrics')).metrics.map(({name, value}) => [name, value]));
  const box = await page.locator('.u-over').first().boundingBox();
  const moves = 200;
  await page.mouse.move(box.x + 5, box.y + 20);
  const before = await scripted();
  for (let i = 0; i < moves; i += 1) {
    await page.mouse.move(box.x + 5 + (box.width - 10) * i / moves, box.y + 20 + i % 30);
    await page.evaluate(() => new Promise(requestAnimationFrame));  // one move a frame, as a screen has them
  }
  const after = await scripted();
  await close();
  return {script: (after.ScriptDuration - before.ScriptDuration) / moves * 1000, task: (after.TaskDuration - before.TaskDuration) / moves * 1000};
}

async function heap(browser, uid) {
  const {page, close} = await cold(browser);
  await page.goto(`${base}d/${uid}?from=now-3h&to=now&refresh=off`, {waitUntil: 'load'});
  await page.waitForFunction(() => document.querySelectorAll('.panel[aria-busy=false] canvas').length >= 6);
  await page.waitForTimeout(1000);
  const client = await page.context().newCDPSession(page);
  await client.send('HeapProfiler.enable');
  await client.send('Performance.enable');
  const used = async () => {
    await client.send('HeapProfiler.collectGarbage');
    const {metrics} = await client.send('Performance.getMetrics');
    const of = (name) => metrics.find((one) => one.name === name).value;
    return {heap: of('JSHeapUsedSize'), nodes: of('Nodes'), listeners: of('JSEventListeners')};
  };
  const samples = [];
  for (let i = 0; i <= refreshes; i += 1) {
    if (i % 100 === 0) samples.push({refreshes: i, ...await used()});
    const answered = page.waitForEvent('requestfinished', {predicate: (request) => request.url().includes('query_batch'), timeout: 60_000});
    await page.keyboard.press('r');
    await answered;
    await page.evaluate(() => new Promise((go) => requestAnimationFrame(() => setTimeout(go))));
  }
  await close();
  return samples;
}

const launch = () => chromium.launch({executablePath: process.env.CHROMIUM, args: ['--no-sandbox', '--enable-precise-memory-info']});
let browser = await launch();
const said = (what, value) => { console.error(what, JSON.stringify(value)); return value; };  // for whoever waits
const repeat = async (work) => { const list = []; for (let i = 0; i < runs; i += 1) list.push(await work()); return list; };
const result = {
  paint: said('paint', await repeat(() => paint(browser))),
  interactive: said('interactive', await repeat(() => interactive(browser, 'bench-20', 20))),
  hover: said('hover', await repeat(() => hover(browser, 'bench-40'))),
};
await browser.close();
browser = await launch();  // one that has done nothing else
result.heap = said('heap', await heap(browser, 'bench-heap'));
await browser.close();
console.log(JSON.stringify(result));
