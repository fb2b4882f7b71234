// The server's time. Browsers' clocks are wrong by minutes more often than one thinks, and "the
// last five minutes" are the server's: its answers say what time it is there.
import {signal} from '@preact/signals';

const kIgnored = 3000;  // headers have whole seconds, and an answer takes a while

/** How far the server's clock is ahead of this browser's, in milliseconds; 0 when it is close. */
export const skew = signal(0);

export const serverNow = (): number => Date.now() + skew.peek();

/** Takes the Date header of an answer that was asked for at `asked` by this browser's clock. */
export function noteServerTime(header: string | null, asked: number, here = Date.now()): void {
  const there = header ? Date.parse(header) : NaN;
  if (Number.isNaN(there) || here - asked > kIgnored) return;  // a slow answer says little
  const found = there + 500 - (asked + here) / 2;
  const next = Math.abs(found) < kIgnored ? 0 : Math.round(found / 1000) * 1000;
  if (Math.abs(next - skew.peek()) >= kIgnored || (next === 0 && skew.peek() !== 0)) skew.value = next;
}
