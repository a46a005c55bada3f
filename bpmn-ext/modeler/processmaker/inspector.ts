// The fields of a Data Connector in ProcessMaker's inspector. Each one is bound to one attribute, reads its JSON and gives a
// new one: a field that is no property of the model would be lost. Components of Vue 2 that need no compiler.

import { editTexts, filled, isObject, readTexts, type Texts } from '../src/call/pm';
import { slots, unusedKeys } from '../src/call/slots';
import type { Call, Edit } from '../src/call/types';
import { findConnector, findResource } from '../src/host/record';
import type { Connector } from '../src/host/types';

type VNode = unknown;
type H = (tag: string, data: object, children?: VNode[] | string) => VNode;

interface Field {
  /** The attribute. */
  value: string | null;
  connectors: Connector[];
  $emit(event: 'input', value: string): void;
}

/** `pm:config`: what is called, what goes out, what comes back. */
export function callField(connectors: Connector[] | Promise<Connector[]>): object {
  return {
    name: 'DataConnectorCall',
    props: ['value'],
    data: () => ({ connectors: [] as Connector[] }),
    created(this: Field) {
      void Promise.resolve(connectors).then((found) => (this.connectors = found));
    },
    render(this: Field, h: H): VNode {
      const texts: Texts = { config: filled(this.value), handling: '{}' };
      if (!isObject(texts.config)) return h('p', { class: 'text-danger', attrs: { role: 'alert' } }, 'The configuration is no JSON, so it cannot be edited here.');
      const edit = (...edits: Edit[]): void => this.$emit('input', edits.reduce(editTexts, texts).config);
      return h('div', { attrs: { role: 'group', 'aria-label': 'Data Connector' } }, callFields(h, readTexts(texts), this.connectors, edit));
    },
  };
}

/** `pm:errorHandling`: time and further attempts. */
export const failureField: object = {
  name: 'DataConnectorFailure',
  props: ['value'],
  render(this: Field, h: H): VNode {
    const texts: Texts = { config: '{}', handling: filled(this.value) };
    if (!isObject(texts.handling)) return h('p', { class: 'text-danger', attrs: { role: 'alert' } }, 'The error handling is no JSON, so it cannot be edited here.');
    const { timeout, retry } = readTexts(texts);
    const edit = (change: Edit): void => this.$emit('input', editTexts(texts, change).handling);
    const more = retry.attempts === '' ? '' : String(Number(retry.attempts) - 1);
    return h('div', {}, [
      number(h, 'Timeout (seconds)', timeout, (value) => edit({ set: 'timeout', value })),
      number(h, 'Retry Attempts', more, (value) => edit({ set: 'retry.attempts', value: value === '' ? '' : String(Number(value) + 1) })),
      number(h, 'Retry Wait Time (seconds)', retry.wait, (value) => edit({ set: 'retry.wait', value })),
    ]);
  },
};

function callFields(h: H, call: Call, connectors: Connector[], edit: (...edits: Edit[]) => void): VNode[] {
  const connector = findConnector(connectors, call.connector);
  const resource = findResource(connector, call.resource);
  const reference = ({ id, name }: Connector): string => (id === undefined ? name : String(id));
  const chosen = connector ? reference(connector) : call.connector;
  return [
    select(h, 'Connector', chosen, connectors.map((option) => [reference(option), option.name]), (value) => edit({ set: 'connector', value })),
    select(h, 'Resource', call.resource, (connector?.resources ?? []).map(({ name, method }) => [name, `${method}: ${name}`]), (value) => edit({ set: 'resource', value })),
    h('h6', {}, 'What goes out'),
    ...slots(call, resource).map(({ kind, name, at, row }) =>
      input(h, `Value of ${name}`, row?.value ?? '', (value) => {
        if (at !== undefined) edit({ list: 'inputs', at, cell: 'value', value });
        else edit({ list: 'inputs', add: { type: kind, key: name, value, format: 'mustache' } });
      }),
    ),
    ...unusedKeys(call, resource).map(({ kind, name }) =>
      button(h, `Add ${name}`, () => edit({ list: 'inputs', add: { type: kind, key: name, value: '', format: 'mustache' } })),
    ),
    h('h6', { class: 'mt-3' }, 'What comes back'),
    ...call.outputs.flatMap(({ variable, source }, at) => [
      input(h, `Variable ${at + 1}`, variable, (value) => edit({ list: 'outputs', at, cell: 'variable', value })),
      input(h, `Source ${at + 1}`, source, (value) => edit({ list: 'outputs', at, cell: 'source', value })),
      button(h, `Remove variable ${at + 1}`, () => edit({ list: 'outputs', remove: at })),
    ]),
    button(h, 'Add variable', () => edit({ list: 'outputs', add: { variable: '', source: '', format: 'dotNotation' } })),
  ];
}

function labelled(h: H, label: string, control: VNode): VNode {
  return h('label', { class: 'd-block mb-2' }, [h('span', { attrs: { 'aria-hidden': 'true' } }, label), control]);
}

function input(h: H, label: string, value: string, change: (value: string) => void, type = 'text'): VNode {
  const on = { change: (event: Event) => change((event.target as HTMLInputElement).value) };
  return labelled(h, label, h('input', { class: 'form-control', attrs: { type, min: 0, 'aria-label': label }, domProps: { value }, on }));
}

function number(h: H, label: string, value: string, change: (value: string) => void): VNode {
  return input(h, label, value, change, 'number');
}

function select(h: H, label: string, value: string, options: string[][], change: (value: string) => void): VNode {
  const isKnown = options.some(([option]) => option === value);
  const all = isKnown ? options : [[value, value], ...options];
  const on = { change: (event: Event) => change((event.target as HTMLSelectElement).value) };
  const children = all.map(([option, text]) => h('option', { attrs: { value: option }, domProps: { selected: option === value } }, text));
  return labelled(h, label, h('select', { class: 'form-control', attrs: { 'aria-label': label }, on }, children));
}

function button(h: H, label: string, click: () => void): VNode {
  return h('button', { class: 'btn btn-sm btn-outline-secondary mr-2 mb-2', attrs: { type: 'button' }, on: { click } }, label);
}
