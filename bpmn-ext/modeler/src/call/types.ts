// A configured call in one shape for all spellings, and the edits of it. Knows that shape; must not know how it is written.

/** A value of the call that is made from request data. */
export interface InputRow {
  /** `PARAM`, `HEADER` or `BODY`; another text stays as it is in the file. */
  type: string;
  key: string;
  value: string;
  /** `mustache` or `feel`. */
  format: string;
}

/** A variable that is set from the answer. */
export interface OutputRow {
  variable: string;
  /** Empty for the whole body. */
  source: string;
  /** `dotNotation`, `mustache`, `feel` or `jmespath`. */
  format: string;
}

/** The BPMN error that a failure is mapped onto. */
export interface ErrorRow {
  when: string;
  code: string;
  message: string;
}

/** How a failed call is tried again; an absent member is the resource's. */
export interface Retry {
  /** All of them, the first included. */
  attempts: string;
  wait: string;
  backoff: string;
  maxWait: string;
  budget: string;
  statuses: string;
}

/** A configured call. Texts are empty where nothing is configured. */
export interface Call {
  connector: string;
  resource: string;
  queue: string;
  repeat: string;
  success: string;
  timeout: string;
  retry: Retry;
  inputs: InputRow[];
  outputs: OutputRow[];
  errors: ErrorRow[];
}

export type Scalar =
  | 'connector' | 'resource' | 'queue' | 'repeat' | 'success' | 'timeout'
  | `retry.${keyof Retry}`;

export interface Rows {
  inputs: InputRow;
  outputs: OutputRow;
  errors: ErrorRow;
}
export type List = keyof Rows;

/** One change of a call; `at` counts from 0. */
export type Edit =
  | { set: Scalar; value: string }
  | { list: List; at: number; cell: string; value: string }
  | { [L in List]: { list: L; add: Partial<Rows[L]> } }[List]
  | { list: List; remove: number };

/** The languages of rows; the first one is what an absent one means. */
export const INPUT_FORMATS = ['mustache', 'feel'] as const;
export const OUTPUT_FORMATS = ['dotNotation', 'mustache', 'feel', 'jmespath'] as const;

export const RETRY_MEMBERS = ['attempts', 'wait', 'backoff', 'maxWait', 'budget', 'statuses'] as const;
const SCALARS: ReadonlySet<string> = new Set([
  'connector', 'resource', 'queue', 'repeat', 'success', 'timeout', ...RETRY_MEMBERS.map((member) => `retry.${member}`),
]);

/** A call without anything. */
export function emptyCall(): Call {
  return {
    connector: '', resource: '', queue: '', repeat: '', success: '', timeout: '',
    retry: { attempts: '', wait: '', backoff: '', maxWait: '', budget: '', statuses: '' },
    inputs: [], outputs: [], errors: [],
  };
}

/** The value of a scalar of a call. */
export function scalarOf(call: Call, name: Scalar): string {
  if (name.startsWith('retry.')) return call.retry[name.slice(6) as keyof Retry];
  return call[name as keyof Pick<Call, 'connector' | 'resource' | 'queue' | 'repeat' | 'success' | 'timeout'>];
}

/**
 * The edit that a diagnostic's path and value mean, or undefined for a path that is no part of a call. A value of null
 * removes: a row as a whole, when the path names its key or its first cell.
 */
export function editAt(call: Call, path: string, value: string | null): Edit | undefined {
  if (SCALARS.has(path)) return { set: path as Scalar, value: value ?? '' };
  const [list, ...rest] = path.split('.');
  if (list === 'inputs') {
    // All after the dot is the key, which may hold dots itself.
    const key = rest.join('.');
    const at = call.inputs.findIndex((row) => row.key === key);
    if (at < 0) return value === null ? undefined : { list, add: { type: 'PARAM', key, value } };
    return value === null ? { list, remove: at } : { list, at, cell: 'value', value };
  }
  const [index, cell] = rest;
  const at = Number(index);
  if ((list === 'outputs' || list === 'errors') && cell !== undefined && at < call[list].length) {
    return value === null ? { list, remove: at } : { list, at, cell, value };
  }
  return undefined;
}
