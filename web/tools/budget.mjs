// Fails when the page is larger than it may be: gzipped KiB of JavaScript that the first load
// needs, of CSS, and of everything.
import {readdirSync, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {gzipSync} from 'node:zlib';

const kLimits = {first: 120, css: 20, all: 400};

const dist = process.argv[2] ?? 'dist';
const files = readdirSync(dist, {recursive: true}).map(String)
  .filter((file) => statSync(join(dist, file)).isFile());
const size = (file) => gzipSync(readFileSync(join(dist, file)), {level: 9}).length / 1024;

// What index.html names, and what that imports without being asked.
const html = readFileSync(join(dist, 'index.html'), 'utf8');
const first = new Set([...html.matchAll(/(?:src|href)="\.\/([^"]+\.js)"/g)].map((match) => match[1]));
for (const file of first) {
  const text = readFileSync(join(dist, file), 'utf8');
  for (const [, name] of text.matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g)) first.add(`assets/${name}`);
}
const sum = (list) => list.reduce((total, file) => total + size(file), 0);
const sizes = {
  first: sum([...first]),
  css: sum(files.filter((file) => file.endsWith('.css'))),
  all: sum(files),
};
let over = false;
for (const [what, limit] of Object.entries(kLimits)) {
  console.log(`${what.padEnd(6)} ${sizes[what].toFixed(1).padStart(6)} of ${limit} KiB`);
  over ||= sizes[what] > limit;
}
process.exit(over ? 1 : 0);
