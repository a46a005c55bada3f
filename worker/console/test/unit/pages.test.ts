import { afterEach, expect, test, vi } from 'vitest';

import { differences } from '../../src/differences';
import { bytes, duration, plural, relativeTime } from '../../src/format';
import { queryOf, wordOf } from '../../src/job/state';
import { patch, shown, typed, valueAt } from '../../src/pages/collection/cells';
import { ownPath } from '../../src/pages/sign-in/own-path';
import { offsetOf } from '../../src/select-place';
import { withReads } from '../../src/pages/connector/sample';

afterEach(() => vi.unstubAllGlobals());

test.each([
  ['/jobs?state=failed', '/jobs?state=failed'],
  ['//evil.example', null],
  ['https://evil.example', null],
  ['/\\evil.example', null],
  ['javascript:alert(1)', null],
  ['/sign-in?to=/x', null],
  [undefined, null],
  ['', null],
])('after signing in, %j leads to %j', (to, expected) => {
  vi.stubGlobal('location', { origin: 'http://console.example' });
  expect(ownPath(to)).toBe(expected);
});

test.each([
  ['sending', null, 'default', 'running'],
  ['queued', null, 'api', 'waiting'],
  ['waiting', null, 'default', 'waiting'],
  ['answered', 'completed', 'default', 'not taken'],
  ['answered', 'completed', 'api', 'completed'],
  ['published', 'failed', 'default', 'failed'],
  ['cancelled', 'cancelled', 'default', 'cancelled'],
  ['parked', 'failed', 'default', 'parked'],
] as const)('%s, %s, %s is %s', (state, status, engine, word) => {
  expect(wordOf({ state, status, engine })).toBe(word);
});

test('an unknown state is asked for as it is, so that the server says what is wrong', () => {
  expect(queryOf('nonsense')).toEqual({ state: 'nonsense' });
  expect(queryOf('failed')).toEqual({ status: 'failed' });
});

test('sample data get the variables that they lack, and nothing else', () => {
  expect(JSON.parse(withReads('', ['currency', '_request']) ?? '')).toEqual({ currency: '' });
  expect(JSON.parse(withReads('{"currency": "EUR"}', ['currency', 'amount']) ?? '')).toEqual({ currency: 'EUR', amount: '' });
  expect(withReads('{"currency": "EUR"}', ['currency'])).toBeNull();
  expect(withReads('{broken', ['currency'])).toBeNull();
});

test('differences name the member', () => {
  expect(differences({ a: { b: 1 }, c: [1, 2] }, { a: { b: 2 }, c: [1] })).toEqual([
    { path: 'a.b', before: '1', after: '2' },
    { path: 'c.1', before: '2', after: '–' },
  ]);
  expect(differences({ a: null }, {})).toEqual([]);
});

test('numbers, sizes and times', () => {
  expect([bytes(999), bytes(1200), bytes(5_000_000)]).toEqual(['999 B', '1.2 KB', '5.0 MB']);
  expect([duration(131), duration(2400), duration(180_000)]).toEqual(['131 ms', '2.4 s', '3 min']);
  expect([plural(1, 'job'), plural(1234, 'job')]).toEqual(['1 job', '1,234 jobs']);
  expect(relativeTime(new Date(0), 90_000)).toBe('1 min. ago');
});

test('places in a text count characters, not UTF-16 units', () => {
  expect(offsetOf('ab\n😀x', { line: 2, column: 2 })).toBe(5);
  expect(offsetOf('ab', { line: 9, column: 9 })).toBe(2);
});

test('cells of records', () => {
  expect(valueAt({ address: { city: 'Bern' } }, ['address', 'city'])).toBe('Bern');
  expect(patch(['address', 'city'], 'Bern')).toEqual({ address: { city: 'Bern' } });
  expect([shown(null), shown('x'), shown({ a: 1 })]).toEqual(['', 'x', '{"a":1}']);
  expect([typed('', 'string'), typed('7', 'string'), typed('7', 'json'), typed('x', 'json')]).toEqual([null, '7', 7, 'x']);
});
