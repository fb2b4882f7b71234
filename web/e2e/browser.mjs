// One Chromium for a file of tests, and what they all look for: no error on the console, nothing that
// axe finds, a screenshot.
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join} from 'node:path';
import assert from 'node:assert/strict';
import {chromium} from 'playwright-core';

export const base = process.env.STRATA_URL;
export const now = Number(process.env.STRATA_NOW);
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export async function open() {
  return chromium.launch({executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox']});
}

/** A page whose errors are collected; a request that the server refuses is no error of the page. */
export async function newPage(browser, {theme = 'light', ...more} = {}) {
  const page = await browser.newPage({viewport: {width: 1440, height: 900}, colorScheme: theme, reducedMotion: 'reduce', locale: 'en-US', ...more});
  page.setDefaultTimeout(15_000);
  page.problems = [];
  page.on('pageerror', (error) => page.problems.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) page.problems.push(message.text());
  });
  return page;
}

export const go = (page, path) => page.goto(base + path, {waitUntil: 'load'});

export async function shot(page, name) {
  if (process.env.STRATA_SHOTS) await page.screenshot({path: join(process.env.STRATA_SHOTS, `${name}.png`)});
}

/** Fails with what axe finds wrong by WCAG 2.2 A and AA. Its script is not the page's, so the page's
    policy is passed by with the debugger's evaluation. */
export async function isAccessible(page) {
  await page.evaluate(`${axe}; 0`);
  const found = await page.evaluate(async () => {
    const {violations} = await window.axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']});
    return violations.map(({id, nodes}) => `${id}: ${nodes.slice(0, 4).map((node) => `${node.target.join(' ')} ${node.any[0]?.message ?? ''}`).join('; ')}`);
  });
  assert.deepEqual(found, []);
}
