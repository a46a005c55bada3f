/** The state of a page that is in its address: reload, Back and a link sent on show the same. */

import { useLocation } from 'preact-iso';
import { useRef } from 'preact/hooks';

export interface Address {
  query: Record<string, string>;
  /** Changes parameters; empty ones leave the address. What people typed replaces the entry, what they chose adds one. */
  set: (changes: Record<string, string | null | undefined>, how?: 'push' | 'replace') => void;
  /** The address with changes, for a link. */
  href: (changes: Record<string, string | null | undefined>) => string;
}

export function useAddress(): Address {
  const { query, path, route } = useLocation();
  const href = (changes: Record<string, string | null | undefined>) => {
    const next = new URLSearchParams(query);
    for (const [name, value] of Object.entries(changes)) {
      if (value == null || value === '') next.delete(name);
      else next.set(name, value);
    }
    const text = next.toString();
    return path + (text === '' ? '' : `?${text}`);
  };
  return { query, href, set: (changes, how = 'push') => route(href(changes), how === 'replace') };
}

/** What follows `/base/` in the address, decoded. On the way to another page, whose address is here before that page is: what was. */
export function useParts(base: string): string[] {
  const { path } = useLocation();
  const last = useRef<string[]>([]);
  if (path.startsWith(`/${base}/`)) last.current = path.split('/').slice(2).map(decoded);
  return last.current;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
