// A panel with its frame: asks for its data when it is first seen, draws it by its kind, and says
// what it cannot.
import type {ComponentType} from 'preact';
import {useEffect, useRef, useState} from 'preact/hooks';
import {messageOf} from '../api/client';
import type {Mark} from '../charts/plot_view';
import {align} from '../charts/align';
import {interpolate, narrowed, type Scope} from '../dashboard/interpolate';
import {isEmpty, loadPanel, type PanelData} from '../dashboard/load';
import {nameOf, timeField, type Frame} from '../dashboard/frame';
import type {Panel} from '../dashboard/types';
import {Boundary} from '../shell/boundary';
import {tick} from '../shell/clock';
import {Icon} from '../shell/icons';
import {useLoad} from '../shell/load';
import {href, param, setParams} from '../shell/location';
import {t} from '../shell/words';
import {BarChartPanel} from './bar_chart';
import {Empty} from './empty';
import {BarGaugePanel, GaugePanel} from './gauge';
import {HeatmapPanel} from './heatmap';
import {htmlText, Markdown} from './markdown';
import type {PanelProps} from './panel_props';
import {PiePanel} from './pie';
import {StatPanel} from './stat';
import {StateTimelinePanel} from './state_timeline';
import {FrameTable, TablePanel} from './table';
import {TimeSeriesPanel} from './time_series';

const kKinds: Record<string, ComponentType<PanelProps>> = {
  timeseries: TimeSeriesPanel, stat: StatPanel, gauge: GaugePanel, bargauge: BarGaugePanel, table: TablePanel, heatmap: HeatmapPanel,
  piechart: PiePanel, barchart: BarChartPanel, 'state-timeline': StateTimelinePanel, 'status-history': StateTimelinePanel, histogram: BarChartPanel,
};
const kWithoutQuery = new Set(['text', 'dashlist', 'alertlist', 'annolist', 'news', 'welcome']);

/** True from the first time that the element is near the window. */
function useSeen(): [{current: HTMLElement | null}, boolean] {
  const element = useRef<HTMLElement>(null);
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    if (!element.current || seen) return undefined;
    const observer = new IntersectionObserver((entries) => { if (entries.some((entry) => entry.isIntersecting)) setSeen(true); }, {rootMargin: '300px'});
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [seen]);
  return [element, seen];
}

/** Every chart as a table: a row a point in time, a column a series. */
export function chartAsTable(frames: readonly Frame[]): Frame {
  const {times, lines} = align(frames);
  if (!times.length) return frames[0] ?? {refId: 'A', fields: [], length: 0};
  const newestFirst = [...times.keys()].reverse();
  return {refId: 'A', length: times.length, fields: [timeField(newestFirst.map((i) => times[i])),
    ...lines.slice(0, 50).map(({frame, field, values}) => ({...field, displayName: nameOf(field, frame), values: newestFirst.map((i) => values[i])}))]};
}

function Body(props: PanelProps & {asTable: boolean}) {
  const {panel, data, asTable} = props;
  const Kind = kKinds[panel.type];
  if (!Kind) {
    return <><p class="panel-note">{t('Panels of kind "{0}" are not drawn here; this is their data.', panel.type)}</p>
      {isEmpty(data) ? <Empty data={data} /> : <FrameTable frame={chartAsTable(data.frames)} />}</>;
  }
  if (isEmpty(data)) return <Empty data={data} />;
  if (asTable) return <FrameTable frame={chartAsTable(data.frames)} />;
  return <Kind {...props} />;
}

function TextPanel({panel, scope}: {panel: Panel; scope: Scope}) {
  const content = interpolate(panel.options.content ?? '', scope);
  if (panel.type !== 'text') return <p class="empty">{t('Panels of kind "{0}" are not drawn here.', panel.type)}</p>;
  return panel.options.mode === 'html' ? <p class="markdown">{htmlText(content)}</p> : <Markdown text={content} />;
}

function Menu({panel, data, asTable, setTable}: {panel: Panel; data: PanelData | undefined; asTable: boolean; setTable: (on: boolean) => void}) {
  const full = param('viewPanel') === String(panel.id);
  const exprs = Object.fromEntries((data?.queries ?? []).map((query, i) => [`g${i}.expr`, query.expr]));
  return (
    <div class="panel-menu">
      {data && data.queries.length > 0 && <a class="icon-button" href={href('explore', {...exprs, from: param('from'), to: param('to')})} aria-label={t('Open in Explore')} title={t('Open in Explore')}><Icon name="explore" size={14} /></a>}
      <button class="icon-button" aria-pressed={asTable} aria-label={t('As a table')} title={t('As a table')} onClick={() => setTable(!asTable)}><Icon name="table" size={14} /></button>
      <button class="icon-button" aria-pressed={full} aria-label={t('Whole page')} title={t('Whole page')} onClick={() => setParams({viewPanel: full ? null : String(panel.id)})}><Icon name="full" size={14} /></button>
    </div>
  );
}

interface FrameProps { panel: Panel; scope: Scope; marks?: readonly Mark[] }

export function PanelBox({panel, scope, marks = []}: FrameProps) {
  const [element, seen] = useSeen();
  const [asTable, setTable] = useState(false);
  const own = narrowed(scope, panel.scope);
  const asks = !kWithoutQuery.has(panel.type) && panel.targets.some((target) => target.expr);
  const compare = param('compare');
  const {data, error, loading} = useLoad<PanelData | undefined>(async (signal) => {
    if (!seen || !asks) return undefined;
    return loadPanel(panel, scope, Math.max(100, Math.floor((element.current?.clientWidth ?? 800))), compare, signal);
  }, [panel, scope, seen, compare, tick.value]);
  const title = interpolate(panel.title, own);
  const failed = data?.queries.filter((query) => query.error) ?? [];
  const trouble = [...(data && error !== undefined ? [messageOf(error)] : []), ...failed.map((query) => `${query.refId}: ${query.error}`), ...data?.warnings ?? [], ...(data?.unknown ?? []).map((id) => t('The transformation {0} is not known here.', id))];
  return (
    <section ref={element} class={panel.transparent ? 'panel bare' : 'panel'} aria-label={title || t('Panel')} aria-busy={loading && asks}>
      <header class="panel-head">
        {title && <h2 title={title}>{title}</h2>}
        {panel.description && <span class="hint" tabIndex={0} role="note" aria-label={panel.description} data-tip={panel.description}><Icon name="info" size={13} /></span>}
        {trouble.length > 0 && <span class="hint warn" tabIndex={0} role="note" aria-label={trouble.join('\n')} data-tip={trouble.join('\n')}>▲</span>}
        {loading && seen && asks && <span class="loading" aria-hidden="true" />}
        <Menu panel={panel} data={data} asTable={asTable} setTable={setTable} />
      </header>
      <div class={`panel-body ${panel.type}`}>
        <Boundary>
          {!asks && kWithoutQuery.has(panel.type) ? <TextPanel panel={panel} scope={own} />
            : !asks ? <p class="empty">{panel.targets.length ? t('Its queries are not PromQL.') : kKinds[panel.type] ? t('This panel asks nothing.') : t('Panels of kind "{0}" are not drawn here.', panel.type)}</p>
              : data ? <Body panel={panel} data={data} scope={own} marks={marks} asTable={asTable} />
                : error ? <p class="empty bad" role="alert">{messageOf(error)}</p> : null}
        </Boundary>
      </div>
    </section>
  );
}
