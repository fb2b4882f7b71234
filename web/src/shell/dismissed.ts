import {useEffect, useRef, type MutableRef} from 'preact/hooks';

/** A ref for what opens a menu: Escape, or a press outside of it, closes the menu. */
export function useDismissed(open: boolean, setOpen: (open: boolean) => void): MutableRef<HTMLDivElement | null> {
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return undefined;
    const close = (event: Event): void => {
      if (event instanceof KeyboardEvent ? event.key === 'Escape' : !root.current?.contains(event.target as Node)) setOpen(false);
    };
    addEventListener('mousedown', close);
    addEventListener('keydown', close);
    return () => { removeEventListener('mousedown', close); removeEventListener('keydown', close); };
  }, [open]);
  return root;
}
