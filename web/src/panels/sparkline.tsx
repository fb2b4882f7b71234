import type {Value} from '../dashboard/frame';

/** A line without axes, 100 by 100 and stretched; decoration beside the number that it leads to. */
export function Sparkline({values, color, area}: {values: readonly Value[]; color: string; area: boolean}) {
  const numbers = values.map((value) => (typeof value === 'number' && Number.isFinite(value) ? value : null));
  const present = numbers.filter((value): value is number => value !== null);
  if (present.length < 2) return null;
  const low = present.reduce((a, b) => Math.min(a, b)), high = present.reduce((a, b) => Math.max(a, b));
  const y = (value: number): number => (high > low ? 98 - (value - low) / (high - low) * 94 : 50);
  const x = (i: number): number => i / (numbers.length - 1) * 100;
  const segments: string[] = [];
  let open: string[] = [], first = 0;
  const close = (last: number): void => {
    if (open.length > 1) segments.push(area ? `M${x(first).toFixed(1)},100 L${open.join(' L')} L${x(last).toFixed(1)},100 Z` : `M${open.join(' L')}`);
    open = [];
  };
  const lines: string[] = [];
  let line: string[] = [];
  numbers.forEach((value, i) => {
    if (value === null) { close(i - 1); if (line.length > 1) lines.push(`M${line.join(' L')}`); line = []; return; }
    if (!open.length) first = i;
    const point = `${x(i).toFixed(1)},${y(value).toFixed(1)}`;
    open.push(point);
    line.push(point);
  });
  close(numbers.length - 1);
  if (line.length > 1) lines.push(`M${line.join(' L')}`);
  return (
    <svg class="sparkline" viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
      {area && <path d={segments.join(' ')} style={{fill: color, fillOpacity: 0.2}} />}
      <path d={lines.join(' ')} style={{fill: 'none', stroke: color}} vector-effect="non-scaling-stroke" />
    </svg>
  );
}
