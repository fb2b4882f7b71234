// Colours by Grafana's names and by CSS ones. They are CSS variables where a theme decides; what is
// painted on a canvas is looked up when it is painted.
import {dark} from '../shell/settings';

/** The series' colours in their order; told apart by people who see red and green as one. */
export const kPalette: readonly string[] = Array.from({length: 12}, (_, i) => `var(--s${i + 1})`);

const kHues: Record<string, [string, string]> = {  // [light theme, dark theme]
  green: ['#1a7f4b', '#4cc38a'], yellow: ['#9a6700', '#f0b429'], orange: ['#c2570c', '#f2924a'],
  red: ['#c0262d', '#ff7b72'], blue: ['#1f63c4', '#6ea8fe'], purple: ['#7a4fc9', '#b79bfa'],
};
const kShade: Record<string, number> = {'super-light': 0.55, light: 0.3, 'semi-dark': -0.15, dark: -0.3};
const kWords: Record<string, string> = {text: 'var(--text)', transparent: 'transparent', white: '#fff', black: '#000', gray: 'var(--quiet)', grey: 'var(--quiet)'};

function mixed(hex: string, by: number): string {
  return by > 0 ? `color-mix(in srgb, ${hex}, white ${Math.round(by * 100)}%)` : `color-mix(in srgb, ${hex}, black ${Math.round(-by * 100)}%)`;
}

/** "semi-dark-red", "#73BF69", "rgb(…)", "text" → CSS. */
export function colorOf(name: string): string {
  const word = kWords[name];
  if (word) return word;
  const match = /^(?:(super-light|light|semi-dark|dark)-)?(green|yellow|orange|red|blue|purple)$/.exec(name);
  if (!match) return /^(#[0-9a-fA-F]{3,8}|rgba?\([\d.,\s%]+\)|hsla?\([\d.,\s%deg]+\)|[a-z]+|var\(--[\w-]+\))$/.test(name) ? name : 'var(--quiet)';
  const hue = kHues[match[2]][dark.value ? 1 : 0];
  return match[1] ? mixed(hue, kShade[match[1]]) : hue;
}

const probe = (): HTMLElement => {
  let element = document.getElementById('color-probe');
  if (!element) {
    element = document.createElement('span');
    element.id = 'color-probe';
    element.hidden = true;
    document.body.append(element);
  }
  return element;
};
let cache = new Map<string, [number, number, number, number]>();
let cachedDark = false;

/** Red, green, blue of 0 to 255 and opacity, of any CSS colour in the theme of now. */
function channels(css: string): [number, number, number, number] {
  if (cachedDark !== dark.value) { cache = new Map(); cachedDark = dark.value; }
  let found = cache.get(css);
  if (!found) {
    const element = probe();
    element.style.color = 'transparent';
    element.style.color = css;
    const text = getComputedStyle(element).color;
    const parts = (/\(([^)]*)\)/.exec(text)?.[1] ?? '0 0 0').replace('srgb', '').split(/[\s,/]+/).filter(Boolean).map(Number);
    const scale = text.startsWith('color(') ? 255 : 1;
    found = [parts[0] * scale, parts[1] * scale, parts[2] * scale, parts[3] ?? 1];
    cache.set(css, found);
  }
  return found;
}

/** For a canvas: rgba() with the opacity multiplied by `alpha`. */
export function paint(css: string, alpha = 1): string {
  const [r, g, b, a] = channels(css);
  return `rgba(${Math.round(r)},${Math.round(g)},${Math.round(b)},${(a * alpha).toFixed(3)})`;
}

/** Black or white, whichever can be read on the colour. */
export function inkOn(css: string): string {
  const linear = channels(css).slice(0, 3).map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  const light = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  return light > 0.179 ? '#000' : '#fff';
}
