import { useEffect, useState } from 'preact/hooks';

export interface Settled<T> {
  rows: T[];
  /** How many wait to be shown. */
  newer: number;
  /** When what is shown was read, by the server's clock, to the end of that second; ISO 8601. */
  at: string | null;
  show: () => void;
}

/** Rows that stay where they are: known ones change in place, new ones wait until they are asked for. */
export function useSettled<T>(
  rows: T[] | undefined,
  keyOf: (row: T) => string,
  list: string,
  at: string | null = null,
): Settled<T> {
  const [shown, setShown] = useState<{ list: string; keys: string[]; known: Map<string, T>; at: string | null } | null>(null);
  useEffect(() => {
    if (rows === undefined) return;
    setShown((before) => {
      const fresh = new Map(rows.map((row) => [keyOf(row), row]));
      if (before === null || before.list !== list || before.keys.length === 0)
        return { list, keys: [...fresh.keys()], known: fresh, at };
      return { ...before, known: new Map([...before.known, ...fresh]) };
    });
  }, [rows, list]);
  const keys = new Set(shown?.list === list ? shown.keys : []);
  const current = shown?.list === list ? shown : null;
  return {
    rows: current ? current.keys.flatMap((key) => current.known.get(key) ?? []) : (rows ?? []),
    newer: current && rows ? rows.filter((row) => !keys.has(keyOf(row))).length : 0,
    at: current?.at ?? at,
    show: () => setShown(null),
  };
}
