// The keys that "What goes out" offers: those a resource takes, with the rows that fill them.

import type { InputKind, Key, Resource } from '../host/types';
import type { Call, InputRow } from './types';

/** One value of "What goes out". */
export interface Slot {
  kind: string;
  name: string;
  /** Always there, also without a row. */
  isRequired: boolean;
  /** Whether the resource knows the key. */
  isKnown: boolean;
  default: string;
  row?: InputRow;
  /** The place of the row in the call. */
  at?: number;
}

/** What is shown: required keys in the resource's order, then the other rows in the file's. */
export function slots(call: Call, resource: Resource | undefined): Slot[] {
  const keys = resource?.keys ?? [];
  const required = keys.filter((key) => key.isRequired).map((key) => slot(key, call));
  const shown = new Set(required.map((filled) => filled.at));
  const others = call.inputs.flatMap((row, at): Slot[] => {
    if (shown.has(at)) return [];
    const key = keys.find((candidate) => fits(candidate, row));
    const isKnown = key !== undefined || !resource || row.type === 'HEADER' || (row.type === 'PARAM' && resource.takesAnyParameter);
    return [{ kind: row.type, name: row.key, isRequired: false, isKnown, default: key?.default ?? '', row, at }];
  });
  return [...required, ...others];
}

/** Keys that are not used yet. */
export function unusedKeys(call: Call, resource: Resource | undefined): Key[] {
  return (resource?.keys ?? []).filter((key) => !key.isRequired && !call.inputs.some((row) => fits(key, row)));
}

/** What a kind is called on the page. */
export function kindWord(kind: string): string {
  const words: { [kind: string]: string } = { PARAM: 'parameter', HEADER: 'header', BODY: 'body' } satisfies { [K in InputKind]: string };
  return words[kind] ?? kind;
}

function slot(key: Key, call: Call): Slot {
  const at = call.inputs.findIndex((row) => fits(key, row));
  const base = { kind: key.kind, name: key.name, isRequired: true, isKnown: true, default: key.default };
  return at < 0 ? base : { ...base, row: call.inputs[at] as InputRow, at };
}

function fits(key: Key, row: InputRow): boolean {
  if (key.kind !== row.type) return false;
  return key.kind === 'HEADER' ? key.name.toLowerCase() === row.key.toLowerCase() : key.name === row.key;
}
