import {readdirSync, readFileSync} from 'node:fs';
import {expect, it} from 'vitest';
import {chinese} from '../src/shell/words_zh';

const folder = new URL('../src/', import.meta.url);
const texts = readdirSync(folder, {recursive: true}).map(String).filter((name) => /\.tsx?$/.test(name)).flatMap((name) => (
  [...readFileSync(new URL(name, folder), 'utf8').matchAll(/\bt\('((?:[^'\\]|\\.)*)'/g)].map((match) => match[1].replaceAll("\\'", "'"))));

it('every text of the page is there in Chinese', () => {
  expect(texts.length).toBeGreaterThan(150);
  expect([...new Set(texts)].filter((text) => !chinese[text])).toEqual([]);
});

it('a translation has the same blanks', () => {
  const blanks = (text: string): string => [...text.matchAll(/\{\d\}/g)].map(([blank]) => blank).sort().join('');
  expect(Object.entries(chinese).filter(([english, text]) => blanks(english) !== blanks(text))).toEqual([]);
});
