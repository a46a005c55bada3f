import { expect, test } from 'vitest';

import { statusOf } from '../../src/connector/authentication';
import { type Credentials, credentialsOf, KEPT } from '../../src/connector/credentials';

const of = (members: Partial<Credentials>): Credentials => ({ set: [], settings: {}, typed: {}, ...members });

test('nothing is sent while nothing changed', () => {
  expect(credentialsOf('BASIC', of({ set: ['password', 'username'] }), false)).toBeUndefined();
});

test('one member is replaced, the others are kept', () => {
  const state = of({ set: ['hosts', 'password', 'username'], settings: { hosts: ['a.example'] }, typed: { password: 'new' } });
  expect(credentialsOf('BASIC', state, false)).toEqual({ username: KEPT, password: 'new', hosts: ['a.example'] });
});

test('a removed member is left out, and so is what another way to sign in had', () => {
  const state = of({ set: ['hosts', 'token'], typed: { hosts: null, username: 'u', password: 'p' } });
  expect(credentialsOf('BASIC', state, true)).toEqual({ username: 'u', password: 'p' });
});

test('own headers are members by their names', () => {
  expect(credentialsOf('HEADERS', of({ set: ['X-Key'], typed: { 'X-More': 'v' } }), false)).toEqual({
    'X-Key': KEPT,
    'X-More': 'v',
  });
});

test('an API key goes into a header unless somebody says otherwise', () => {
  expect(credentialsOf('API_KEY', of({ typed: { name: 'X-Key', value: 'v' } }), true)).toMatchObject({ in: 'header' });
  expect(credentialsOf('API_KEY', of({ typed: { name: 'k', value: 'v', in: 'query' } }), true)).toMatchObject({ in: 'query' });
});

test.each([
  ['ACTIVE', 'NONE', [], 'active'],
  ['ACTIVE', 'BASIC', ['username'], 'missing'],
  ['ACTIVE', 'BASIC', ['password', 'username'], 'active'],
  ['ACTIVE', 'OAUTH2_CLIENT_CREDENTIALS', ['client_id', 'client_secret', 'url'], 'active'],
  ['INACTIVE', 'BASIC', [], 'inactive'],
] as const)('%s %s with %j is %s', (status, authtype, set, expected) => {
  expect(statusOf({ status, authtype, credentials_set: [...set] })).toBe(expected);
});
