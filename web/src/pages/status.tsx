import type {ComponentType} from 'preact';
import {useState} from 'preact/hooks';
import {get, messageOf, sendJson} from '../api/client';
import {tick} from '../shell/clock';
import {useLoad} from '../shell/load';
import {href, path} from '../shell/location';
import {copyText, notify} from '../shell/notices';
import {Title} from '../shell/title';
import {t} from '../shell/words';
import {ago, dateTime, span} from '../time/format';
import {showNumber} from '../units/units';

const sentence = (key: string): string => key.replace(/([a-z])([A-Z])/g, '$1 $2').replace(/^./, (first) => first.toUpperCase());

function Failed({error}: {error: unknown}) {
  return error === undefined ? null : <p class="banner bad" role="alert">{messageOf(error)}</p>;
}

function Facts({title, path: what}: {title: string; path: string}) {
  const {data, error} = useLoad((signal) => get<Record<string, unknown>>(what, {}, signal), [what]);
  return (
    <section class="card"><h2>{t(title)}</h2><Failed error={error} />
      <dl class="facts">{Object.entries(data?.data ?? {}).map(([key, value]) => <><dt>{sentence(key)}</dt><dd>{String(value)}</dd></>)}</dl></section>
  );
}

interface RunningQuery { id: number | string; query: string; kind?: string; duration_seconds?: number; samples?: number; client?: string; [key: string]: unknown }

function Queries() {
  const {data, error} = useLoad((signal) => get<RunningQuery[] | {queries: RunningQuery[]}>('queries', {}, signal), [tick.value]);
  const list = Array.isArray(data?.data) ? data.data : data?.data.queries ?? [];
  const stop = (id: number | string): void => {
    sendJson('DELETE', `api/v1/queries/${id}`).then(() => notify(t('Stopped')), (reason: unknown) => notify(messageOf(reason), true));
  };
  const columns = [...new Set(list.flatMap((one) => Object.keys(one)))].filter((key) => key !== 'query');
  return (
    <section class="card"><h2>{t('Queries that run now')}</h2><Failed error={error} />
      {list.length ? <div class="scroll" tabIndex={0}><table><thead><tr><th>{t('Query')}</th>{columns.map((key) => <th>{sentence(key.replaceAll('_', ' '))}</th>)}<th /></tr></thead>
        <tbody>{list.map((one) => <tr><td class="wrap"><code>{one.query}</code></td>{columns.map((key) => <td>{typeof one[key] === 'number' ? showNumber(one[key], 'short') : String(one[key] ?? '')}</td>)}
          <td><button onClick={() => stop(one.id)}>{t('Stop')}</button></td></tr>)}</tbody></table></div>
        : <p class="quiet">{t('None.')}</p>}</section>
  );
}

function Overall() {
  return <><Facts title="Running" path="status/runtimeinfo" /><Facts title="Build" path="status/buildinfo" /><Queries /></>;
}

function Flags() {
  const [typed, setTyped] = useState('');
  const {data, error} = useLoad((signal) => get<Record<string, string>>('status/flags', {}, signal), []);
  const rows = Object.entries(data?.data ?? {}).filter(([name, value]) => `${name} ${value}`.toLowerCase().includes(typed.toLowerCase()));
  return (
    <><div class="tools"><input type="search" aria-label={t('Search')} placeholder={t('Search')} value={typed} onInput={(event) => setTyped(event.currentTarget.value)} /></div>
      <Failed error={error} />
      <table class="sheet"><thead><tr><th>{t('Flag')}</th><th>{t('Value')}</th></tr></thead><tbody>{rows.map(([name, value]) => <tr><td><code>--{name}</code></td><td class="wrap"><code>{value}</code></td></tr>)}</tbody></table></>
  );
}

function Config() {
  const {data, error} = useLoad((signal) => get<{yaml: string}>('status/config', {}, signal), []);
  const yaml = data?.data.yaml ?? '';
  return <><Failed error={error} /><div class="tools"><button onClick={() => void copyText(yaml)}>{t('Copy')}</button></div><pre class="card" tabIndex={0}>{yaml}</pre></>;
}

interface Count { name: string; value: number }
interface TsdbStatus { headStats: Record<string, number>; [list: string]: Count[] | Record<string, number> }
const kLists: Record<string, string> = {
  seriesCountByMetricName: 'Series by metric', labelValueCountByLabelName: 'Values by label', memoryInBytesByLabelName: 'Bytes by label', seriesCountByLabelValuePair: 'Series by label and value',
};

function Bars({list, unit}: {list: readonly Count[]; unit?: string}) {
  const most = Math.max(1, ...list.map((one) => one.value));
  return <>{list.map(({name, value}) => (
    <div class="bar-row"><code class="bar-name" title={name}>{name}</code><span class="bar-track"><i style={{width: `${value / most * 100}%`, background: 'var(--s1)'}} /></span><b>{showNumber(value, unit ?? 'short')}</b></div>
  ))}</>;
}

interface Block { ulid: string; minTime: number; maxTime: number; stats?: {numSeries?: number; numSamples?: number; numChunks?: number}; [key: string]: unknown }

function Storage() {
  const {data, error} = useLoad((signal) => get<TsdbStatus>('status/tsdb', {limit: 20}, signal), []);
  const blocks = useLoad((signal) => get<{blocks: Block[]}>('status/tsdb/blocks', {}, signal), []);
  const head = data?.data.headStats ?? {};
  return (
    <><Failed error={error} />
      <section class="card"><h2>{t('Head')}</h2><dl class="facts">{Object.entries(head).map(([key, value]) => (
        <><dt>{sentence(key)}</dt><dd>{/Time$/.test(key) ? dateTime(value) : showNumber(value, 'locale')}</dd></>))}</dl></section>
      <section class="card"><h2>{t('Blocks')}</h2>{(blocks.data?.data.blocks.length ?? 0) > 0 ? <table><thead><tr><th>{t('Block')}</th><th>{t('From')}</th><th>{t('Span')}</th><th class="number">{t('Series')}</th><th class="number">{t('Samples')}</th></tr></thead>
        <tbody>{blocks.data?.data.blocks.map((block) => <tr><td><code>{block.ulid}</code></td><td>{dateTime(block.minTime)}</td><td>{span(block.maxTime - block.minTime)}</td>
          <td class="number">{showNumber(block.stats?.numSeries ?? NaN, 'short')}</td><td class="number">{showNumber(block.stats?.numSamples ?? NaN, 'short')}</td></tr>)}</tbody></table> : <p class="quiet">{t('None yet: the last hours are in the head.')}</p>}</section>
      {Object.entries(kLists).map(([key, label]) => {
        const list = data?.data[key];
        return Array.isArray(list) && list.length > 0 && <section class="card"><h2>{t(label)}</h2><Bars list={list} unit={key === 'memoryInBytesByLabelName' ? 'bytes' : undefined} /></section>;
      })}</>
  );
}

const kTabs: readonly [string, string, ComponentType][] = [
  ['status', 'Status', Overall], ['tsdb-status', 'Storage and cardinality', Storage], ['config', 'Configuration', Config], ['flags', 'Flags', Flags],
];

export default function StatusPage() {
  const current = kTabs.find(([to]) => path.value === `/${to}`) ?? kTabs[0];
  const Tab = current[2];
  const ready = useLoad((signal) => get<{startTime: string}>('status/runtimeinfo', {}, signal), []);
  return (
    <><Title text={t(current[1])}>{ready.data && <span class="quiet small">{t('started {0}', ago(Date.parse(ready.data.data.startTime)))}</span>}</Title>
      <nav class="tabs" aria-label={t('Status')}>{kTabs.map(([to, label]) => <a href={href(to)} aria-current={current[0] === to ? 'page' : undefined}>{t(label)}</a>)}</nav>
      <Tab /></>
  );
}
