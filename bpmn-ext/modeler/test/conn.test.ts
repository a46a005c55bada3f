// Our own spelling: what a file holds survives reading, editing and writing.

import { readFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import { readCall } from '../src/call/spelling';
import conn from '../src/moddle/conn.json';
import { Model, taskXml } from './models';

const FULL = `<b:extensionElements>
  <acme:note at="1">mine</acme:note>
  <x:dataConnector connector="Rates" resource="latest" acme:id="7" later="1">
    <x:output variable="rate" source="rates.EUR"/>
    <x:input type="param" key="base" value="{{currency}}" acme:seen="yes"/>
    <acme:inner><acme:deep/></acme:inner>
    <x:retry attempts="4" wait="PT5S" maxWait="PT1M"/>
    <x:timeout value="PT20S"/>
    <x:errorMapping when="404" code="GONE" message="no rate"/>
    <x:success statuses="2xx,304"/>
  </x:dataConnector>
</b:extensionElements>`;

/** The start tags of a `dataConnector` and all in it, in their order. */
function tags(xml: string): string[] {
  const body = /<x:dataConnector[^]*<\/x:dataConnector>/.exec(xml)?.[0] ?? '';
  return (body.match(/<(?!\/)[^>]*>/g) ?? []).map((tag) => tag.replace(/\s*\/?>$/, '').slice(1));
}

describe('our spelling', () => {
  test('the descriptor has the elements and attributes of the schema', () => {
    const schema = JSON.parse(readFileSync(new URL('../../schema/conn.json', import.meta.url), 'utf8'));
    const attributes = (descriptor: typeof schema): object => Object.fromEntries(
      descriptor.types.map((type: any) => [type.name, type.properties.filter((p: any) => p.isAttr).map((p: any) => p.name)]),
    );
    expect([conn.uri, conn.prefix, attributes(conn)]).toEqual([schema.uri, schema.prefix, attributes(schema)]);
  });

  test('reading and writing keeps prefixes, order, and what others wrote', async () => {
    const model = await Model.of(taskXml('name="T"', FULL));
    const xml = await model.xml();
    expect(tags(xml)).toEqual([
      'x:dataConnector connector="Rates" resource="latest" acme:id="7" later="1"',
      'x:output variable="rate" source="rates.EUR"',
      'x:input type="param" key="base" value="{{currency}}" acme:seen="yes"',
      'acme:inner', 'acme:deep',
      'x:retry attempts="4" wait="PT5S" maxWait="PT1M"',
      'x:timeout value="PT20S"',
      'x:errorMapping when="404" code="GONE" message="no rate"',
      'x:success statuses="2xx,304"',
    ]);
    expect(xml).toContain('<acme:note at="1">mine</acme:note>');
  });

  test('a call is read', async () => {
    const model = await Model.of(taskXml('', FULL));
    expect(readCall(model.element('t'))).toEqual({
      connector: 'Rates', resource: 'latest', queue: '', repeat: '', success: '2xx,304', timeout: 'PT20S',
      retry: { attempts: '4', wait: 'PT5S', backoff: '', maxWait: 'PT1M', budget: '', statuses: '' },
      inputs: [{ type: 'PARAM', key: 'base', value: '{{currency}}', format: 'mustache' }],
      outputs: [{ variable: 'rate', source: 'rates.EUR', format: 'dotNotation' }],
      errors: [{ when: '404', code: 'GONE', message: 'no rate' }],
    });
  });

  test('edits change what they name and nothing else', async () => {
    const model = await Model.of(taskXml('', FULL));
    model.edit('t',
      { set: 'resource', value: 'history' },
      { set: 'queue', value: 'slow' },
      { list: 'inputs', at: 0, cell: 'value', value: 'EUR' },
      { list: 'inputs', add: { type: 'HEADER', key: 'X-Trace', value: '1', format: 'mustache' } },
      { list: 'outputs', add: { variable: 'all', source: '', format: 'jmespath' } },
      { list: 'outputs', at: 0, cell: 'format', value: 'feel' },
      { set: 'retry.wait', value: '' },
      { set: 'timeout', value: '' },
      { list: 'errors', remove: 0 });
    expect(tags(await model.xml())).toEqual([
      'x:dataConnector connector="Rates" resource="history" queue="slow" acme:id="7" later="1"',
      'x:output variable="rate" source="rates.EUR" format="feel"',
      'x:input type="param" key="base" value="EUR" acme:seen="yes"',
      'x:input type="header" key="X-Trace" value="1"',
      'x:output variable="all" format="jmespath"',
      'acme:inner', 'acme:deep',
      'x:retry attempts="4" maxWait="PT1M"',
      'x:success statuses="2xx,304"',
    ]);
  });

  test('new parts stand where the schema has them', async () => {
    const model = await Model.of(taskXml('', '<b:extensionElements><x:dataConnector connector="" resource=""/></b:extensionElements>'));
    model.edit('t',
      { set: 'success', value: '2xx' },
      { list: 'errors', add: { when: '404', code: 'A', message: '' } },
      { set: 'timeout', value: 'PT9S' },
      { set: 'retry.attempts', value: '3' },
      { list: 'outputs', add: { variable: 'v', source: '', format: 'dotNotation' } },
      { list: 'inputs', add: { type: 'BODY', key: 'k', value: '1' } });
    expect(tags(await model.xml()).map((tag) => tag.split(' ')[0])).toEqual([
      'x:dataConnector', 'x:input', 'x:output', 'x:retry', 'x:timeout', 'x:errorMapping', 'x:success',
    ]);
    model.edit('t', { set: 'retry.attempts', value: '' }, { set: 'success', value: '' });
    expect(await model.xml()).not.toMatch(/x:retry|x:success/);
  });

  test('every call of the shared models survives', async () => {
    const model = await Model.of((await sharedExtension()));
    const again = await Model.of(await model.xml());
    for (const id of ['full', 'least']) expect(readCall(again.element(id))).toEqual(readCall(model.element(id)));
    expect(readCall(again.element('full'))?.inputs[1]?.value).toBe('a\nb');
    expect(readCall(again.element('foreign'))).toBeUndefined();
  });
});

/** Without two elements that bpmn-moddle cannot write: one in no namespace, one that BPMN does not know. */
async function sharedExtension(): Promise<string> {
  const xml = readFileSync(new URL('../../tests/models/extension.bpmn', import.meta.url), 'utf8');
  return xml.replace(/<dataConnector xmlns=""[^>]*>/, '').replace(/<bpmn:dataConnector[^>]*>/, '');
}
