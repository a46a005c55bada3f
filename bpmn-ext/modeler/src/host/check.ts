// What records alone can tell about a model, in the linter's codes and words (bpmn-ext/rules). The rules themselves are
// implemented once, in bpmn-ext; a host with a server asks that one.

import { BpmnModdle } from 'bpmn-moddle';

import type { ModdleElement } from '../call/moddle';
import { readCall, spellingOf } from '../call/spelling';
import type { Call } from '../call/types';
import { catcherOf } from '../flow/errors';
import { moddleExtensions } from '../moddle';
import { findConnector, findResource } from './record';
import type { Connector, Diagnostic, Fix, Resource } from './types';

/** Findings about connectors, resources, keys and error codes. */
export async function checkModel(xml: string, connectors: Connector[]): Promise<Diagnostic[]> {
  const { rootElement } = await new BpmnModdle(moddleExtensions as any).fromXML(xml);
  const found: Diagnostic[] = [];
  for (const element of nodes(rootElement as unknown as ModdleElement)) {
    if (spellingOf(element)) found.push(...check(element, readCall(element) as Call, connectors));
  }
  return found;
}

function check(element: ModdleElement, call: Call, connectors: Connector[]): Diagnostic[] {
  const label = quote(element.name ? `${element.name} (${element.id})` : (element.id ?? element.$type.slice(5)));
  const finding = (code: string, severity: 'error' | 'warning', path: string | null, message: string, help: string, fix?: Fix): Diagnostic =>
    ({ code, severity, message: `${label}: ${message}`, help, element: element.id ?? null, path, fix: fix ?? null });
  const found: Diagnostic[] = call.errors.flatMap(({ code }, at) => {
    if (catcherOf(element, code)) return [];
    const help = `attach an error boundary event that catches ${quote(code)}, or any error`;
    return [finding('uncaught-error', 'warning', `errors.${at}.code`, `nothing catches the error ${quote(code)}, so the request fails with it`, help)];
  });
  const connector = findConnector(connectors, call.connector);
  if (!connector) {
    const names = connectors.map(({ name }) => name);
    found.push(finding('unknown-connector', 'error', 'connector', `there is no connector ${quote(call.connector)}`, ...suggestion(call.connector, names, 'connector')));
    return found;
  }
  const resource = findResource(connector, call.resource);
  if (!resource) {
    const names = connector.resources.map(({ name }) => name);
    const message = `connector ${quote(connector.name)} has no resource ${quote(call.resource)}`;
    found.push(finding('unknown-resource', 'error', 'resource', message, ...suggestion(call.resource, names, 'resource')));
    return found;
  }
  for (const { kind, name } of resource.keys.filter((key) => key.isRequired && key.kind !== 'BODY' && key.default === '')) {
    if (call.inputs.some((row) => row.type === kind && row.key === name && row.value !== '')) continue;
    const word = kind.toLowerCase();
    const message = `resource ${quote(resource.name)} requires the ${word} ${quote(name)}, which would be sent empty`;
    found.push(finding('missing-required', 'warning', `inputs.${name}`, message, `add an input of type ${word} with key ${quote(name)} and a value`));
  }
  for (const row of call.inputs) {
    const known = usedKeys(resource, row.type);
    if (!known || known.includes(row.key) || row.key.includes('{{')) continue;
    const [what, verb] = row.type === 'BODY' ? ['the body', 'does'] : ['the URL and the declared parameters', 'do'];
    const message = `${quote(row.key)} has no effect: ${what} of resource ${quote(resource.name)} ${verb} not use it`;
    const [help] = suggestion(row.key, known, '');
    const fix = { title: `Remove ${row.key}`, edits: [{ path: `inputs.${row.key}`, value: null }] };
    found.push(finding('undeclared-key', 'warning', `inputs.${row.key}`, message, help, fix));
  }
  return found;
}

/** The keys that have an effect; undefined if every key has. */
function usedKeys(resource: Resource, kind: string): string[] | undefined {
  if (kind === 'BODY') return resource.keys.filter((key) => key.kind === 'BODY').map((key) => key.name);
  if (kind !== 'PARAM' || resource.takesAnyParameter) return undefined;
  return resource.keys.filter((key) => key.kind === 'PARAM').map((key) => key.name);
}

function suggestion(wrong: string, known: string[], path: string): [help: string, fix?: Fix] {
  const similar = known.find((name) => name.toLowerCase() === wrong.toLowerCase() || distance(name, wrong) <= 2);
  if (similar) return [`did you mean ${quote(similar)}?`, { title: `Use ${similar}`, edits: [{ path, value: similar }] }];
  return [known.length === 0 ? 'there is none' : `there are ${known.slice(0, 12).map(quote).join(', ')}`];
}

/** The Levenshtein distance between the beginnings of two names. */
export function distance(a: string, b: string): number {
  let row = Array.from({ length: Math.min(b.length, 64) + 1 }, (_, index) => index);
  for (const [i, left] of [...a.slice(0, 64)].entries()) {
    const next = [i + 1];
    for (let j = 0; j + 1 < row.length; j += 1) {
      const cost = left === b[j] ? 0 : 1;
      next.push(Math.min((next[j] as number) + 1, (row[j + 1] as number) + 1, (row[j] as number) + cost));
    }
    row = next;
  }
  return row.at(-1) as number;
}

function* nodes(of: ModdleElement): Generator<ModdleElement> {
  for (const child of [...(of.get('rootElements') ?? []), ...(of.get('flowElements') ?? [])]) {
    yield child;
    yield* nodes(child);
  }
}

function quote(text: string): string {
  return `\`${text}\``;
}
