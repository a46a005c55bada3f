// ProcessMaker's spelling: texts are edited in place, and what is not edited stays as it is.

import { describe, expect, test } from 'vitest';

import { brokenText, startAnew } from '../src/call/pm';
import { readCall, spellingOf } from '../src/call/spelling';
import { Model, sharedXml, taskXml } from './models';

const IMPLEMENTATION = 'implementation="package-data-sources/data-source-task-service"';

const pmTask = (config: string, handling?: string): string =>
  taskXml(`${IMPLEMENTATION} p:screenRef="3" p:config='${config}'${handling === undefined ? '' : ` p:errorHandling='${handling}'`}`);

function attributeOf(xml: string, name: string): string | undefined {
  return new RegExp(`${name}="([^"]*)"`).exec(xml)?.[1]?.replaceAll('&#34;', '"').replaceAll('&quot;', '"');
}

describe("ProcessMaker's spelling", () => {
  test.each(['service-task', 'call-activity', 'form-2019', 'bpmn2-prefix', 'default-namespace', 'loops', 'broken-json'])(
    'the attributes of %s survive',
    async (name) => {
      const before = await Model.shared(name);
      const after = await Model.of(await before.xml());
      const all = Object.values(before.byId).filter((element) => spellingOf(element) === 'pm');
      expect(all.length).toBeGreaterThan(0);
      for (const element of all) {
        const again = after.element(element.id as string);
        for (const attribute of ['pm:config', 'pm:errorHandling']) expect(again.get(attribute)).toBe(element.get(attribute));
        expect(spellingOf(again)).toBe('pm');
      }
    },
  );

  test('a call activity keeps its implementation without a prefix', async () => {
    const xml = await (await Model.shared('call-activity')).xml();
    expect(xml.match(/ implementation=/g)?.length).toBe(sharedXml('call-activity').match(/ implementation=/g)?.length);
    expect(xml).not.toContain('pm:implementation');
  });

  test('a call is read, with the first attempt counted', async () => {
    const model = await Model.shared('service-task');
    expect(readCall(model.element('node_7'))).toMatchObject({
      connector: '1', resource: 'list', timeout: '20',
      retry: { attempts: '4', wait: '5' },
      inputs: [{ type: 'PARAM', key: 'maxLength', value: 'weee', format: 'mustache' }],
      outputs: [{ variable: 'responseData', source: 'data', format: 'dotNotation' }],
    });
  });

  test('edits keep digits, members, and the way the text is written', async () => {
    const config = '{ "callback": false,  "big": 12345678901234567890, "rate": 1.50, "dataSource":1,"endpoint":"GET: list","outboundConfig":[{"value":"a","type":"PARAM","key":"k","format":"mustache","mine":1}],"dataMapping":[]}';
    const model = await Model.of(pmTask(config, '{"timeout":"20","email_notification":true}'));
    model.edit('t',
      { set: 'resource', value: 'other' },
      { set: 'connector', value: '12' },
      { list: 'inputs', at: 0, cell: 'value', value: '{{b}}' },
      { list: 'outputs', add: { variable: 'v', source: 'data.0.id' } },
      { set: 'retry.attempts', value: '3' },
      { set: 'retry.backoff', value: 'exponential' },
      { set: 'timeout', value: '30' });
    const xml = await model.xml();
    expect(attributeOf(xml, 'p:config')).toBe(
      '{ "callback": false,  "big": 12345678901234567890, "rate": 1.50, "dataSource":12,"endpoint":"other","outboundConfig":[{"value":"{{b}}","type":"PARAM","key":"k","format":"mustache","mine":1}],"dataMapping":[{"key":"v","value":"data.0.id","format":"dotNotation"}],"retry": {"backoff":"exponential"}}');
    expect(JSON.parse(attributeOf(xml, 'p:errorHandling') as string)).toEqual({ timeout: 30, email_notification: true, retry_attempts: 2 });
    expect(xml).toContain('p:screenRef="3"');
    expect(xml).not.toContain('pm:');
  });

  test('a setting that stands in pm:config is edited there', async () => {
    const model = await Model.of(pmTask('{"dataSource":"Rates","endpoint":"r","retry":{"attempts":4,"wait":"PT5S"},"timeout":9}'));
    model.edit('t', { set: 'retry.attempts', value: '2' }, { set: 'retry.wait', value: '' }, { set: 'timeout', value: '5' });
    const xml = await model.xml();
    expect(JSON.parse(attributeOf(xml, 'p:config') as string)).toEqual({ dataSource: 'Rates', endpoint: 'r', retry: { attempts: 2 }, timeout: 5 });
    expect(xml).not.toContain('errorHandling');
  });

  test('rows are removed, and lists that are not there are made', async () => {
    const model = await Model.of(pmTask('{"dataSource":1,"dataMapping":[{"key":"a","value":"x"},{"key":"b","value":"y"}]}'));
    model.edit('t',
      { list: 'outputs', remove: 0 },
      { list: 'inputs', add: { type: 'PARAM', key: 'k', value: '' } },
      { list: 'errors', add: { when: '404', code: 'GONE', message: '' } },
      { list: 'outputs', at: 0, cell: 'variable', value: 'c' });
    expect(JSON.parse(attributeOf(await model.xml(), 'p:config') as string)).toEqual({
      dataSource: 1,
      dataMapping: [{ key: 'c', value: 'y' }],
      outboundConfig: [{ type: 'PARAM', key: 'k', value: '', format: 'mustache' }],
      errorMapping: [{ when: '404', code: 'GONE' }],
    });
  });

  test('broken JSON is reported, left alone by edits, and replaced only when asked', async () => {
    const broken = '{"dataSource":,"endpoint":"list"}';
    const model = await Model.of(pmTask(broken));
    expect(brokenText(model.element('t'))).toBe('pm:config');
    model.edit('t', { set: 'resource', value: 'x' });
    expect(attributeOf(await model.xml(), 'p:config')).toBe(broken);
    model.apply(startAnew(model.element('t'))).edit('t', { set: 'resource', value: 'x' });
    expect(JSON.parse(attributeOf(await model.xml(), 'p:config') as string)).toMatchObject({ endpoint: 'x' });
  });
});
