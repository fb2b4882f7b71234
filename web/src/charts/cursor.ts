// One cursor across every chart of a page. uPlot moves its own; who is no uPlot (the GPU matrix)
// reads `cursorTime`.
import {signal} from '@preact/signals';

/** The time under the mouse in milliseconds; null when it is over no chart. */
export const cursorTime = signal<number | null>(null);
/** While true the cursor stays where it is. */
export const frozen = signal(false);

export const kSync = 'strata';

let next: number | null = null;
let scheduled = false;

/** At most one change a frame reaches those who draw. */
export function moveCursor(time: number | null): void {
  if (frozen.value) return;
  next = time;
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    cursorTime.value = next;
  });
}

/** The key f: leaves the cursor where it is, or lets it go. */
export function freeze(): void {
  frozen.value = !frozen.value && cursorTime.value !== null;
}
