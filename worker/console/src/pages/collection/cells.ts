/** The values of records as people read and write them. Pure. */

import type { Column, CollectionRecord } from '../../api/types';

export interface Field {
  /** Where it is in `data`, by steps. */
  steps: string[];
  /** As PMQL and the API name it: `data.address.city`. */
  path: string;
  label: string;
  type: string;
}

/** The columns; without any, the names that the shown records have. */
export function fieldsOf(columns: Column[], records: CollectionRecord[]): Field[] {
  if (columns.length > 0) {
    return columns.map((column) => {
      const steps = column.field.replace(/^data\./, '').split('.');
      return { steps, path: `data.${steps.join('.')}`, label: column.label || steps.join('.'), type: column.type ?? 'json' };
    });
  }
  const names = [...new Set(records.flatMap((record) => Object.keys(record.data)))].sort();
  return names.map((name) => ({ steps: [name], path: `data.${name}`, label: name, type: 'json' }));
}

export function valueAt(data: unknown, steps: string[]): unknown {
  return steps.reduce<unknown>(
    (value, step) => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[step] : undefined),
    data,
  );
}

/** A text stays as it is, everything else is JSON; nothing is empty. */
export function shown(value: unknown): string {
  return value === undefined || value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value);
}

/** What was typed as the value of a column; the server coerces and refuses. */
export function typed(text: string, type: string): unknown {
  if (text === '') return null;
  if (type !== 'json') return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A merge patch that sets one value. */
export function patch(steps: string[], value: unknown): Record<string, unknown> {
  const [first, ...rest] = steps;
  return { [first]: rest.length === 0 ? value : patch(rest, value) };
}
