// Values upon values: stacked series, drawn from the outermost in.

export type Column = readonly (number | null)[];
export interface Stacked {
  values: (number | null)[][];
  /** [above, below]: indices of series between which the area is filled; below is -1 for the axis. */
  bands: [number, number][];
}

/** Series of one group lie upon each other; a group of '' does not. A null adds nothing, and leaves a
    gap in its own line. `percent`: groups' sums are 1. */
export function stack(columns: readonly Column[], groups: readonly string[], percent: boolean): Stacked {
  const sums = new Map<string, Float64Array>();
  const totals = new Map<string, Float64Array>();
  const length = columns[0]?.length ?? 0;
  if (percent) {
    columns.forEach((column, index) => {
      if (!groups[index]) return;
      const total = totals.get(groups[index]) ?? new Float64Array(length);
      for (let i = 0; i < length; i += 1) total[i] += Math.abs(column[i] ?? 0);
      totals.set(groups[index], total);
    });
  }
  const last = new Map<string, number>();
  const bands: [number, number][] = [];
  const values = columns.map((column, index) => {
    const group = groups[index];
    if (!group) return [...column];
    const sum = sums.get(group) ?? new Float64Array(length);
    const total = totals.get(group);
    sums.set(group, sum);
    bands.push([index, last.get(group) ?? -1]);
    last.set(group, index);
    return column.map((value, i) => {
      if (value === null) return null;
      sum[i] += total ? (total[i] ? value / total[i] : 0) : value;
      return sum[i];
    });
  });
  return {values, bands};
}
