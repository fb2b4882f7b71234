// Data of a component: asked for again when a dependency changes, the last answer shown meanwhile.
import {useEffect, useRef, useState} from 'preact/hooks';
import {isAbort} from '../api/client';
import {busy} from './clock';

export interface Loaded<T> {
  data: T | undefined;  // the last that arrived, also while a newer one is awaited
  error: unknown;       // of the last request; undefined when it went well
  loading: boolean;
}

/** `ask` is called when one of `keys` changes; an answer that was overtaken is dropped. */
export function useLoad<T>(ask: (signal: AbortSignal) => Promise<T>, keys: readonly unknown[]): Loaded<T> {
  const [state, setState] = useState<Loaded<T>>({data: undefined, error: undefined, loading: true});
  const latest = useRef(ask);
  latest.current = ask;
  useEffect(() => {
    const abort = new AbortController();
    setState((before) => (before.loading ? before : {...before, loading: true}));
    busy(latest.current(abort.signal)).then(
      (data) => { if (!abort.signal.aborted) setState({data, error: undefined, loading: false}); },
      (error: unknown) => {
        if (abort.signal.aborted || isAbort(error)) return;
        setState((before) => ({data: before.data, error, loading: false}));
      });
    return () => abort.abort();
  }, keys);
  return state;
}
