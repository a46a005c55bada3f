import { useEffect, useMemo, useReducer } from 'preact/hooks';

/** Whether a media query holds now. */
export function useMedia(query: string): boolean {
  const media = useMemo(() => matchMedia(query), [query]);
  const [, look] = useReducer((turn: number) => turn + 1, 0);
  useEffect(() => {
    media.addEventListener('change', look);
    return () => media.removeEventListener('change', look);
  }, [media]);
  return media.matches;
}
