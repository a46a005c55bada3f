// The variables that can have been set when an element is reached, with where they come from.

import type { ModdleElement } from '../call/moddle';
import { readCall } from '../call/spelling';
import type { Json } from '../host/types';
import { before } from './before';
import { readLoop } from './loop';

/** A variable that an element can read. */
export interface Variable {
  name: string;
  /** Where it comes from, for people. */
  origin: string;
  /** Its last value, as far as one is known. */
  value?: Json;
}

/** What a request begins with, and what was mapped in tries, by element. */
export interface Known {
  data: Json;
  mapped(element: ModdleElement): { [variable: string]: Json } | undefined;
}

/** The variables of an element: its item first, then the nearest. A name that several set is that of the nearest. */
export function variablesOf(element: ModdleElement, known: Known): Variable[] {
  const found = new Map<string, Variable>();
  const add = (variable: Variable): void => {
    if (variable.name !== '' && !variable.name.includes('{{') && !found.has(variable.name)) found.set(variable.name, variable);
  };
  const data = typeof known.data === 'object' && known.data !== null && !Array.isArray(known.data) ? known.data : {};
  const own = readLoop(element);
  if (own.repeat !== 'no' && own.item) {
    const list = data[own.list];
    const value = Array.isArray(list) ? list[0] : undefined;
    add({ name: own.item, origin: `item of ${own.list || 'the list'}`, ...(value !== undefined && { value }) });
  }
  for (const node of before(element)) {
    const call = readCall(node);
    if (!call || node === element) continue;
    const origin = node.name || node.id || '';
    const mapped = known.mapped(node);
    const loop = readLoop(node);
    const names = loop.repeat === 'no' ? call.outputs.map((row) => row.variable) : [loop.results];
    for (const name of names) add({ name, origin, ...(mapped && name in mapped && { value: mapped[name] as Json }) });
  }
  for (const [name, value] of Object.entries(data)) add({ name, origin: 'sample data', value });
  return [...found.values()];
}
