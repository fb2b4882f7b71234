// Keys that work everywhere. A page adds its own with useKeys.
import {signal} from '@preact/signals';
import {useEffect, useRef} from 'preact/hooks';
import {shifted} from '../time/range';
import {refreshNow, setRange, timeRange} from './clock';
import {navigate} from './location';
import {beginNote} from './note';

export type Keys = Record<string, () => void>;
export const paletteOpen = signal(false);
export const helpOpen = signal(false);

const kGo: Record<string, string> = {
  o: 'overview', q: 'explore', d: 'dashboards', a: 'alerts', i: 'incidents', r: 'rules', t: 'targets', s: 'status', c: 'cost', p: 'oncall',
};

const typing = (event: KeyboardEvent): boolean => {
  const target = event.composedPath()[0];
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
};

/** What is open in front has the keys; Escape closes it. */
const covered = (): boolean => document.querySelector('dialog[open]') !== null;

export function useKeys(keys: Keys): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (typing(event) || event.ctrlKey || event.metaKey || event.altKey || prefix || covered()) return;
      const action = latest.current[event.key];
      if (!action) return;
      event.preventDefault();
      action();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
}

let prefix = '';  // the first key of a pair that was pressed
let timer = 0;

function press(event: KeyboardEvent): void {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
    event.preventDefault();
    paletteOpen.value = true;
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event) || (covered() && event.key !== '?')) return;
  const before = prefix;
  prefix = '';
  if (before === 'g' && kGo[event.key]) return navigate(kGo[event.key]);
  if (before === 't' && event.key === 'ArrowLeft') return setRange(shifted(timeRange.value, -0.5));
  if (before === 't' && event.key === 'ArrowRight') return setRange(shifted(timeRange.value, 0.5));
  if (event.key === 'g' || event.key === 't') {
    prefix = event.key;
    clearTimeout(timer);
    timer = window.setTimeout(() => { prefix = ''; }, 1500);
  } else if (event.key === '/') {
    event.preventDefault();
    paletteOpen.value = true;
  } else if (event.key === '?') {
    helpOpen.value = !helpOpen.value;
  } else if (event.key === 'n') {
    event.preventDefault();  // the letter is not the note's first
    beginNote();
  } else if (event.key === 'r') {
    refreshNow();
  }
}

export function useKeyboard(): void {
  useEffect(() => {
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
}
