import {useEffect, useLayoutEffect, useRef, useState} from 'preact/hooks';
import {listDashboards} from '../api/dashboards';
import {get} from '../api/client';
import {setRange} from './clock';
import {helpOpen, paletteOpen} from './keyboard';
import {navigate} from './location';
import {beginNote} from './note';
import {setLanguage, setTheme} from './settings';
import {t} from './words';

interface Command { label: string; hint: string; run: () => void }

const kShown = 12;

function fixedCommands(): Command[] {
  const pages = ['overview', 'dashboards', 'explore', 'cost', 'incidents', 'oncall', 'alerts', 'silences', 'rules', 'targets', 'status', 'flags', 'config', 'tsdb-status'];
  return [
    ...pages.map((to) => ({label: t(to[0].toUpperCase() + to.slice(1)), hint: t('page'), run: () => navigate(to)})),
    ...['5m', '1h', '6h', '24h', '7d'].map((span) => ({label: t('Last {0}', span), hint: t('time'), run: () => setRange({from: `now-${span}`, to: 'now'})})),
    {label: t('Note what happened'), hint: 'n', run: beginNote},
    {label: t('Dark theme'), hint: t('theme'), run: () => setTheme('dark')},
    {label: t('Light theme'), hint: t('theme'), run: () => setTheme('light')},
    {label: '中文', hint: t('language'), run: () => setLanguage('zh')},
    {label: 'English', hint: t('language'), run: () => setLanguage('en')},
    {label: t('Keys'), hint: '?', run: () => { helpOpen.value = true; }},
  ];
}

/** Matches when the letters of `typed` follow each other in `text`; smaller is better. */
export function fuzzyRank(text: string, typed: string): number | undefined {
  const low = text.toLowerCase(), want = typed.toLowerCase();
  const whole = low.indexOf(want);
  if (whole >= 0) return whole;
  let at = -1;
  for (const letter of want) {
    at = low.indexOf(letter, at + 1);
    if (at < 0) return undefined;
  }
  return 1000 + at;
}

function PaletteBox() {
  const [typed, setTyped] = useState('');
  const [chosen, setChosen] = useState(0);
  const [found, setFound] = useState<Command[]>([]);
  const dialog = useRef<HTMLDialogElement>(null);
  // At once, not after painting: what is typed right behind the key that opens it belongs here.
  useLayoutEffect(() => { dialog.current?.showModal(); }, []);
  useEffect(() => {
    void listDashboards().then((list) => setFound((before) => [...before, ...list.map((board) => (
      {label: board.title, hint: t('dashboard'), run: () => navigate(`d/${board.uid}`)}))]), () => {});
    void get<string[]>('label/__name__/values', {limit: 5000}).then(({data}) => setFound((before) => [...before, ...data.map((name) => (
      {label: name, hint: t('metric'), run: () => navigate('explore', {'g0.expr': name})}))]), () => {});
  }, []);
  const close = (): void => { paletteOpen.value = false; };
  const matching = [...fixedCommands(), ...found]
    .map((command) => ({command, rank: fuzzyRank(command.label, typed)}))
    .filter((one): one is {command: Command; rank: number} => one.rank !== undefined)
    .sort((a, b) => a.rank - b.rank).slice(0, kShown).map((one) => one.command);
  const press = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step) {
      event.preventDefault();
      setChosen((chosen + step + matching.length) % Math.max(1, matching.length));
    } else if (event.key === 'Enter' && matching[chosen]) {
      event.preventDefault();
      close();
      matching[chosen].run();
    }
  };
  return (
    <dialog class="palette" ref={dialog} onClose={close} aria-label={t('Go to')}
      onClick={(event) => { if (event.target === dialog.current) close(); }}>
      <input autofocus role="combobox" aria-expanded="true" aria-controls="palette-list" aria-label={t('Page, dashboard, metric or command')}
        aria-activedescendant={matching.length ? `palette-${chosen}` : undefined}
        placeholder={t('Page, dashboard, metric or command')} value={typed} onKeyDown={press}
        onInput={(event) => { setTyped(event.currentTarget.value); setChosen(0); }} />
      <ul id="palette-list" role="listbox" aria-label={t('Go to')}>
        {matching.map((command, index) => (
          <li id={`palette-${index}`} role="option" aria-selected={index === chosen} onMouseMove={() => setChosen(index)}
            onClick={() => { close(); command.run(); }}>
            <span>{command.label}</span><span class="quiet">{command.hint}</span>
          </li>
        ))}
      </ul>
    </dialog>
  );
}

const kKeys: readonly [string, string][] = [
  ['/ , Ctrl K', 'Go to anything'], ['g o', 'Overview'], ['g d', 'Dashboards'], ['g q', 'Explore'], ['g a', 'Alerts'],
  ['g i', 'Incidents'], ['g r', 'Rules'], ['g t', 'Targets'], ['g s', 'Status'], ['g c', 'Cost'], ['g p', 'On call'], ['r', 'Refresh'], ['n', 'Note what happened'],
  ['t ← , t →', 'Move the time'], ['j , k', 'Next and previous row'], ['a', 'Acknowledge'], ['s', 'Silence'],
  ['x', 'Choose the row'], ['f', 'Freeze the cursor'], ['v', 'A panel on the whole page'], ['e', 'Edit a panel'], ['u', 'Undo an edit'], ['m', 'Metrics (in Explore)'], ['Esc', 'Leave a panel that fills the page'], ['?', 'These keys'],
];

function Help() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => { dialog.current?.showModal(); }, []);
  return (
    <dialog class="help" ref={dialog} onClose={() => { helpOpen.value = false; }} aria-label={t('Keys')}>
      <h2>{t('Keys')}</h2>
      <dl>{kKeys.map(([keys, what]) => <><dt><kbd>{keys}</kbd></dt><dd>{t(what)}</dd></>)}</dl>
      <form method="dialog"><button>{t('Close')}</button></form>
    </dialog>
  );
}

export function Palette() {
  return <>{paletteOpen.value && <PaletteBox />}{helpOpen.value && <Help />}</>;
}
