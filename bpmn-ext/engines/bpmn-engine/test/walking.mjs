// walk.mjs as a process of its own.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { URL as BROKER } from './scene.mjs';

const WALK = fileURLToPath(new URL('../walk.mjs', import.meta.url));

/** Starts a walk; `{kill(), done}`, and `done` is `{code, lines, errors}`. */
export function walking(opened, ...args) {
  const child = spawn(process.execPath, [WALK, '--url', BROKER, '--prefix', opened.prefix, ...args]);
  let out = '';
  let errors = '';
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (errors += chunk));
  const done = once(child, 'close').then(([code, signal]) => {
    return { code, signal, lines: out.split('\n').filter(Boolean), errors };
  });
  return { done, kill: (signal = 'SIGKILL') => child.kill(signal) };
}

/** Writes model and data where a process can read them; their paths. */
export async function files(opened, source, data) {
  const directory = await opened.directory();
  const model = join(directory, 'model.bpmn');
  const given = join(directory, 'data.json');
  await writeFile(model, source);
  await writeFile(given, JSON.stringify(data));
  return { directory, model, data: given, state: join(directory, 'state') };
}
