// The spellings of a connector, and the way from one to the other.

import type { Json } from '../host/types';
import * as conn from './conn';
import { extensions, type Change, type Create, type ModdleElement } from './moddle';
import * as pm from './pm';
import type { Call, Edit } from './types';

/** How an element is written: our extension, or ProcessMaker's attributes. */
export type Spelling = 'conn' | 'pm';

/** The spelling of a connector element; undefined for any other. Where there are two, the extension is used. */
export function spellingOf(of: ModdleElement): Spelling | undefined {
  if (conn.dataConnector(of)) return 'conn';
  return pm.isConnector(of) ? 'pm' : undefined;
}

/** The call that a connector element makes; undefined for any other. */
export function readCall(of: ModdleElement): Call | undefined {
  const connector = conn.dataConnector(of);
  if (connector) return conn.read(connector);
  return pm.isConnector(of) ? pm.read(of) : undefined;
}

/** The changes of the model that an edit means. */
export function editCall(of: ModdleElement, edit: Edit, create: Create): Change[] {
  const connector = conn.dataConnector(of);
  return connector ? conn.edit(connector, edit, create) : pm.edit(of, edit);
}

/** Properties that make a service task a connector. */
export function propertiesFor(call: Call, spelling: Spelling, create: Create): { [name: string]: unknown } {
  if (spelling === 'pm') return pm.write(call);
  const extensionElements = create('bpmn:ExtensionElements', { values: [] });
  const connector = conn.write(call, create);
  connector.$parent = extensionElements;
  extensionElements.set('values', [connector]);
  return { extensionElements };
}

/** Why an element cannot be written in another spelling; undefined when it can. */
export function conversionProblem(of: ModdleElement, to: Spelling): string | undefined {
  if (spellingOf(of) === to) return undefined;
  if (to === 'pm') {
    const parts = conn.foreignParts(conn.dataConnector(of) as ModdleElement);
    if (parts.length > 0) return `It holds ${parts.join(', ')}, which would be lost.`;
    return of.$type === 'bpmn:ServiceTask' ? undefined : 'ProcessMaker knows it in service tasks only.';
  }
  if (of.$type !== 'bpmn:ServiceTask') return 'A call activity can only be written for ProcessMaker.';
  const broken = pm.brokenText(of);
  if (broken) return `${broken} cannot be read.`;
  const own = pm.ownMembers(of);
  return own.length > 0 ? `It uses ${own.join(', ')}, which only ProcessMaker's spelling has.` : undefined;
}

/** The changes that write an element in another spelling. `reference` names the connector as that spelling does. */
export function convert(of: ModdleElement, to: Spelling, reference: (connector: string) => string, create: Create): Change[] {
  const call = readCall(of);
  if (!call || spellingOf(of) === to || conversionProblem(of, to)) return [];
  call.connector = reference(call.connector);
  const container = of.get('extensionElements') as ModdleElement | undefined;
  const others = extensions(of).filter((value) => value.$type !== 'conn:DataConnector');
  if (to === 'pm') {
    const attributes = pm.write(call);
    if (others.length === 0) return [{ target: of, properties: { ...attributes, extensionElements: undefined } }];
    return [{ target: of, properties: attributes }, { target: container as ModdleElement, properties: { values: others } }];
  }
  const cleared = { implementation: undefined, 'pm:config': undefined, 'pm:errorHandling': undefined };
  if (!container) {
    const properties = propertiesFor(call, 'conn', create);
    (properties['extensionElements'] as ModdleElement).$parent = of;
    return [{ target: of, properties: { ...cleared, ...properties } }];
  }
  const connector = conn.write(call, create);
  connector.$parent = container;
  return [{ target: of, properties: cleared }, { target: container, properties: { values: [...others, connector] } }];
}

/** The spelling that most connectors of a model have; ours where there is none. */
export function majority(elements: Iterable<ModdleElement>): Spelling {
  let balance = 0;
  for (const element of elements) {
    const spelling = spellingOf(element);
    if (spelling) balance += spelling === 'pm' ? 1 : -1;
  }
  return balance > 0 ? 'pm' : 'conn';
}

/** What is configured, in the shape that jobs have (ProcessMaker's), whatever the spelling. */
export function configOf(of: ModdleElement): { [name: string]: Json } {
  const connector = conn.dataConnector(of);
  if (!connector) return pm.config(of);
  const call = conn.read(connector);
  const config: { [name: string]: Json } = { dataSource: call.connector, endpoint: call.resource };
  for (const name of ['repeat', 'success', 'timeout'] as const) if (call[name]) config[name] = call[name];
  // An absent list is not an empty one: when it is absent, the headers of the resource are sent.
  if (call.inputs.length > 0) config['outboundConfig'] = call.inputs.map((row) => ({ ...row }));
  if (call.outputs.length > 0) config['dataMapping'] = outputRows(call);
  if (call.errors.length > 0) config['errorMapping'] = call.errors.map(({ message, ...row }) => (message ? { ...row, message } : row));
  return config;
}

/** The rows of "What comes back" as jobs have them. */
export function outputRows(call: Call): { key: string; value: string; format: string }[] {
  return call.outputs.map(({ variable, source, format }) => ({ key: variable, value: source, format }));
}
