/** The path that one wanted to see, if it is one of this origin: nobody is led elsewhere after signing in. */
export function ownPath(to: string | undefined): string | null {
  if (!to || !to.startsWith('/')) return null;
  const address = new URL(to, location.origin);
  const path = address.pathname + address.search;
  return address.origin === location.origin && path.startsWith('/') && !path.startsWith('//') && address.pathname !== '/sign-in'
    ? path
    : null;
}
