// Title, tags, time and variables of a dashboard.
import {Icon} from '../shell/icons';
import {t} from '../shell/words';
import {variablesOf, withSettings, withVariables, type Json, type VariableEdit} from './draft';

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const kTypes = ['query', 'custom', 'textbox', 'interval', 'constant', 'datasource', 'adhoc'];

function Variables({source, change}: {source: Json; change: (source: Json) => void}) {
  const all = variablesOf(source);
  const set = (index: number, more: Partial<VariableEdit> | null): void => change(withVariables(source, all.flatMap((one, i) => (i === index ? (more ? [{...one, ...more}] : []) : [one]))));
  const fresh = (): string => { let i = 1; while (all.some((one) => one.name === `variable${i}`)) i += 1; return `variable${i}`; };
  return (
    <fieldset><legend>{t('Variables')}</legend>
      {all.map((one, i) => (
        <div class="row">
          <input size={12} aria-label={t('Name')} value={one.name} onChange={(event) => set(i, {name: event.currentTarget.value})} />
          <select aria-label={t('Kind')} value={one.type} onChange={(event) => set(i, {type: event.currentTarget.value})}>{kTypes.map((type) => <option value={type}>{type}</option>)}</select>
          <input size={10} aria-label={t('Label')} placeholder={t('Label')} value={one.label} onChange={(event) => set(i, {label: event.currentTarget.value})} />
          <input class="mono" size={44} aria-label={t('Query')} placeholder="label_values(up, job)" value={one.query} onChange={(event) => set(i, {query: event.currentTarget.value})} />
          <label class="check"><input type="checkbox" checked={one.multi} onChange={() => set(i, {multi: !one.multi})} />{t('several')}</label>
          <label class="check"><input type="checkbox" checked={one.includeAll} onChange={() => set(i, {includeAll: !one.includeAll})} />{t('All')}</label>
          <button type="button" class="icon-button" aria-label={t('Remove')} onClick={() => set(i, null)}><Icon name="close" size={12} /></button>
        </div>))}
      <button type="button" onClick={() => change(withVariables(source, [...all, {name: fresh(), type: 'query', label: '', query: '', multi: false, includeAll: false}]))}>{t('Add')}</button>
    </fieldset>
  );
}

export function SettingsForm({source, change, close}: {source: Json; change: (source: Json) => void; close: () => void}) {
  const time = typeof source.time === 'object' && source.time !== null ? source.time as Json : {};
  const field = (label: string, value: string, set: (value: string) => void) => <label>{label}<input value={value} onChange={(event) => set(event.currentTarget.value)} /></label>;
  return (
    <form class="card form wide" aria-label={t('Settings')} onSubmit={(event) => { event.preventDefault(); close(); }}>
      <h2>{t('Settings')}</h2>
      <div class="row">
        {field(t('Title'), text(source.title), (title) => change(withSettings(source, {title})))}
        {field(t('Tags'), Array.isArray(source.tags) ? source.tags.join(' ') : '', (tags) => change(withSettings(source, {tags: tags.split(/[\s,]+/).filter(Boolean)})))}
        {field(t('From'), text(time.from), (from) => change(withSettings(source, {time: {from, to: text(time.to) || 'now'}})))}
        {field(t('To'), text(time.to), (to) => change(withSettings(source, {time: {from: text(time.from) || 'now-1h', to}})))}
        {field(t('Refresh every'), text(source.refresh), (refresh) => change(withSettings(source, {refresh})))}
      </div>
      {field(t('Description'), text(source.description), (description) => change(withSettings(source, {description})))}
      <Variables source={source} change={change} />
      <div class="row"><button class="primary">{t('Close')}</button></div>
    </form>
  );
}
