import {useState} from 'preact/hooks';
import {kReducers, reduce} from '../dashboard/reduce';
import type {LegendOptions} from '../dashboard/types';
import {t} from '../shell/words';
import {showNumber} from '../units/units';
import type {PlotSeries} from './plot_view';

const kShown = 100;

interface Props {
  series: readonly PlotSeries[];
  options: LegendOptions;
  toggle: (index: number, only: boolean) => void;
  highlight: (index: number | null) => void;
}

const calcText = (series: PlotSeries, calc: string): string => {
  const value = reduce(series.values, calc);
  return typeof value === 'number' ? showNumber(value, series.unit, series.decimals) : '–';
};

/** Names and calculations of the series. A click shows one alone, with Ctrl it hides it. */
export function Legend({series, options, toggle, highlight}: Props) {
  const [sort, setSort] = useState<{calc: string; desc: boolean} | null>(
    options.sortBy ? {calc: Object.keys(kReducers).find((id) => kReducers[id] === options.sortBy || id === options.sortBy) ?? '', desc: options.sortDesc !== false} : null);
  const calcs = options.calcs ?? [];
  let order = series.map((_, i) => i).filter((i) => !series[i].custom.hideFrom?.legend);
  if (sort) {
    const keys = series.map((one) => (sort.calc === 'name' ? one.name : reduce(one.values, sort.calc)));
    order = [...order].sort((a, b) => {
      const [x, y] = [keys[a], keys[b]];
      const by = typeof x === 'number' && typeof y === 'number' ? x - y : String(x ?? '').localeCompare(String(y ?? ''));
      return sort.desc ? -by : by;
    });
  }
  const rest = order.length - kShown;
  const entry = (i: number) => ({
    class: series[i].hidden ? 'off' : undefined,
    onMouseEnter: () => highlight(i), onMouseLeave: () => highlight(null),
  });
  const name = (i: number) => (
    <button aria-pressed={!series[i].hidden} title={series[i].name} onClick={(event) => toggle(i, !(event.ctrlKey || event.metaKey))}>
      <i class="swatch" style={{background: series[i].color}} />{series[i].name}
    </button>
  );
  const more = rest > 0 && <p class="quiet small">{t('{0} more', rest)}</p>;
  if (options.displayMode === 'table') {
    const head = (calc: string, label: string) => (
      <th class={calc === 'name' ? undefined : 'number'} aria-sort={sort?.calc === calc ? (sort.desc ? 'descending' : 'ascending') : undefined}>
        <button onClick={() => setSort({calc, desc: sort?.calc === calc ? !sort.desc : true})}>{label}{sort?.calc === calc ? (sort.desc ? ' ↓' : ' ↑') : ''}</button></th>
    );
    return (
      <div class={`legend table ${options.placement ?? 'bottom'}`} tabIndex={0} role="group" aria-label={t('Series')}>
        <table>
          <thead><tr>{head('name', t('Name'))}{calcs.map((calc) => head(calc, kReducers[calc] ?? calc))}</tr></thead>
          <tbody>{order.slice(0, kShown).map((i) => (
            <tr {...entry(i)}><td>{name(i)}</td>{calcs.map((calc) => <td class="number">{calcText(series[i], calc)}</td>)}</tr>
          ))}</tbody>
        </table>{more}
      </div>
    );
  }
  return (
    <div class={`legend list ${options.placement ?? 'bottom'}`} tabIndex={0} role="group" aria-label={t('Series')}>
      {order.slice(0, kShown).map((i) => (
        <span {...entry(i)}>{name(i)}{calcs.map((calc) => <span class="quiet"> {kReducers[calc] ?? calc}: <b>{calcText(series[i], calc)}</b></span>)}</span>
      ))}{more}
    </div>
  );
}
