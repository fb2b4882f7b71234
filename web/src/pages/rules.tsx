import {useState} from 'preact/hooks';
import {get, sampleNumber, type Labels} from '../api/client';
import {rangeQuery} from '../api/query';
import {tick} from '../shell/clock';
import {useLoad} from '../shell/load';
import {href, param, setParams} from '../shell/location';
import {Failed, LabelList, priorityOf, Severity, State} from '../shell/parts';
import {Title} from '../shell/title';
import {t} from '../shell/words';
import {Sparkline} from '../panels/sparkline';
import {ago} from '../time/format';
import {showNumber} from '../units/units';
import {serverNow} from '../time/now';

interface Alert { labels: Labels; annotations: Labels; state: string; activeAt: string; value: string }
interface Rule { name: string; query: string; type: 'alerting' | 'recording'; health: string; lastError?: string; state?: string; duration?: number; labels: Labels; annotations?: Labels; alerts?: Alert[]; evaluationTime: number; lastEvaluation: string }
interface Group { name: string; file: string; interval: number; evaluationTime: number; lastEvaluation: string; rules: Rule[] }

/** `expr > 3` → the expression and its threshold, when that is what the rule is. */
export function thresholdOf(query: string): {expr: string; limit: number} | undefined {
  const match = /^([\s\S]+?)\s*(>=?|<=?|==|!=)\s*(-?[\d.]+(?:e-?\d+)?)\s*$/i.exec(query.trim());
  if (!match || (match[1].split('(').length !== match[1].split(')').length)) return undefined;
  return {expr: match[1], limit: Number(match[3])};
}

function Trend({query}: {query: string}) {
  const threshold = thresholdOf(query);
  const {data} = useLoad(async (signal) => {
    if (!threshold) return [];
    const end = Math.floor(serverNow() / 60_000) * 60_000;
    const {data: answer} = await rangeQuery(`max(${threshold.expr})`, end - 3_600_000, end, 60_000, signal);
    return answer.resultType === 'matrix' ? (answer.result[0]?.values ?? []).map(([, text]) => sampleNumber(text)) : [];
  }, [query]);
  if (!threshold || !data?.length) return null;
  return <span class="trend" title={t('the last hour against {0}', threshold.limit)}><Sparkline values={[...data]} color="var(--s1)" area={false} />
    <span class="quiet small">{showNumber(data[data.length - 1], 'short')} / {showNumber(threshold.limit, 'short')}</span></span>;
}

function RuleRow({rule}: {rule: Rule}) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <tr>
        <td><State state={rule.health !== 'ok' ? rule.health : rule.state ?? 'ok'} /></td>
        <td><button class="plain" aria-expanded={open} onClick={() => setOpen(!open)}><b>{rule.name}</b></button></td>
        <td>{rule.type === 'alerting' && <Severity priority={priorityOf(rule.labels.severity)} />}</td>
        <td class="wrap"><a href={href('explore', {'g0.expr': rule.query})}><code>{rule.query}</code></a>{rule.lastError && <p class="state bad">{rule.lastError}</p>}</td>
        <td>{rule.type === 'alerting' && open ? <Trend query={rule.query} /> : null}</td>
        <td class="nowrap">{rule.duration ? showNumber(rule.duration, 's') : ''}</td>
        <td class="number">{showNumber(rule.evaluationTime, 's')}</td>
      </tr>
      {open && <tr><td colSpan={7}>
        <LabelList labels={rule.labels} />
        {Object.entries(rule.annotations ?? {}).map(([name, text]) => <p><span class="quiet">{name}:</span> {text}</p>)}
        {rule.alerts?.map((alert) => <p><State state={alert.state} /> <LabelList labels={alert.labels} without={['alertname']} /> <b>{showNumber(Number(alert.value), 'short')}</b> <span class="quiet">{ago(Date.parse(alert.activeAt))}</span></p>)}
      </td></tr>}
    </>
  );
}

export default function RulesPage() {
  const [typed, setTyped] = useState('');
  const {data, error} = useLoad((signal) => get<{groups: Group[]}>('rules', {}, signal), [tick.value]);
  const type = param('type');
  const keep = (rule: Rule): boolean => (!type || (type === 'firing' ? rule.state === 'firing' || rule.state === 'pending' || rule.health === 'err' : rule.type === type))
    && `${rule.name} ${rule.query}`.toLowerCase().includes(typed.toLowerCase());
  const groups = (data?.data.groups ?? []).map((group) => ({...group, rules: group.rules.filter(keep)})).filter((group) => group.rules.length);
  return (
    <>
      <Title text={t('Rules')} />
      <div class="tools">
        <input type="search" aria-label={t('Search')} placeholder={t('Name or expression')} value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
        {[['', 'All'], ['firing', 'Firing or broken'], ['alerting', 'Alerts'], ['recording', 'Recording']].map(([value, label]) => <button class={type === value ? 'primary' : ''} aria-pressed={type === value} onClick={() => setParams({type: value || null})}>{t(label)}</button>)}
      </div>
      <Failed error={error} />
      {groups.map((group) => (
        <section class="card"><h2>{group.name} <span class="quiet small">{group.file} · {t('every {0}', showNumber(group.interval, 's'))} · {t('took {0}', showNumber(group.evaluationTime, 's'))}</span></h2>
          <div class="scroll" tabIndex={0}><table><thead><tr><th>{t('State')}</th><th>{t('Rule')}</th><th>{t('Priority')}</th><th>{t('Expression')}</th><th>{t('Trend')}</th><th>{t('For')}</th><th class="number">{t('Took')}</th></tr></thead>
            <tbody>{group.rules.map((rule, i) => <RuleRow key={`${rule.name}${i}`} rule={rule} />)}</tbody></table></div></section>
      ))}
      {data && !groups.length && <p class="empty">{data.data.groups.length ? t('No rule of that kind.') : t('There are no rules: name their files in rule_files of prometheus.yml.')}</p>}
    </>
  );
}
