// walk.mjs as a process of its own.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { URL as BROKER } from './test-app.mjs';

const WALK = fileURLToPath(new URL('../walk.mjs', import.meta.url));

/** Starts `walk.mjs`; `{kill(), done}`, and `done` resolves with `{code, signal, lines, errors}`. */
export function startWalk(app, ...args) {
  const child = spawn(process.execPath, [WALK, '--url', BROKER, '--prefix', app.prefix, ...args]);
  let out = '';
  let errors = '';
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (errors += chunk));
  const done = once(child, 'close').then(([code, signal]) => {
    return { code, signal, lines: out.split('\n').filter(Boolean), errors };
  });
  return { done, kill: (signal = 'SIGKILL') => child.kill(signal) };
}

/** Writes model and data to files, and returns their paths. */
export async function files(app, source, data) {
  const directory = await app.directory();
  const model = join(directory, 'model.bpmn');
  const dataFile = join(directory, 'data.json');
  await writeFile(model, source);
  await writeFile(dataFile, JSON.stringify(data));
  return { directory, model, data: dataFile, state: join(directory, 'state') };
}
