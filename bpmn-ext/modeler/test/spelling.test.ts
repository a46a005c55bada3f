// From one spelling to the other.

import { describe, expect, test } from 'vitest';

import { configOf, conversionProblem, convert, majority, readCall, spellingOf } from '../src/call/spelling';
import { editAt, emptyCall } from '../src/call/types';
import { Model, taskXml } from './models';

const CONNECTOR = `<x:dataConnector connector="Rates" resource="latest" queue="slow">
  <x:input type="param" key="base" value="EUR"/><x:output variable="rate" source="r"/>
  <x:retry attempts="3" wait="PT5S" statuses="5xx"/><x:timeout value="PT20S"/><x:errorMapping when="404" code="GONE"/>
</x:dataConnector>`;
const name = (reference: string): string => ({ Rates: '7', 7: 'Rates' })[reference] ?? reference;

describe('spellings', () => {
  test('there and back again is the same call', async () => {
    const model = await Model.of(taskXml('name="T"', `<b:extensionElements><acme:note/>${CONNECTOR}</b:extensionElements>`));
    const before = readCall(model.element('t'));
    model.apply(convert(model.element('t'), 'pm', name, model.create));
    expect(spellingOf(model.element('t'))).toBe('pm');
    const between = await model.xml();
    expect(between).toContain('<acme:note />');
    expect(between).not.toContain('dataConnector');
    expect(readCall(model.element('t'))).toEqual({ ...before, connector: '7' });
    model.apply(convert(model.element('t'), 'conn', name, model.create));
    expect(readCall(model.element('t'))).toEqual(before);
    const after = await model.xml();
    expect(after).toContain('<acme:note />');
    expect(after).not.toMatch(/implementation|p:config|p:errorHandling/);
  });

  test('lists that are absent stay absent: an empty one would mean something else', async () => {
    const model = await Model.of(taskXml('', '<b:extensionElements><x:dataConnector connector="Rates" resource="latest"/></b:extensionElements>'));
    model.apply(convert(model.element('t'), 'pm', name, model.create));
    expect(model.element('t').get('pm:config')).toBe('{"dataSource":7,"endpoint":"latest"}');
  });

  test('what another spelling has no place for is not lost but refused', async () => {
    const pm = await Model.of(taskXml(`implementation="package-data-sources/data-source-task-service" p:config='{"callback":true,"type":"REST","queryString":"a=1"}'`));
    expect(conversionProblem(pm.element('t'), 'conn')).toBe("It uses callback, queryString, which only ProcessMaker's spelling has.");
    expect(convert(pm.element('t'), 'conn', name, pm.create)).toEqual([]);
    const conn = await Model.of(taskXml('', `<b:extensionElements><x:dataConnector connector="a" resource="b"><acme:c/></x:dataConnector></b:extensionElements>`));
    expect(conversionProblem(conn.element('t'), 'pm')).toBe('It holds acme:c, which would be lost.');
  });

  test('a try has what a job has, empty lists and unknown members too', async () => {
    const pm = await Model.of(taskXml(`implementation="package-data-sources/data-source-task-service" p:config='{"dataSource":1,"endpoint":"list","outboundConfig":[],"queryString":"a=1"}'`));
    expect(configOf(pm.element('t'))).toEqual({ dataSource: 1, endpoint: 'list', outboundConfig: [], queryString: 'a=1' });
    const conn = await Model.of(taskXml('', `<b:extensionElements>${CONNECTOR}</b:extensionElements>`));
    expect(configOf(conn.element('t'))).toEqual({
      dataSource: 'Rates', endpoint: 'latest', timeout: 'PT20S',
      outboundConfig: [{ type: 'PARAM', key: 'base', value: 'EUR', format: 'mustache' }],
      dataMapping: [{ key: 'rate', value: 'r', format: 'dotNotation' }],
      errorMapping: [{ when: '404', code: 'GONE' }],
    });
  });

  test('new elements follow the majority', async () => {
    const model = await Model.shared('service-task');
    expect(majority(Object.values(model.byId))).toBe('pm');
    expect(majority([])).toBe('conn');
  });

  test('paths of findings lead to edits', () => {
    const call = { ...emptyCall(), inputs: [{ type: 'PARAM', key: 'a.b', value: '1', format: 'mustache' }], outputs: [{ variable: 'v', source: '', format: 'dotNotation' }] };
    expect(editAt(call, 'connector', 'Rates')).toEqual({ set: 'connector', value: 'Rates' });
    expect(editAt(call, 'retry.attempts', null)).toEqual({ set: 'retry.attempts', value: '' });
    expect(editAt(call, 'inputs.a.b', '2')).toEqual({ list: 'inputs', at: 0, cell: 'value', value: '2' });
    expect(editAt(call, 'inputs.new', '2')).toEqual({ list: 'inputs', add: { type: 'PARAM', key: 'new', value: '2' } });
    expect(editAt(call, 'inputs.a.b', null)).toEqual({ list: 'inputs', remove: 0 });
    expect(editAt(call, 'outputs.0.source', 'x')).toEqual({ list: 'outputs', at: 0, cell: 'source', value: 'x' });
    expect(editAt(call, 'outputs.1.source', 'x')).toBeUndefined();
    expect(editAt(call, 'loop.list', 'x')).toBeUndefined();
  });
});
