// Where the reader is: the path below the page's root and its parameters. Everything that a link
// should carry is here and nowhere else.
import {computed, signal} from '@preact/signals';
import {rootUrl} from '../api/client';

export interface Place { path: string; params: URLSearchParams }

function here(): Place {
  const below = location.pathname.startsWith(rootUrl.pathname)
    ? location.pathname.slice(rootUrl.pathname.length) : location.pathname.slice(1);
  return {path: `/${below.replace(/\/$/, '')}`, params: new URLSearchParams(location.search)};
}

export const place = signal<Place>(here());
export const path = computed(() => place.value.path);

/** The href of a path below the root; parameters that are empty are left out. */
export function href(to: string, params?: Record<string, string | undefined> | URLSearchParams): string {
  const list = params instanceof URLSearchParams ? params : new URLSearchParams(
    Object.entries(params ?? {}).filter((entry): entry is [string, string] => !!entry[1]));
  const query = list.toString();
  return rootUrl.pathname + to.replace(/^\//, '') + (query ? `?${query}` : '');
}

function go(url: string, replace: boolean): void {
  if (url === location.pathname + location.search) return;
  if (replace) history.replaceState(null, '', url);
  else history.pushState(null, '', url);
  place.value = here();
}

export function navigate(to: string, params?: Record<string, string | undefined> | URLSearchParams): void {
  go(href(to, params), false);
  scrollTo(0, 0);
}

/** Changes parameters of the place; null takes one away, a list gives it several times. */
export function setParams(changes: Record<string, string | readonly string[] | null>, replace = false): void {
  const params = new URLSearchParams(place.value.params);
  for (const [name, value] of Object.entries(changes)) {
    params.delete(name);
    if (value === null) continue;
    for (const one of typeof value === 'string' ? [value] : value) params.append(name, one);
  }
  go(href(place.value.path, params), replace);
}

export const param = (name: string, fallback = ''): string => place.value.params.get(name) ?? fallback;

/** On a screen on the wall. */
export const isTv = (): boolean => param('kiosk') === 'tv';

/** Links of our own are followed without loading the page again. */
function follow(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
  const link = event.composedPath().find((node): node is HTMLAnchorElement => node instanceof HTMLAnchorElement);
  if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
  if (!link.pathname.startsWith(rootUrl.pathname) || link.getAttribute('href')?.startsWith('#')) return;
  if (/^\/(api|metrics|federate|-)(\/|$)/.test(`/${link.pathname.slice(rootUrl.pathname.length)}`)) return;
  event.preventDefault();
  go(link.pathname + link.search, false);
  scrollTo(0, 0);
}

export function startLocation(): void {
  // Relative to where the page began, which is not where it will be.
  for (const link of document.querySelectorAll<HTMLLinkElement>('link[rel~="icon"]')) link.setAttribute('href', link.href);
  addEventListener('popstate', () => { place.value = here(); });
  document.addEventListener('click', follow);
}
