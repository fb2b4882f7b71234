// The time that is looked at: the range of the URL, resolved anew at each refresh.
import {computed, effect, signal, untracked} from '@preact/signals';
import {formatDuration, isRelative, kSecond, parseDuration, resolveRange, type RawRange, type TimeRange} from '../time/range';
import {serverNow, skew} from '../time/now';
import {place, setParams} from './location';

export const kRefreshChoices = ['off', '5s', '10s', '30s', '1m', '5m', '15m'] as const;

/** What a page shows when its URL says nothing: a dashboard brings its own. */
export const defaults = signal<{range: RawRange; refresh: string}>({range: {from: 'now-1h', to: 'now'}, refresh: '10s'});

/** Counts refreshes: who shows data depends on it. */
export const tick = signal(0);
const now = signal(serverNow());
/** When any answer last came. */
export const lastFresh = signal(0);

export const rawRange = computed<RawRange>(() => {
  const {params} = place.value;
  return {from: params.get('from') ?? defaults.value.range.from, to: params.get('to') ?? defaults.value.range.to};
});
export const timeRange = computed<TimeRange>(() => resolveRange(rawRange.value, now.value));
export const refreshText = computed(() => place.value.params.get('refresh') ?? defaults.value.refresh);
export const zone = computed(() => {
  const wanted = place.value.params.get('timezone') ?? '';
  return wanted === 'utc' ? 'UTC' : wanted === 'browser' ? '' : wanted;
});

const refreshEvery = computed(() => (isRelative(rawRange.value) ? parseDuration(refreshText.value) ?? 0 : 0));

export function refreshNow(): void {
  now.value = serverNow();
  tick.value += 1;
}

export function setRange(range: RawRange | TimeRange, replace = false): void {
  now.value = serverNow();
  setParams({from: String(range.from), to: String(range.to)}, replace);
}

let pending = 0;
/** Work that a refresh began: the next one waits for it, so that a slow server is not buried. */
export async function busy<T>(work: Promise<T>): Promise<T> {
  pending += 1;
  try {
    const result = await work;
    lastFresh.value = Date.now();
    return result;
  } finally {
    pending -= 1;
  }
}

/** Refreshes as often as the URL says, while somebody looks. */
export function startClock(): void {
  let timer = 0;
  const arm = (): void => {
    clearTimeout(timer);
    if (refreshEvery.value <= 0 || document.hidden) return;
    timer = window.setTimeout(() => {
      if (pending === 0) refreshNow();
      arm();
    }, Math.max(refreshEvery.value, kSecond));
  };
  effect(arm);
  let known = skew.peek();
  effect(() => {
    if (skew.value === known) return;
    known = skew.value;
    untracked(refreshNow);
  });
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden && refreshEvery.value > 0 && serverNow() - now.value > refreshEvery.value) refreshNow();
    arm();
  });
}

export const spanText = (range: TimeRange): string => formatDuration(Math.round((range.to - range.from) / kSecond) * kSecond);
