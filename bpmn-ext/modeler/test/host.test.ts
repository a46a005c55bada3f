// A host that has nothing but records.

import { describe, expect, test } from 'vitest';

import { retrySentence } from '../src/call/sentence';
import { slots, unusedKeys } from '../src/call/slots';
import { secondsOf, spoken } from '../src/call/time';
import { emptyCall } from '../src/call/types';
import { hostFromRecords } from '../src/host/records';
import { taskXml } from './models';

const RECORDS = [{
  id: 4, name: 'Rates', errorMapping: [{ when: '500', code: 'DOWN' }],
  endpoints: {
    latest: {
      method: 'get', url: 'https://rates.example/{{version}}/latest', description: 'The rate of a currency',
      params: [{ key: 'base', value: '', required: true }, { key: 'amount', value: '1', required: false }],
      headers: [{ key: 'Accept', value: 'application/json', required: true }],
      testAnswer: { status: 200, headers: [['content-type', 'application/json']], body: '{"rates":{"EUR":0.9}}' },
    },
    add: { method: 'POST', url: 'https://rates.example', body: '{"a": {{a}}, "b": "{{b.c}}"}' },
  },
}];
const task = (connector: string, resource: string, content = ''): string =>
  taskXml('name="T"', `<b:extensionElements><x:dataConnector connector="${connector}" resource="${resource}">${content}</x:dataConnector></b:extensionElements>`);

describe('records', () => {
  test('a resource has its keys', async () => {
    const [rates] = await hostFromRecords({ data: RECORDS }).connectors();
    const [latest, add] = rates?.resources ?? [];
    expect(latest).toMatchObject({ method: 'GET', description: 'The rate of a currency', takesAnyParameter: false, errorCodes: ['DOWN'] });
    expect(latest?.keys.map((key) => `${key.kind} ${key.name}${key.isRequired ? '!' : ''}`)).toEqual(['PARAM base!', 'PARAM amount', 'PARAM version!', 'HEADER Accept']);
    expect(add?.keys.map((key) => key.name)).toEqual(['a', 'b']);
    const call = { ...emptyCall(), inputs: [{ type: 'PARAM', key: 'amount', value: '2', format: 'mustache' }, { type: 'PARAM', key: 'odd', value: '', format: 'mustache' }] };
    expect(slots(call, latest).map((slot) => [slot.name, slot.at, slot.isKnown])).toEqual([['base', undefined, true], ['version', undefined, true], ['amount', 0, true], ['odd', 1, false]]);
    expect(unusedKeys(call, latest).map((key) => key.name)).toEqual(['Accept']);
  });

  test('findings name the element, the member and the remedy', async () => {
    const host = hostFromRecords(RECORDS);
    expect(await host.lint(task('rates', 'latest'), {})).toEqual([{
      code: 'unknown-connector', severity: 'error', element: 't', path: 'connector',
      message: '`T (t)`: there is no connector `rates`', help: 'did you mean `Rates`?',
      fix: { title: 'Use Rates', edits: [{ path: 'connector', value: 'Rates' }] },
    }]);
    expect((await host.lint(task('4', 'ltest'), {}))[0]).toMatchObject({ code: 'unknown-resource', fix: { title: 'Use latest' } });
    const found = await host.lint(task('Rates', 'latest', '<x:input type="param" key="version" value="1"/><x:input type="param" key="bse" value="1"/><x:errorMapping when="404" code="GONE"/>'), {});
    expect(found.map(({ code, path }) => `${code} ${path}`)).toEqual(['uncaught-error errors.0.code', 'missing-required inputs.base', 'undeclared-key inputs.bse']);
  });

  test('a saved answer is mapped, and nothing else pretends to be one', async () => {
    const host = hostFromRecords(RECORDS);
    const config = { dataMapping: [{ key: 'rate', value: 'rates.EUR' }] };
    const outcome = await host.attempt({ connector: 'Rates', resource: 'latest', config, data: {} });
    expect(outcome).toMatchObject({ mapped: { rate: 0.9 }, error: null, response: { status: 200, kind: 'json' } });
    expect(outcome.warnings[0]).toContain('saved as an example');
    expect((await host.attempt({ connector: 'Rates', resource: 'add', config, data: {} })).error?.code).toBe('CONFIGURATION');
    expect((await host.attempt({ connector: 'Rates', resource: 'latest', config, data: {}, dry_run: true })).response).toBeNull();
  });
});

describe('times and retries for people', () => {
  test.each([['20', 20], ['PT1M30S', 90], ['P1DT1S', 86401], ['PT0.5S', 0.5], ['PT', undefined], ['soon', undefined], ['R3/PT5S', undefined]])(
    '%s is %s seconds', (text, seconds) => expect(secondsOf(text)).toBe(seconds));

  test('a sentence says what the settings mean', () => {
    const call = { ...emptyCall(), timeout: 'PT20S', retry: { ...emptyCall().retry, attempts: '4', wait: '5', backoff: 'exponential', maxWait: 'PT5M' } };
    expect(retrySentence(call)).toBe('It is tried 4 times in all, with waits of 5 s, each up to twice as long as the one before, at most 5 min. Each call may take 20 s.');
    expect(retrySentence(emptyCall())).toContain('is what the resource says');
    expect(spoken(5400)).toBe('1 h 30 min');
  });
});
