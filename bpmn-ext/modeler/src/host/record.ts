// A connector's record (of the API, or of a file that `connectors import` takes) as the plug-in needs it.

import type { Answer, Connector, InputKind, Json, Key, Resource } from './types';

type Members = { [name: string]: Json };

/** A connector of a record. `href`: the page where it is edited. */
export function connectorOf(record: Json, href?: string): Connector {
  const members = object(record);
  const endpoints = object(members['endpoints']);
  const connector: Connector = {
    name: text(members['name']),
    resources: Object.entries(endpoints).map(([name, row]) => resourceOf(name, object(row), members)),
  };
  if (typeof members['id'] === 'number' || typeof members['id'] === 'string') connector.id = members['id'];
  if (typeof members['uuid'] === 'string') connector.uuid = members['uuid'];
  if (href !== undefined) connector.href = href;
  return connector;
}

/** The connector that a model names: by uuid, id or name, in this order. */
export function findConnector(connectors: Connector[], reference: string): Connector | undefined {
  const wanted = reference.trim();
  return connectors.find(({ uuid }) => uuid === wanted)
    ?? connectors.find(({ id }) => id !== undefined && String(id) === wanted)
    ?? connectors.find(({ name }) => name === wanted);
}

/** The resource of this name. */
export function findResource(connector: Connector | undefined, name: string): Resource | undefined {
  return connector?.resources.find((resource) => resource.name === name);
}

/** Top-level variables of a template. */
export function templateVariables(template: string): string[] {
  const names = [...template.matchAll(/\{\{\{?\s*[#^&/]?\s*([\p{L}_][\p{L}\p{N}_-]*)/gu)].map((match) => match[1] as string);
  return [...new Set(names)];
}

function resourceOf(name: string, row: Members, record: Members): Resource {
  const url = text(row['url']);
  const params = rows(row['params']);
  const keys: Key[] = params.map((param) => keyOf('PARAM', param));
  for (const variable of templateVariables(url)) {
    if (!keys.some((key) => key.name === variable)) keys.push({ kind: 'PARAM', name: variable, isRequired: true, default: '' });
  }
  // A header with a value of its own is part of the resource; it is offered, but not asked for.
  for (const header of rows(row['headers'])) {
    const key = keyOf('HEADER', header);
    keys.push({ ...key, isRequired: key.isRequired && key.default === '' });
  }
  const body = typeof row['body'] === 'string' ? row['body'] : row['body'] ? JSON.stringify(row['body']) : '';
  for (const variable of templateVariables(body)) keys.push({ kind: 'BODY', name: variable, isRequired: false, default: '' });
  const resource: Resource = {
    name,
    method: (text(row['method']) || 'GET').toUpperCase(),
    url,
    description: text(row['description']),
    keys: keys.filter((key) => key.name !== '' && !key.name.includes('{{')),
    takesAnyParameter: !Array.isArray(row['params']) || params.some((param) => text(param['key']).includes('{{')),
    errorCodes: [row, record].flatMap((of) => rows(of['errorMapping']).map((mapping) => text(mapping['code']))),
  };
  const example = exampleOf(row);
  return example ? { ...resource, example } : resource;
}

function keyOf(kind: InputKind, row: Members): Key {
  return { kind, name: text(row['key']), isRequired: row['required'] === true || row['required'] === 'true', default: text(row['value']) };
}

/** `testData` (JSON text) and `testAnswer`, as "Save as example" writes them. */
function exampleOf(row: Members): Resource['example'] {
  const example: NonNullable<Resource['example']> = {};
  const data = typeof row['testData'] === 'string' ? parsed(row['testData']) : row['testData'];
  if (data !== undefined && data !== null) example.data = data;
  const answer = object(row['testAnswer']);
  if (typeof answer['status'] === 'number') example.answer = answer as unknown as Answer;
  return Object.keys(example).length > 0 ? example : undefined;
}

function parsed(json: string): Json | undefined {
  try {
    return JSON.parse(json) as Json;
  } catch {
    return undefined;
  }
}

function rows(value: Json | undefined): Members[] {
  return Array.isArray(value) ? value.map(object) : [];
}

function object(value: Json | undefined): Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}
