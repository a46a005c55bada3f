import { useEffect, useState } from 'preact/hooks';

export interface Settled<T> {
  rows: T[];
  /** How many wait to be shown. */
  newer: number;
  /** When what is shown was read, by the server's clock, to the end of that second; ISO 8601. */
  at: string | null;
  show: () => void;
}

interface Shown<T> {
  list: string;
  keys: string[];
  known: Map<string, T>;
  at: string | null;
}

/**
 * Rows that stay where they are: known ones change in place, new ones wait until they are asked for. `rows` are undefined until
 * those of `list` are there; meanwhile what was shown stays.
 */
export function useSettled<T>(
  rows: T[] | undefined,
  keyOf: (row: T) => string,
  list: string,
  at: string | null = null,
): Settled<T> {
  const [shown, setShown] = useState<Shown<T> | null>(null);
  useEffect(() => {
    if (rows === undefined) return;
    setShown((before) => {
      const fresh = new Map(rows.map((row) => [keyOf(row), row]));
      if (before === null || before.list !== list || before.keys.length === 0)
        return { list, keys: [...fresh.keys()], known: fresh, at };
      return { ...before, known: new Map([...before.known, ...fresh]) };
    });
  }, [rows, list]);
  const isOfList = shown?.list === list;
  const keys = new Set(isOfList ? shown.keys : []);
  return {
    rows: shown && (isOfList || !rows) ? shown.keys.flatMap((key) => shown.known.get(key) ?? []) : (rows ?? []),
    newer: isOfList && rows ? rows.filter((row) => !keys.has(keyOf(row))).length : 0,
    at: (isOfList ? shown.at : null) ?? at,
    show: () => setShown(null),
  };
}
