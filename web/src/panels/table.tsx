import {useState} from 'preact/hooks';
import {inkOn} from '../charts/colors';
import {display} from '../dashboard/field';
import {nameOf, timeField, type Field, type Frame} from '../dashboard/frame';
import {kReducers, reduce} from '../dashboard/reduce';
import {sortedRows, withRows} from '../dashboard/transform';
import {zone} from '../shell/clock';
import {t} from '../shell/words';
import {dateTime} from '../time/format';
import {scaleOf} from './gauge';
import type {PanelProps} from './panel_props';

const kPage = 200;

/** Series under each other where there are many; a table shows one frame. */
function asTable(frames: readonly Frame[]): Frame[] {
  if (frames.length <= 1) return [...frames];
  const series = frames.every((frame) => frame.fields.length === 2 && frame.fields[0].type === 'time' && frame.fields[1].type === 'number');
  if (!series || frames.some((frame) => frame.length !== 1)) return [...frames];
  const keys = [...new Set(frames.flatMap((frame) => Object.keys(frame.fields[1].labels)))].sort();
  return [{refId: frames[0].refId, length: frames.length, fields: [
    timeField(frames.map((frame) => Number(frame.fields[0].values[0]))),
    ...keys.map((key): Field => ({name: key, type: 'string', labels: {}, config: {}, values: frames.map((frame) => frame.fields[1].labels[key] ?? '')})),
    {...frames[0].fields[1], labels: {}, displayName: undefined, values: frames.map((frame) => frame.fields[1].values[0])},
  ]}];
}

const cellType = (field: Field): string => field.config.custom?.cellOptions?.type ?? field.config.custom?.displayMode ?? 'auto';

function Cell({field, row}: {field: Field; row: number}) {
  const value = field.values[row];
  if (field.type === 'time') return <td class="nowrap">{typeof value === 'number' ? dateTime(value, zone.value) : '–'}</td>;
  const type = cellType(field);
  const config = type === 'auto' && !field.config.color ? {...field.config, color: {mode: 'none'}} : field.config;
  const shown = display(config, value);
  const text = shown.prefix + shown.text + shown.suffix;
  const filled = type.startsWith('color-background') && shown.color;
  const align = field.config.custom?.align;
  const style = filled ? {background: shown.color, color: inkOn(shown.color ?? '')} : type === 'color-text' ? {color: shown.color} : undefined;
  const kind = (align && align !== 'auto' ? align === 'right' : field.type === 'number') ? 'number' : undefined;
  const link = field.config.links?.[0];
  if (type.includes('gauge') || type === 'lcd-gauge' || type === 'basic') {
    const {min, max} = scaleOf(field, []);
    const share = Math.min(1, Math.max(0, ((shown.number ?? min) - min) / ((field.config.max ?? Math.max(max, ...field.values.map(Number))) - min)));
    return <td class="gauge-cell"><span class="bar-track"><i style={{width: `${share * 100}%`, background: shown.color ?? 'var(--s1)'}} /></span><b>{text}</b></td>;
  }
  return <td class={kind} style={style}>{link ? <a href={link.url.replace(/\$\{__value\.(raw|text)\}/g, () => encodeURIComponent(String(value)))}>{text}</a> : text}</td>;
}

function Footer({fields, reducer}: {fields: readonly Field[]; reducer: string}) {
  return <tfoot><tr>{fields.map((field, i) => (
    <td class={field.type === 'number' ? 'number' : undefined}>{field.type === 'number' ? displayReduced(field, reducer) : i === 0 ? kReducers[reducer] ?? reducer : ''}</td>
  ))}</tr></tfoot>;
}
const displayReduced = (field: Field, reducer: string): string => {
  const {prefix, text, suffix} = display({...field.config, mappings: []}, reduce(field.values, reducer));
  return prefix + text + suffix;
};

/** A frame as an HTML table that can be sorted. Also the table view of charts. */
export function FrameTable({frame, sort: initial, footer, head = true}: {frame: Frame; sort?: {name: string; desc: boolean}; footer?: string; head?: boolean}) {
  const [sort, setSort] = useState(initial ?? null);
  const [shown, setShown] = useState(kPage);
  const fields = frame.fields.filter((field) => !field.config.custom?.hidden);
  const by = sort ? fields.find((field) => nameOf(field, frame) === sort.name) : undefined;
  const sorted = by && sort ? withRows(frame, sortedRows(by.values, sort.desc)) : frame;
  const columns = sorted.fields.filter((field) => !field.config.custom?.hidden);
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label={t('Table')}>
      <table class="data">
        {head && <thead><tr>{fields.map((field) => {
          const name = nameOf(field, frame);
          const active = sort?.name === name;
          return <th class={field.type === 'number' ? 'number' : undefined} aria-sort={active ? (sort.desc ? 'descending' : 'ascending') : undefined}
            style={{width: field.config.custom?.width ? `${field.config.custom.width}px` : ''}}>
            <button onClick={() => setSort({name, desc: active ? !sort.desc : field.type === 'number'})}>{name}{active ? (sort.desc ? ' ↓' : ' ↑') : ''}</button></th>;
        })}</tr></thead>}
        <tbody>{Array.from({length: Math.min(shown, sorted.length)}, (_, row) => <tr>{columns.map((field) => <Cell field={field} row={row} />)}</tr>)}</tbody>
        {footer && <Footer fields={columns} reducer={footer} />}
      </table>
      {sorted.length > shown && <button class="more" onClick={() => setShown(shown + 5 * kPage)}>{t('{0} more rows', sorted.length - shown)}</button>}
    </div>
  );
}

export function TablePanel({panel, data}: PanelProps) {
  const [index, setIndex] = useState(0);
  const frames = asTable(data.frames);
  const frame = frames[Math.min(index, frames.length - 1)];
  if (!frame) return null;
  const {sortBy = [], footer} = panel.options;
  return (
    <>
      <FrameTable frame={frame} head={panel.options.showHeader !== false} footer={footer?.show ? footer.reducer?.[0] ?? 'sum' : undefined}
        sort={sortBy[0] ? {name: sortBy[0].displayName, desc: sortBy[0].desc === true} : undefined} />
      {frames.length > 1 && (
        <select aria-label={t('Series')} value={index} onChange={(event) => setIndex(Number(event.currentTarget.value))}>
          {frames.map((one, i) => <option value={i}>{one.name ?? one.refId}</option>)}
        </select>
      )}
    </>
  );
}
