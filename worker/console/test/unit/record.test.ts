import { expect, test } from 'vitest';

import type { Connector, Resource } from '../../src/api/types';
import { bodyType, edited, freeName, isCurl, recordOf, retries, splitQuery, withBodyType } from '../../src/connector/record';

const resource = (members: Partial<Resource> = {}): Resource => ({ url: 'https://a.example', method: 'GET', ...members });

test('what GET gave can be saved as it is, members that no form knows included', () => {
  const endpoints = { list: resource({ pagination: { link: true }, testData: '{}', purpose: 'list' }) };
  const record = {
    id: 1,
    uuid: 'u',
    name: 'Rates',
    description: null,
    type: 'REST',
    authtype: 'BASIC',
    credentials: '********',
    credentials_set: ['password'],
    endpoints,
    status: 'ACTIVE',
    data_source_category_id: '1,4',
    warnings: [],
    created_at: '',
    updated_at: '',
    retry: { attempts: 3 },
  } as unknown as Connector;
  const saved = recordOf(edited(record));
  expect(saved).toMatchObject({
    name: 'Rates',
    description: null,
    authtype: 'BASIC',
    data_source_category_id: '1,4',
    status: 'ACTIVE',
    endpoints,
    retry: { attempts: 3 },
  });
  expect(saved).not.toHaveProperty('credentials');
  expect(saved).not.toHaveProperty('id');
});

test('the key and the purpose of a resource are its name', () => {
  const state = {
    ...edited({
      name: 'x',
      authtype: 'NONE',
      status: 'ACTIVE',
      endpoints: { old: resource({ purpose: 'old' }) },
    } as unknown as Connector),
  };
  state.endpoints[0].name = 'new';
  expect(recordOf(state).endpoints).toEqual({ new: resource({ purpose: 'new' }) });
});

test('retries are read and written where the record has them', () => {
  expect(retries.attempts({ retry_attempts: 3 })).toBe('3');
  expect(retries.attempts({ retry: { attempts: 4 } })).toBe('3');
  expect(retries.setAttempts({ retry: { attempts: 4 } }, '5')).toEqual({ retry: { attempts: 6 } });
  expect(retries.setAttempts({}, '2')).toEqual({ retry_attempts: 2 });
  expect(retries.setWait({ retry: { wait: 'PT5S' } }, '7')).toEqual({ retry: { wait: 7 } });
  expect(retries.setBackoff({}, 'exponential')).toEqual({ retry: { backoff: 'exponential' } });
  expect(retries.setBackoff({ retry: { backoff: 'exponential' } }, '')).toEqual({});
});

test('a query becomes rows, templates as they are written', () => {
  expect(splitQuery('https://a.example/x?base={{currency}}&q=a%20b+c&flag#top')).toEqual({
    url: 'https://a.example/x',
    params: [
      { key: 'base', value: '{{currency}}', required: false },
      { key: 'q', value: 'a b c', required: false },
      { key: 'flag', value: '', required: false },
    ],
  });
  expect(splitQuery('https://a.example/x')).toBeNull();
  expect(splitQuery('https://a.example/x?')).toBeNull();
});

test('JSON and XML bring the header that nobody else adds, once', () => {
  const json = withBodyType(resource(), 'json');
  expect(json).toMatchObject({
    body: '',
    body_type: 'json',
    headers: [{ key: 'Content-Type', value: 'application/json', required: true }],
  });
  const own = withBodyType(resource({ headers: [{ key: 'content-type', value: 'application/vnd.api+json' }] }), 'json');
  expect(own.headers).toHaveLength(1);
  expect(withBodyType(resource(), 'form-data').headers).toBeUndefined();
  expect(bodyType(withBodyType(json, ''))).toBe('');
});

test('a taken name gets a number', () => {
  expect(freeName('List', [])).toBe('List');
  expect(freeName('List', ['List', 'List-2'])).toBe('List-3');
});

test.each([
  ['curl https://a.example', true],
  [' curl.exe -X POST x', true],
  ['https://curl.example', false],
  ['curly', false],
])('%j: cURL is %s', (text, expected) => {
  expect(isCurl(text)).toBe(expected);
});
