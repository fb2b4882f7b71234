import {useState} from 'preact/hooks';
import {useDismissed} from './dismissed';
import {Icon} from './icons';
import {t} from './words';

interface Option { text: string; value: string }
interface Props { label: string; options: readonly Option[]; chosen: readonly string[]; multi: boolean; all: string; choose: (values: string[]) => void }

const kShown = 300;

/** A choice of one or of several, with a search. */
export function Picker({label, options, chosen, multi, all, choose}: Props) {
  const [open, setOpen] = useState(false);
  const [typed, setTyped] = useState('');
  const root = useDismissed(open, setOpen);
  const text = chosen.map((value) => options.find((option) => option.value === value)?.text ?? value).join(' + ') || t('nothing');
  const matching = options.filter((option) => option.text.toLowerCase().includes(typed.toLowerCase()));
  const pick = (value: string): void => {
    if (!multi) { choose([value]); setOpen(false); return; }
    if (value === all) { choose([all]); return; }
    const rest = chosen.filter((one) => one !== all);
    const next = rest.includes(value) ? rest.filter((one) => one !== value) : [...rest, value];
    choose(next.length ? next : options.some((option) => option.value === all) ? [all] : [value]);
  };
  return (
    <div class="picker" ref={root}>
      <button class="picker-button" aria-haspopup="listbox" aria-expanded={open} aria-label={`${label}: ${text}`} onClick={() => { setOpen(!open); setTyped(''); }}>
        <span>{text}</span><Icon name="down" size={12} />
      </button>
      {open && (
        <div class="popover picker-popover">
          {options.length > 8 && <input autofocus aria-label={t('Search')} placeholder={t('Search')} value={typed} onInput={(event) => setTyped(event.currentTarget.value)}
            onKeyDown={(event) => { if (event.key === 'Enter' && matching[0]) pick(matching[0].value); }} />}
          <ul role="listbox" aria-label={label} aria-multiselectable={multi}>
            {matching.slice(0, kShown).map((option) => (
              <li role="option" aria-selected={chosen.includes(option.value)} tabIndex={0} onClick={() => pick(option.value)}
                onKeyDown={(event) => { if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); pick(option.value); } }}>
                <i class="tick">{chosen.includes(option.value) ? '✓' : ''}</i>{option.text}
              </li>
            ))}
          </ul>
          {!matching.length && <p class="quiet small">{t('Nothing to choose')}</p>}
          {matching.length > kShown && <p class="quiet small">{t('{0} more', matching.length - kShown)}</p>}
        </div>
      )}
    </div>
  );
}
