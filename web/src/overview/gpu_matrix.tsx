// A cell a GPU, a row a node; a cell can be chosen, and so can a row. How high a cell is filled is how busy it is; its colour and letter are
// the worst of its heat, memory, power, throttling, ECC and Xid. With the cursor on a chart it shows
// that moment.
import {useMemo} from 'preact/hooks';
import {sampleNumber, type Labels} from '../api/client';
import {rangeQuery} from '../api/query';
import {cursorTime} from '../charts/cursor';
import type {Field, Frame} from '../dashboard/frame';
import {FrameTable} from '../panels/table';
import {tick, timeRange} from '../shell/clock';
import {useLoad} from '../shell/load';
import {t} from '../shell/words';
import {onStep, stepFor} from '../time/range';
import {showNumber} from '../units/units';

interface Measure { id: string; letter: string; name: string; unit: string; warn: number; bad: number; expr: (m: string) => string }
const kBy = 'by (node, instance, gpu, uuid)';
const kMeasures: readonly Measure[] = [
  {id: 'use', letter: '', name: 'utilisation', unit: 'percentunit', warn: Infinity, bad: Infinity, expr: (m) => `max ${kBy} (gpu_utilization_ratio{${m}})`},
  {id: 'xid', letter: 'X', name: 'Xid errors', unit: 'none', warn: 0.5, bad: 0.5, expr: (m) => `sum ${kBy} (increase(gpu_xid_errors_total{${m}}[10m])) > 0`},
  {id: 'ecc', letter: 'E', name: 'ECC errors', unit: 'none', warn: 0.5, bad: 0.5, expr: (m) => `sum ${kBy} (increase(gpu_ecc_errors_total{kind="uncorrectable",memory="volatile",${m}}[10m])) > 0`},
  {id: 'heat', letter: 'H', name: 'temperature', unit: 'celsius', warn: 84, bad: 90, expr: (m) => `max ${kBy} (gpu_temperature_celsius{${m}})`},
  {id: 'throttle', letter: 'T', name: 'throttled', unit: 'none', warn: 0.5, bad: 2, expr: (m) => `max ${kBy} (gpu_throttle_reason{reason=~".*(thermal|power|slowdown).*",${m}}) > 0`},
  {id: 'memory', letter: 'M', name: 'memory', unit: 'percentunit', warn: 0.97, bad: 0.995, expr: (m) => `max ${kBy} (gpu_memory_used_bytes{${m}} / gpu_memory_total_bytes{${m}})`},
  {id: 'power', letter: 'P', name: 'power', unit: 'percentunit', warn: 1.02, bad: 1.2, expr: (m) => `max ${kBy} (gpu_power_watts{${m}} / gpu_power_limit_watts{${m}})`},
];

interface Gpu { node: string; gpu: string; uuid: string; values: Record<string, (number | undefined)[]> }
interface Grid { gpus: Gpu[]; start: number; step: number; size: number }

const nodeOf = (labels: Labels): string => labels.node || (labels.instance ?? '').replace(/:\d+$/, '');

async function loadGrid(match: string, range: {from: number; to: number}, signal: AbortSignal): Promise<Grid> {
  const step = stepFor(range.to - range.from, 60, 15_000);
  const {from: start, to: end} = onStep(range, step);
  const size = Math.floor((end - start) / step) + 1;
  const gpus = new Map<string, Gpu>();
  await Promise.all(kMeasures.map(async (measure) => {
    const {data} = await rangeQuery(measure.expr(match).replace(/,}/g, '}'), start, end, step, signal);
    if (data.resultType !== 'matrix') return;
    for (const {metric, values = []} of data.result) {
      const node = nodeOf(metric), key = `${node} ${metric.gpu}`;
      const gpu: Gpu = gpus.get(key) ?? {node, gpu: metric.gpu ?? '', uuid: metric.uuid ?? '', values: {}};
      gpus.set(key, gpu);
      const column = gpu.values[measure.id] ??= new Array<number | undefined>(size).fill(undefined);
      for (const [at, text] of values) column[Math.round((at * 1000 - start) / step)] = sampleNumber(text);
    }
  }));
  const sorted = [...gpus.values()].sort((a, b) => a.node.localeCompare(b.node, 'en', {numeric: true}) || Number(a.gpu) - Number(b.gpu));
  return {gpus: sorted, start, step, size};
}

interface Cell { level: 0 | 1 | 2; letter: string; use: number | undefined; words: string }

export function cellAt(values: Record<string, (number | undefined)[]>, slot: number): Cell {
  let level: 0 | 1 | 2 = 0, letter = '';
  const words: string[] = [];
  for (const measure of kMeasures) {
    const value = values[measure.id]?.[slot];
    if (value === undefined) continue;
    words.push(`${measure.name} ${showNumber(value, measure.unit, measure.unit === 'none' ? 0 : undefined)}`);
    const own = value >= measure.bad ? 2 : value >= measure.warn ? 1 : 0;
    if (own > level) { level = own; letter = measure.letter; }
  }
  return {level, letter, use: values.use?.[slot], words: words.join(', ')};
}

/** A row a GPU, a column a measure. */
function tableOf({gpus}: Grid, slot: number): Frame {
  const text = (name: string, values: string[]): Field => ({name, type: 'string', labels: {}, config: {}, values});
  return {refId: 'A', length: gpus.length, fields: [
    text('node', gpus.map((one) => one.node)), text('GPU', gpus.map((one) => one.gpu)),
    ...kMeasures.map((measure): Field => ({name: measure.name, type: 'number', labels: {}, config: {unit: measure.unit},
      values: gpus.map((one) => one.values[measure.id]?.[slot] ?? one.values[measure.id]?.[slot - 1] ?? null)})),
  ]};
}

interface Props { match: string; node: string; gpu: string; asTable: boolean; select: (chosen: {node: string; gpu: string}) => void }

export function GpuMatrix({match, node: selected, gpu: chosen, asTable, select}: Props) {
  const range = timeRange.value;
  const {data, error} = useLoad((signal) => loadGrid(match, range, signal), [match, range.from, range.to, tick.value]);
  const at = cursorTime.value;
  const slot = data ? Math.max(0, Math.min(data.size - 1, at === null ? data.size - 1 : Math.round((at - data.start) / data.step))) : 0;
  const rows = useMemo(() => {
    const byNode = new Map<string, Gpu[]>();
    for (const gpu of data?.gpus ?? []) byNode.set(gpu.node, [...byNode.get(gpu.node) ?? [], gpu]);
    return [...byNode];
  }, [data]);
  if (asTable && data) return <FrameTable frame={tableOf(data, slot)} />;
  if (error) return <p class="empty bad">{t('The GPUs could not be asked for.')}</p>;
  if (data && !rows.length) return <p class="empty">{t('No GPU is watched yet: run strata agent on the nodes, or scrape dcgm-exporter.')}</p>;
  return (
    // A cell is pressed here; from the keyboard it is chosen in the bar on top, which has them by name.
    <div class="gpu-matrix" role="group" aria-label={t('GPUs by node')} onClick={(event) => {
      const uuid = (event.target as HTMLElement).closest<HTMLElement>('.gpu-cell')?.dataset.uuid;
      if (uuid) select({node: '', gpu: uuid === chosen ? '' : uuid});
    }}>
      {rows.map(([node, gpus]) => (
        <div class={selected === node ? 'gpu-row chosen' : 'gpu-row'} key={node}>
          <button class="plain gpu-node" aria-pressed={selected === node} onClick={() => select({node: selected === node ? '' : node, gpu: ''})}>{node}</button>
          {gpus.map((gpu) => {
            // The newest slot of a range that ends now is often not filled yet.
            const filled = gpu.values.use?.[slot] === undefined && at === null && slot > 0 ? slot - 1 : slot;
            const cell = cellAt(gpu.values, filled);
            const tone = cell.use === undefined && !cell.words ? 'gone' : ['good', 'warn', 'bad'][cell.level];
            return (
              <span class={`gpu-cell ${tone}${gpu.uuid !== '' && gpu.uuid === chosen ? ' chosen' : ''}`} role="img" data-uuid={gpu.uuid}
                aria-label={`${node} GPU ${gpu.gpu}: ${cell.words || t('no data')}`} title={`${node} GPU ${gpu.gpu}\n${(cell.words || t('no data')).replaceAll(', ', '\n')}`}>
                <i style={{height: `${Math.round((cell.use ?? 0) * 100)}%`}} /><b>{cell.letter}</b>
              </span>
            );
          })}
        </div>
      ))}
      <p class="quiet small gpu-key">{t('height: utilisation · X Xid, E ECC, H heat, T throttled, M memory, P power')}</p>
    </div>
  );
}
