// The element templates of bpmn-ext/schema are ones that Camunda's modelers accept.

import { readFileSync } from 'node:fs';

import { validate, validateZeebe } from '@bpmn-io/element-templates-validator';
import { expect, test } from 'vitest';

const read = (name: string): any => JSON.parse(readFileSync(new URL(`../../schema/${name}.json`, import.meta.url), 'utf8'));

test.each([['camunda7', validate], ['camunda8', validateZeebe]] as const)('%s', (name, check) => {
  const template = read(name);
  const { valid, errors } = check(template);
  expect(errors ?? []).toEqual([]);
  expect(valid).toBe(true);
  // A template that has lost a binding is noticed.
  const broken = structuredClone(template);
  delete broken.properties[0].binding;
  expect(check(broken).valid).toBe(false);
});
