// Short messages of what an action did.
import {signal} from '@preact/signals';

interface Notice { id: number; text: string; bad: boolean }
const notices = signal<Notice[]>([]);
let next = 1;

export function notify(text: string, bad = false): void {
  const id = next++;
  notices.value = [...notices.value.slice(-3), {id, text, bad}];
  setTimeout(() => { notices.value = notices.value.filter((one) => one.id !== id); }, bad ? 10_000 : 4_000);
}

export function Notices() {
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.value.map(({id, text, bad}) => <p key={id} class={bad ? 'notice bad' : 'notice'}>{text}</p>)}
    </div>
  );
}

export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    notify('Copied');
  } catch {
    notify(text, true);
  }
}
