import {describe, expect, it} from 'vitest';
import {formatDuration, parseDuration, parseTime, rateInterval, resolveRange, stepFor} from '../src/time/range';

const now = new Date(2026, 10, 24, 15, 30, 20).getTime();

describe('times as people and URLs write them', () => {
  it('reads durations', () => {
    expect(parseDuration('90s')).toBe(90_000);
    expect(parseDuration('1h30m')).toBe(5_400_000);
    expect(parseDuration('15')).toBe(15_000);
    expect(parseDuration('250ms')).toBe(250);
    for (const bad of ['', 'x', '5 m', '-1m', '1h-']) expect(parseDuration(bad), bad).toBeUndefined();
  });
  it('writes what PromQL reads', () => {
    expect(formatDuration(5_400_000)).toBe('1h30m');
    expect(formatDuration(250)).toBe('250ms');
    expect(formatDuration(0)).toBe('1ms');
  });
  it('reads relative, rounded and absolute times', () => {
    expect(parseTime('now-1h', now)).toBe(now - 3_600_000);
    expect(parseTime('now/d', now)).toBe(new Date(2026, 10, 24).getTime());
    expect(parseTime('now/d', now, true)).toBe(new Date(2026, 10, 25).getTime() - 1);
    expect(parseTime('now-1d/d', now)).toBe(new Date(2026, 10, 23).getTime());
    expect(parseTime('1764000000', now)).toBe(1_764_000_000_000);
    expect(parseTime('1764000000000', now)).toBe(1_764_000_000_000);
    expect(parseTime('2026-11-24T10:00:00Z', now)).toBe(Date.UTC(2026, 10, 24, 10));
    for (const bad of ['', 'yesterday', 'now-', 'now-1x']) expect(parseTime(bad, now), bad).toBeUndefined();
  });
  it('a range is never empty and never backwards', () => {
    expect(resolveRange({from: 'now', to: 'now-1h'}, now).from).toBeLessThan(now - 3_600_000);
    expect(resolveRange({from: 'nonsense', to: 'now'}, now)).toEqual({from: now - 3_600_000, to: now});
  });
});

describe('the steps of queries', () => {
  it('are Grafana\'s', () => {
    expect(stepFor(3_600_000, 1000, 15_000)).toBe(15_000);
    expect(stepFor(6 * 3_600_000, 1000, 15_000)).toBe(20_000);
    expect(stepFor(24 * 3_600_000, 1000, 15_000)).toBe(60_000);
    expect(stepFor(7 * 86_400_000, 1000, 15_000)).toBe(600_000);
  });
  it('never ask for more points than an answer may have', () => {
    expect(30 * 86_400_000 / stepFor(30 * 86_400_000, 1e9, 1)).toBeLessThanOrEqual(11_000);
  });
  it('hold four scrapes in a rate', () => {
    expect(rateInterval(15_000, 15_000)).toBe(60_000);
    expect(rateInterval(60_000, 15_000)).toBe(75_000);
  });
});
