import {useState} from 'preact/hooks';
import {notify} from './notices';
import {recall, store} from './settings';
import {t} from './words';

/** Who acts: asked once, and kept by this browser. */
export function useActor(): [string, (name: string) => void] {
  const [name, setName] = useState(recall('name') ?? '');
  return [name, (next) => { setName(next); store('name', next); }];
}

export function ActorField({actor, set}: {actor: string; set: (name: string) => void}) {
  return <label>{t('Your name')}<input size={12} value={actor} onInput={(event) => set(event.currentTarget.value)} /></label>;
}

/** False, and said, where nobody wrote a name. */
export function named(actor: string): boolean {
  if (!actor) notify(t('Write your name first'), true);
  return actor !== '';
}
