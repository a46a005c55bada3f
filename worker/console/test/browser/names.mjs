// What a page has, as an outline of roles and names.

import assert from 'node:assert/strict';

/** Fails with all that is missing: each line is a role and a name, indented below the one that it is in. */
export async function has(scope, text) {
  const missing = [];
  const scopes = [scope];
  for (const line of text.split('\n').filter((one) => one.trim() !== '')) {
    const depth = (line.length - line.trimStart().length) / 2 - 1;
    const [, role, name] = /^(\w+)(?: "(.*)")?$/.exec(line.trim());
    const found = scopes[depth].getByRole(role, name === undefined ? {} : { name, exact: true });
    scopes[depth + 1] = found.first();
    await found
      .first()
      .waitFor({ state: 'attached', timeout: 2_000 })
      .catch(() => missing.push(line.trim()));
  }
  assert.deepEqual(missing, []);
}
