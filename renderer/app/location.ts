import { useSyncExternalStore } from 'react';

type Navigate = (to: string, options?: { replace?: boolean; state?: unknown }) => void;

function subscribe(listener: () => void): () => void {
  window.addEventListener('hashchange', listener);
  window.addEventListener('popstate', listener);
  return () => {
    window.removeEventListener('hashchange', listener);
    window.removeEventListener('popstate', listener);
  };
}

/** A place of the app, `#/new?sample=one-host`, as its path and its query (without `?`). */
export function splitHash(hash: string): { path: string; query: string } {
  const place = hash.replace(/^#?\/*/, '/');
  const mark = place.indexOf('?');
  return mark < 0 ? { path: place, query: '' } : { path: place.slice(0, mark), query: place.slice(mark + 1) };
}

const navigate: Navigate = (to, { replace = false, state = null } = {}) => {
  const hash = `#/${to.replace(/^#?\/*/, '')}`;
  history[replace ? 'replaceState' : 'pushState'](state, '', hash);
  window.dispatchEvent(new HashChangeEvent('hashchange'));
};

const currentPath = () => splitHash(window.location.hash).path;
const currentQuery = () => splitHash(window.location.hash).query;

/**
 * The place as wouter wants it. Unlike wouter's own hash location, the query is part of the hash: a place can be linked to
 * with its query, and leaves none behind when another is gone to.
 */
export const useHashLocation = (): [string, Navigate] => [
  useSyncExternalStore(subscribe, currentPath),
  navigate,
];

export const useHashSearch = (): string => useSyncExternalStore(subscribe, currentQuery);

/** What a link's `href` is for a place. */
export const hashHref = (place: string): string => `#${place}`;

/** Goes to a place from outside of a component. */
export const goTo = (place: string): void => navigate(place);
