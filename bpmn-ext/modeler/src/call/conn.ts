// Our own spelling of a call, the extension element `dataConnector`. Knows its elements; must not know the other spelling.

import { extensions, type Change, type Create, type ModdleElement } from './moddle';
import { emptyCall, RETRY_MEMBERS, scalarOf, type Call, type Edit, type List, type Scalar } from './types';

const HOLDERS = new Set(['bpmn:ServiceTask', 'bpmn:SendTask']);
const TYPES = { inputs: 'conn:Input', outputs: 'conn:Output', errors: 'conn:ErrorMapping' } as const;
const CELLS: { [list in List]: { [cell: string]: string } } = {
  inputs: { type: 'type', key: 'key', value: 'value', format: 'format' },
  outputs: { variable: 'variable', source: 'source', format: 'format' },
  errors: { when: 'when', code: 'code', message: 'message' },
};
/** Cells that are left out of the file when they have this value. */
const DEFAULTS: { [type: string]: { [cell: string]: string } } = {
  'conn:Input': { format: 'mustache' },
  'conn:Output': { format: 'dotNotation', source: '' },
  'conn:ErrorMapping': { message: '' },
};
/** Scalars that are an element of their own, with the attribute that holds the value. */
const PARTS: { [scalar: string]: [type: string, name: string] } = {
  timeout: ['conn:Timeout', 'value'],
  success: ['conn:Success', 'statuses'],
  ...Object.fromEntries(RETRY_MEMBERS.map((member) => [`retry.${member}`, ['conn:Retry', member]])),
};
/** The order in which new parts stand. */
const ORDER = ['conn:Input', 'conn:Output', 'conn:Retry', 'conn:Timeout', 'conn:ErrorMapping', 'conn:Success'];

/** The `dataConnector` that configures an element. */
export function dataConnector(of: ModdleElement): ModdleElement | undefined {
  if (!HOLDERS.has(of.$type)) return undefined;
  return extensions(of).find((value) => value.$type === 'conn:DataConnector');
}

/** The call that a `dataConnector` means. */
export function read(connector: ModdleElement): Call {
  const call = emptyCall();
  for (const name of ['connector', 'resource', 'queue', 'repeat'] as const) call[name] = connector.get(name) ?? '';
  for (const [scalar, [type, name]] of Object.entries(PARTS)) {
    const value = parts(connector).find((part) => part.$type === type)?.get(name) ?? '';
    if (scalar.startsWith('retry.')) call.retry[name as keyof Call['retry']] = value;
    else call[scalar as 'timeout' | 'success'] = value;
  }
  call.inputs = rows(connector, 'inputs').map((row) => ({
    type: (row.get('type') ?? '').trim().toUpperCase(),
    key: row.get('key') ?? '',
    value: row.get('value') ?? '',
    format: row.get('format') ?? 'mustache',
  }));
  call.outputs = rows(connector, 'outputs').map((row) => ({
    variable: row.get('variable') ?? '',
    source: row.get('source') ?? '',
    format: row.get('format') ?? 'dotNotation',
  }));
  call.errors = rows(connector, 'errors').map((row) => ({
    when: row.get('when') ?? '',
    code: row.get('code') ?? '',
    message: row.get('message') ?? '',
  }));
  return call;
}

/** The changes that an edit means. */
export function edit(connector: ModdleElement, edit: Edit, create: Create): Change[] {
  if ('set' in edit) return set(connector, edit.set, edit.value, create);
  if ('add' in edit) {
    const cells = Object.entries(edit.add).map(([cell, value]) => [cell, stored(TYPES[edit.list], cell, value)]);
    return [insert(connector, create(TYPES[edit.list], Object.fromEntries(cells)))];
  }
  const found = rows(connector, edit.list)['remove' in edit ? edit.remove : edit.at];
  if (!found) return [];
  if ('remove' in edit) return [remove(connector, found)];
  const name = CELLS[edit.list][edit.cell];
  return name ? [{ target: found, properties: { [name]: stored(found.$type, edit.cell, edit.value) } }] : [];
}

/** A new `dataConnector` for a call. */
export function write(call: Call, create: Create): ModdleElement {
  const connector = create('conn:DataConnector', { connector: call.connector, resource: call.resource });
  const apply = (changes: Change[]): void => {
    for (const { target, properties } of changes) {
      for (const [name, value] of Object.entries(properties)) target.set(name, value);
    }
  };
  for (const scalar of ['queue', 'repeat', ...Object.keys(PARTS)] as Scalar[]) {
    const value = scalarOf(call, scalar);
    if (value) apply(set(connector, scalar, value, create));
  }
  for (const list of ['inputs', 'outputs', 'errors'] as const) {
    for (const row of call[list]) apply(edit(connector, { list, add: row } as Edit, create));
  }
  return connector;
}

function parts(connector: ModdleElement): ModdleElement[] {
  return connector.get('parts') ?? [];
}

function rows(connector: ModdleElement, list: List): ModdleElement[] {
  return parts(connector).filter((part) => part.$type === TYPES[list]);
}

/** A cell as the file has it: inputs' types in lower case, defaults left out. */
function stored(type: string, cell: string, value: string): string | undefined {
  if (DEFAULTS[type]?.[cell] === value) return undefined;
  return type === 'conn:Input' && cell === 'type' ? value.toLowerCase() : value;
}

function set(connector: ModdleElement, scalar: Scalar, value: string, create: Create): Change[] {
  const place = PARTS[scalar];
  if (!place) {
    const isRequired = scalar === 'connector' || scalar === 'resource';
    return [{ target: connector, properties: { [scalar]: value || (isRequired ? '' : undefined) } }];
  }
  const [type, name] = place;
  const part = parts(connector).find((candidate) => candidate.$type === type);
  if (!part) return value ? [insert(connector, create(type, { [name]: value }))] : [];
  if (value) return [{ target: part, properties: { [name]: value } }];
  const isLast = !Object.values(PARTS).some(([of, other]) => of === type && other !== name && part.get(other));
  return [isLast ? remove(connector, part) : { target: part, properties: { [name]: undefined } }];
}

/** Puts a part behind those of its type, else where its type stands in the order. */
function insert(connector: ModdleElement, part: ModdleElement): Change {
  part.$parent = connector;
  const list = parts(connector);
  const rank = ORDER.indexOf(part.$type);
  const before = list.findLastIndex((other) => {
    const of = ORDER.indexOf(other.$type);
    return of >= 0 && of <= rank;
  });
  return { target: connector, properties: { parts: list.toSpliced(before + 1, 0, part) } };
}

function remove(connector: ModdleElement, part: ModdleElement): Change {
  return { target: connector, properties: { parts: parts(connector).filter((other) => other !== part) } };
}

/** The elements in a `dataConnector` that are not ours, for which another spelling has no place. */
export function foreignParts(connector: ModdleElement): string[] {
  return parts(connector).map(({ $type }) => $type).filter((type) => !ORDER.includes(type));
}
