// One number of a column: Grafana's calculations by their ids.
import type {Value} from './frame';

export const kReducers: Record<string, string> = {
  lastNotNull: 'Last', last: 'Last', firstNotNull: 'First', first: 'First', min: 'Min', max: 'Max', mean: 'Mean', sum: 'Total',
  count: 'Count', range: 'Range', delta: 'Delta', diff: 'Difference', diffperc: 'Difference %', stdDev: 'StdDev', variance: 'Variance',
  median: 'Median', distinctCount: 'Distinct', allIsZero: 'All zero', allIsNull: 'All null', changeCount: 'Changes', step: 'Step', logmin: 'Min > 0',
};

const sumOf = (list: readonly number[]): number => list.reduce((sum, value) => sum + value, 0);

function percentile(list: readonly number[], share: number): number {
  const sorted = [...list].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))];
}

function spread(list: readonly number[]): number {
  const mean = sumOf(list) / list.length;
  return sumOf(list.map((value) => (value - mean) ** 2)) / list.length;
}

/** Grows only; a value below the one before is a counter that began again. */
function growth(list: readonly number[]): number {
  let sum = 0;
  for (let i = 1; i < list.length; i += 1) sum += list[i] >= list[i - 1] ? list[i] - list[i - 1] : list[i];
  return sum;
}

/** Null where there is nothing to calculate with. */
export function reduce(values: readonly Value[], calc: string): Value {
  if (calc === 'last') return values.length ? values[values.length - 1] : null;
  if (calc === 'first') return values.length ? values[0] : null;
  if (calc === 'lastNotNull' || calc === 'firstNotNull') {
    const present = values.filter((value) => value !== null);
    return present.length ? present[calc === 'lastNotNull' ? present.length - 1 : 0] : null;
  }
  const list = values.filter((value): value is number => typeof value === 'number');
  switch (calc) {
    case 'count': return values.length;
    case 'distinctCount': return new Set(values).size;
    case 'changeCount': return values.filter((value, i) => i > 0 && value !== values[i - 1]).length;
    case 'allIsNull': return Number(values.every((value) => value === null));
    default: break;
  }
  if (!list.length) return null;
  switch (calc) {
    case 'min': return list.reduce((a, b) => Math.min(a, b));
    case 'max': return list.reduce((a, b) => Math.max(a, b));
    case 'mean': return sumOf(list) / list.length;
    case 'sum': case 'total': return sumOf(list);
    case 'range': return list.reduce((a, b) => Math.max(a, b)) - list.reduce((a, b) => Math.min(a, b));
    case 'diff': return list[list.length - 1] - list[0];
    case 'diffperc': return (list[list.length - 1] - list[0]) / list[0];
    case 'delta': return growth(list);
    case 'variance': return spread(list);
    case 'stdDev': return Math.sqrt(spread(list));
    case 'median': return percentile(list, 0.5);
    case 'allIsZero': return Number(list.every((value) => value === 0));
    case 'logmin': {
      const positive = list.filter((value) => value > 0);
      return positive.length ? Math.min(...positive) : null;
    }
    default: {
      const match = /^p(\d+)$/.exec(calc);
      return match ? percentile(list, Number(match[1]) / 100) : list[list.length - 1];
    }
  }
}
