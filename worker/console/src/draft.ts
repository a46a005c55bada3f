/** What was typed and not saved, kept in this browser. Never holds a value of a password field. */

interface Stored<T> {
  at: string;
  state: T;
}

const PREFIX = 'data-connector.draft.';

export function keepDraft<T>(name: string, state: T): void {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify({ at: new Date().toISOString(), state } satisfies Stored<T>));
  } catch {
    // The storage is full: the page goes on, only leaving it loses what was typed.
  }
}

export function draft<T>(name: string): Stored<T> | null {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + name) ?? 'null') as Stored<T> | null;
  } catch {
    return null;
  }
}

export function dropDraft(name: string): void {
  localStorage.removeItem(PREFIX + name);
}
