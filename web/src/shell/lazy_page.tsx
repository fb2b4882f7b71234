import type {ComponentType} from 'preact';
import {useEffect, useState} from 'preact/hooks';
import {messageOf} from '../api/client';
import {t} from './words';

export type PageLoader = () => Promise<{default: ComponentType}>;

/** A page whose code is loaded when it is first shown. */
export function LazyPage({load}: {load: PageLoader}) {
  const [page, setPage] = useState<ComponentType | null>(null);
  const [error, setError] = useState('');
  useEffect(() => {
    load().then((module) => setPage(() => module.default), (reason: unknown) => setError(messageOf(reason)));
  }, [load]);
  if (error) {
    // The server was replaced by a newer one, whose files have other names.
    return <p class="banner bad" role="alert">{t('This page could not be loaded.')} {error}{' '}
      <button onClick={() => location.reload()}>{t('Load again')}</button></p>;
  }
  const Page = page;
  return Page ? <Page /> : null;
}
