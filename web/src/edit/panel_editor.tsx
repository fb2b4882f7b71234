// A panel and what it is made of, side by side: what is changed is seen at once, and saved with the
// dashboard.
import type {ComponentChildren} from 'preact';
import type {Mark} from '../charts/plot_view';
import type {Scope} from '../dashboard/interpolate';
import {kReducers} from '../dashboard/reduce';
import type {CustomConfig, FieldConfig, GridPos, Panel, PanelOptions, Target} from '../dashboard/types';
import {PanelBox} from '../panels/panel';
import {Editor} from '../shell/editor';
import {Icon} from '../shell/icons';
import {t} from '../shell/words';
import {placed} from './draft';

interface Props { panel: Panel; scope: Scope; marks: readonly Mark[]; change: (panel: Panel) => void; remove: () => void; copy: () => void; done: () => void }

const kTypes = ['timeseries', 'stat', 'gauge', 'bargauge', 'table', 'heatmap', 'piechart', 'barchart', 'state-timeline', 'text'];
const kUnits = ['short', 'none', 'percentunit', 'percent', 's', 'ms', 'bytes', 'decbytes', 'Bps', 'binBps', 'reqps', 'ops', 'count:tok/s', 'celsius', 'watt', 'hertz', 'joule', 'currencyUSD', 'dateTimeAsIso'];
const kColors = ['green', 'yellow', 'orange', 'red', 'blue', 'purple', 'text', 'transparent'];

const maybe = (text: string): number | undefined => (text.trim() === '' || Number.isNaN(Number(text)) ? undefined : Number(text));

function Field({label, children}: {label: string; children: ComponentChildren}) {
  return <label><span>{label}</span>{children}</label>;
}

function Text({label, value, set, list}: {label: string; value: string; set: (text: string) => void; list?: string}) {
  return <Field label={label}><input value={value} list={list} onChange={(event) => set(event.currentTarget.value)} /></Field>;
}

function Choice({label, value, options, set}: {label: string; value: string; options: readonly string[]; set: (value: string) => void}) {
  return <Field label={label}><select value={value} onChange={(event) => set(event.currentTarget.value)}>{options.map((one) => <option value={one}>{one}</option>)}</select></Field>;
}

function Check({label, on, set}: {label: string; on: boolean; set: (on: boolean) => void}) {
  return <label class="check"><input type="checkbox" checked={on} onChange={(event) => set(event.currentTarget.checked)} />{label}</label>;
}

function Queries({panel, change}: {panel: Panel; change: (targets: Target[]) => void}) {
  const set = (index: number, more: Partial<Target> | null): void => change(panel.targets.flatMap((one, i) => (i === index ? (more ? [{...one, ...more}] : []) : [one])));
  const letter = (): string => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'.split('').find((one) => !panel.targets.some(({refId}) => refId === one)) ?? 'Z';
  return (
    <section class="card" aria-label={t('Queries')}><h2>{t('Queries')}</h2>
      {panel.targets.map((target, i) => (
        <div class="query-row" key={target.refId}>
          <div class="explore-query"><b>{target.refId}</b><Editor value={target.expr ?? ''} run={(expr) => set(i, {expr})} />
            <button class="icon-button" aria-label={t('Remove')} onClick={() => set(i, null)}><Icon name="close" /></button></div>
          <div class="edit-fields">
            <Text label={t('Legend')} value={target.legendFormat ?? ''} set={(legendFormat) => set(i, {legendFormat: legendFormat || '__auto'})} />
            <Text label={t('Smallest step')} value={target.interval ?? ''} set={(interval) => set(i, {interval: interval || undefined})} />
            <Choice label={t('Format')} value={target.format ?? 'time_series'} options={['time_series', 'table', 'heatmap']} set={(format) => set(i, {format})} />
            <Check label={t('only now')} on={target.instant === true} set={(instant) => set(i, {instant, range: !instant})} />
            <Check label={t('exemplars')} on={target.exemplar === true} set={(exemplar) => set(i, {exemplar})} />
            <Check label={t('hidden')} on={target.hide === true} set={(hide) => set(i, {hide})} />
          </div>
        </div>))}
      <button onClick={() => change([...panel.targets, {refId: letter(), expr: ''}])}><Icon name="plus" size={14} /> {t('Another query')}</button></section>
  );
}

function Thresholds({config, change}: {config: FieldConfig; change: (config: FieldConfig) => void}) {
  const steps = config.thresholds?.steps ?? [{color: 'green', value: null}];
  const set = (next: typeof steps): void => change({...config, thresholds: {mode: config.thresholds?.mode ?? 'absolute',
    steps: [...next].sort((a, b) => (a.value ?? -Infinity) - (b.value ?? -Infinity))}});
  return (
    <fieldset><legend>{t('Thresholds')}</legend>
      {steps.map((step, i) => (
        <div class="row"><select aria-label={t('Colour')} value={step.color} onChange={(event) => set(steps.map((one, k) => (k === i ? {...one, color: event.currentTarget.value} : one)))}>
          {[...new Set([...kColors, step.color])].map((color) => <option value={color}>{color}</option>)}</select>
        {step.value === null ? <span class="quiet">{t('from the bottom')}</span>
          : <><span class="quiet">≥</span><input size={7} aria-label={t('From value')} value={step.value} onChange={(event) => set(steps.map((one, k) => (k === i ? {...one, value: maybe(event.currentTarget.value) ?? 0} : one)))} />
            <button class="icon-button" aria-label={t('Remove')} onClick={() => set(steps.filter((_, k) => k !== i))}><Icon name="close" size={12} /></button></>}</div>))}
      <button type="button" onClick={() => set([...steps, {color: 'red', value: (steps[steps.length - 1]?.value ?? 0) + 1}])}>{t('Add')}</button>
    </fieldset>
  );
}

function Values({config, change}: {config: FieldConfig; change: (config: FieldConfig) => void}) {
  const number = (key: 'min' | 'max' | 'decimals', label: string) => (
    <Text label={label} value={config[key] === undefined ? '' : String(config[key])} set={(text) => change({...config, [key]: maybe(text)})} />);
  return (
    <>
      <Text label={t('Unit')} value={config.unit ?? ''} list="units" set={(unit) => change({...config, unit: unit || undefined})} />
      <datalist id="units">{kUnits.map((unit) => <option value={unit} />)}</datalist>
      {number('decimals', t('Decimals'))}{number('min', t('Min'))}{number('max', t('Max'))}
      <Text label={t('Name of the value')} value={config.displayName ?? ''} set={(displayName) => change({...config, displayName: displayName || undefined})} />
      <Text label={t('Where there is no value')} value={config.noValue ?? ''} set={(noValue) => change({...config, noValue: noValue || undefined})} />
      <Choice label={t('Colours')} value={config.color?.mode ?? 'palette-classic'} options={['palette-classic', 'thresholds', 'fixed', 'continuous-GrYlRd', 'continuous-BlPu']} set={(mode) => change({...config, color: {...config.color, mode}})} />
      {config.color?.mode === 'fixed' && <Choice label={t('Colour')} value={config.color.fixedColor ?? 'blue'} options={kColors} set={(fixedColor) => change({...config, color: {mode: 'fixed', fixedColor}})} />}
    </>
  );
}

function Lines({custom, change}: {custom: CustomConfig; change: (custom: CustomConfig) => void}) {
  const set = (more: CustomConfig): void => change({...custom, ...more});
  return (
    <>
      <Choice label={t('Drawn as')} value={custom.drawStyle ?? 'line'} options={['line', 'bars', 'points']} set={(drawStyle) => set({drawStyle: drawStyle as CustomConfig['drawStyle']})} />
      <Choice label={t('Between points')} value={custom.lineInterpolation ?? 'linear'} options={['linear', 'smooth', 'stepBefore', 'stepAfter']} set={(one) => set({lineInterpolation: one as CustomConfig['lineInterpolation']})} />
      <Text label={t('Line width')} value={String(custom.lineWidth ?? 1)} set={(text) => set({lineWidth: maybe(text) ?? 1})} />
      <Text label={t('Fill, percent')} value={String(custom.fillOpacity ?? 0)} set={(text) => set({fillOpacity: maybe(text) ?? 0})} />
      <Choice label={t('Stacking')} value={custom.stacking?.mode ?? 'none'} options={['none', 'normal', 'percent']} set={(mode) => set({stacking: {...custom.stacking, mode: mode as 'none'}})} />
      <Choice label={t('Thresholds are')} value={custom.thresholdsStyle?.mode ?? 'off'} options={['off', 'line', 'dashed', 'area', 'line+area']} set={(mode) => set({thresholdsStyle: {mode}})} />
      <Choice label={t('Scale')} value={custom.scaleDistribution?.type ?? 'linear'} options={['linear', 'log']} set={(type) => set({scaleDistribution: {type: type as 'log', log: 10}})} />
      <Check label={t('lines across gaps')} on={custom.spanNulls === true} set={(spanNulls) => set({spanNulls})} />
    </>
  );
}

function Options({panel, change}: {panel: Panel; change: (options: PanelOptions) => void}) {
  const {options} = panel;
  const set = (more: PanelOptions): void => change({...options, ...more});
  if (panel.type === 'timeseries') {
    const legend = options.legend ?? {};
    return (
      <>
        <Choice label={t('Legend')} value={legend.showLegend === false ? 'hidden' : legend.displayMode ?? 'list'} options={['list', 'table', 'hidden']}
          set={(mode) => set({legend: {...legend, showLegend: mode !== 'hidden', displayMode: mode as 'list'}})} />
        <Choice label={t('Legend is')} value={legend.placement ?? 'bottom'} options={['bottom', 'right']} set={(placement) => set({legend: {...legend, placement: placement as 'right'}})} />
        <Text label={t('Its columns')} value={(legend.calcs ?? []).join(' ')} set={(text) => set({legend: {...legend, calcs: text.split(/[\s,]+/).filter((one) => one in kReducers)}})} />
        <Choice label={t('Tooltip')} value={options.tooltip?.mode ?? 'multi'} options={['multi', 'single', 'none']} set={(mode) => set({tooltip: {...options.tooltip, mode: mode as 'multi'}})} />
      </>
    );
  }
  if (panel.type === 'text') return <Field label={t('Markdown')}><textarea rows={6} value={options.content ?? ''} onChange={(event) => set({content: event.currentTarget.value, mode: 'markdown'})} /></Field>;
  const reduced = ['stat', 'gauge', 'bargauge', 'piechart'].includes(panel.type);
  return (
    <>
      {reduced && <Choice label={t('Of the values')} value={options.reduceOptions?.calcs?.[0] ?? 'lastNotNull'} options={Object.keys(kReducers)} set={(calc) => set({reduceOptions: {...options.reduceOptions, calcs: [calc]}})} />}
      {panel.type === 'stat' && <>
        <Choice label={t('Colour of')} value={options.colorMode ?? 'value'} options={['value', 'background', 'none']} set={(one) => set({colorMode: one as 'value'})} />
        <Choice label={t('Trend')} value={options.graphMode ?? 'area'} options={['area', 'none']} set={(one) => set({graphMode: one as 'area'})} />
        <Choice label={t('Text')} value={options.textMode ?? 'auto'} options={['auto', 'value', 'value_and_name', 'name']} set={(one) => set({textMode: one as 'auto'})} /></>}
      {['stat', 'bargauge'].includes(panel.type) && <Choice label={t('Orientation')} value={options.orientation ?? 'auto'} options={['auto', 'horizontal', 'vertical']} set={(one) => set({orientation: one as 'auto'})} />}
    </>
  );
}

function Place({grid, change}: {grid: GridPos; change: (grid: GridPos) => void}) {
  return (
    <fieldset><legend>{t('Place, of 24 columns')}</legend><div class="row">{(['x', 'y', 'w', 'h'] as const).map((key) => (
      <label>{key}<input type="number" size={4} min={0} value={grid[key]} onChange={(event) => change(placed({...grid, [key]: maybe(event.currentTarget.value) ?? grid[key]}))} /></label>))}</div></fieldset>
  );
}

export function PanelEditor({panel, scope, marks, change, remove, copy, done}: Props) {
  const {defaults} = panel.fieldConfig;
  const set = (more: Partial<Panel>): void => change({...panel, ...more});
  const setDefaults = (config: FieldConfig): void => set({fieldConfig: {...panel.fieldConfig, defaults: config}});
  return (
    <div class="panel-editor">
      <div class="edit-main">
        <div class="edit-preview"><PanelBox panel={panel} scope={scope} marks={marks} /></div>
        {panel.type !== 'text' && <Queries panel={panel} change={(targets) => set({targets})} />}
      </div>
      <form class="card form edit-side" aria-label={t('Panel')} onSubmit={(event) => event.preventDefault()}>
        <div class="row"><button type="button" class="primary" onClick={done}>{t('Back to the dashboard')}</button>
          <button type="button" onClick={copy}>{t('Duplicate')}</button><button type="button" onClick={remove}>{t('Delete')}</button></div>
        <Text label={t('Title')} value={panel.title} set={(title) => set({title})} />
        <Text label={t('Description')} value={panel.description ?? ''} set={(description) => set({description})} />
        <Choice label={t('Kind')} value={panel.type} options={[...new Set([...kTypes, panel.type])]} set={(type) => set({type})} />
        <div class="edit-fields"><Options panel={panel} change={(options) => set({options})} /></div>
        {panel.type !== 'text' && <div class="edit-fields"><Values config={defaults} change={setDefaults} /></div>}
        {panel.type === 'timeseries' && <div class="edit-fields"><Lines custom={defaults.custom ?? {}} change={(custom) => setDefaults({...defaults, custom})} /></div>}
        {panel.type !== 'text' && <Thresholds config={defaults} change={setDefaults} />}
        <Place grid={panel.gridPos} change={(gridPos) => set({gridPos})} />
        {(panel.fieldConfig.overrides.length > 0 || panel.transformations.length > 0) && <p class="quiet small">{t('It has {0} overrides and {1} transformations: they stay, and are edited as JSON.', panel.fieldConfig.overrides.length, panel.transformations.length)}</p>}
      </form>
    </div>
  );
}
