import {useState} from 'preact/hooks';
import {get, type Labels} from '../api/client';
import {tick} from '../shell/clock';
import {useLoad} from '../shell/load';
import {param, setParams} from '../shell/location';
import {Failed, LabelList, State} from '../shell/parts';
import {Title} from '../shell/title';
import {t} from '../shell/words';
import {ago} from '../time/format';
import {showNumber} from '../units/units';

interface Target {
  discoveredLabels: Labels;
  labels: Labels;
  scrapePool: string;
  scrapeUrl: string;
  lastError: string;
  lastScrape: string;
  lastScrapeDuration: number;
  scrapeInterval: string;
  health: string;
}
interface Step { rule?: unknown; output?: Labels; keep?: boolean }

function Steps({target}: {target: Target}) {
  const {data, error} = useLoad((signal) => get<{steps: Step[]}>('targets/relabel_steps',
    {scrapePool: target.scrapePool, labels: JSON.stringify(target.discoveredLabels)}, signal), [target.scrapeUrl]);
  return (
    <div class="card"><h3>{t('As it was discovered')}</h3><LabelList labels={target.discoveredLabels} />
      <Failed error={error} />
      {data?.data.steps.map((step, i) => (
        <><h3>{t('Step {0}', i + 1)} {step.keep === false && <State state="down" />}</h3><pre>{JSON.stringify(step.rule, null, 1)}</pre>{step.output && <LabelList labels={step.output} />}</>
      ))}</div>
  );
}

function Row({target}: {target: Target}) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <tr>
        <td><State state={target.health} /></td>
        <td class="wrap"><a href={target.scrapeUrl} rel="noreferrer">{target.scrapeUrl}</a></td>
        <td><LabelList labels={target.labels} without={['job']} /></td>
        <td class="nowrap">{target.lastScrape.startsWith('0001') ? t('never') : ago(Date.parse(target.lastScrape))}</td>
        <td class="number">{showNumber(target.lastScrapeDuration, 's')}</td><td>{target.scrapeInterval}</td>
        <td class="wrap">{target.lastError && <span class="state bad">{target.lastError}</span>}</td>
        <td><button aria-expanded={open} onClick={() => setOpen(!open)}>{t('Labels')}</button></td>
      </tr>
      {open && <tr><td colSpan={8}><Steps target={target} /></td></tr>}
    </>
  );
}

export default function TargetsPage() {
  const [typed, setTyped] = useState('');
  const {data, error} = useLoad((signal) => get<{activeTargets: Target[]; droppedTargets: {discoveredLabels: Labels}[]; droppedTargetCounts?: Record<string, number>}>('targets', {}, signal), [tick.value]);
  const all = data?.data.activeTargets ?? [];
  const health = param('health');
  const shown = all.filter((one) => (!health || one.health === health) && JSON.stringify([one.scrapeUrl, one.labels, one.lastError]).toLowerCase().includes(typed.toLowerCase()));
  const pools = [...new Set(all.map((one) => one.scrapePool))].sort();
  const count = (state: string): number => all.filter((one) => one.health === state).length;
  return (
    <>
      <Title text={t('Targets')}>{data && <span class="quiet">{t('{0} up, {1} down', count('up'), count('down'))}</span>}</Title>
      <div class="tools">
        <input type="search" aria-label={t('Search')} placeholder={t('Address, label or error')} value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
        {['', 'up', 'down', 'unknown'].map((state) => <button aria-pressed={health === state} class={health === state ? 'primary' : ''} onClick={() => setParams({health: state || null})}>{state ? `${t(state)} ${count(state)}` : t('All')}</button>)}
      </div>
      <Failed error={error} />
      {pools.map((pool) => {
        const members = shown.filter((one) => one.scrapePool === pool).sort((a, b) => Number(a.health === 'up') - Number(b.health === 'up'));
        return members.length > 0 && (
          <section class="card"><h2>{pool} <span class="quiet">{members.filter((one) => one.health === 'up').length} / {members.length}</span></h2>
            <div class="scroll" tabIndex={0}><table><thead><tr><th>{t('State')}</th><th>{t('Target')}</th><th>{t('Labels')}</th><th>{t('Last scrape')}</th><th class="number">{t('Took')}</th><th>{t('Every')}</th><th>{t('Error')}</th><th><span class="quiet">{t('Steps')}</span></th></tr></thead>
              <tbody>{members.map((one) => <Row key={one.scrapeUrl} target={one} />)}</tbody></table></div></section>
        );
      })}
      {data && !shown.length && <p class="empty">{t('No target of that kind.')}</p>}
      {(data?.data.droppedTargets.length ?? 0) > 0 && <details class="card"><summary>{t('{0} dropped by relabelling', data?.data.droppedTargets.length ?? 0)}</summary>
        {data?.data.droppedTargets.slice(0, 100).map((one) => <p><LabelList labels={one.discoveredLabels} /></p>)}</details>}
    </>
  );
}
