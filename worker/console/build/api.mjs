// Writes `src/api/schema.ts`: the shapes of `worker/openapi.json` as types. `npm run api`

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const DOCUMENT = fileURLToPath(new URL('../../openapi.json', import.meta.url));
const TYPES = fileURLToPath(new URL('../src/api/schema.ts', import.meta.url));
// The generator needs a TypeScript before 7, so that both have a place of their own.
const GENERATOR = ['--package', 'openapi-typescript@7.13.0', '--package', 'typescript@5.9.3'];

/** The schemas of the document, without what says nothing about types. */
function schemas() {
  const { components } = JSON.parse(readFileSync(DOCUMENT, 'utf8'), (name, value) =>
    ['description', 'example', 'examples'].includes(name) && typeof value !== 'object' ? undefined : value,
  );
  return components.schemas;
}

const hashOf = (value) => createHash('sha256').update(JSON.stringify(value)).digest('hex');

/** Whether the types are those of the document. */
export const isCurrent = () => readFileSync(TYPES, 'utf8').split('\n', 1)[0].endsWith(hashOf(schemas()));

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = mkdtempSync(join(tmpdir(), 'api-'));
  const document = join(folder, 'openapi.json');
  const made = schemas();
  writeFileSync(
    document,
    JSON.stringify({ openapi: '3.1.0', info: { title: '', version: '' }, paths: {}, components: { schemas: made } }),
  );
  execFileSync('npx', ['--yes', ...GENERATOR, 'openapi-typescript', document, '--output', TYPES, '--empty-objects-unknown'], {
    stdio: 'inherit',
    cwd: folder,
  });
  rmSync(folder, { recursive: true });
  writeFileSync(TYPES, `// Made by \`npm run api\` of worker/openapi.json: ${hashOf(made)}\n\n${readFileSync(TYPES, 'utf8')}`);
  execFileSync('npx', ['prettier', '--write', TYPES], { stdio: 'inherit' });
}
