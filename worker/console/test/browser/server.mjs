// The real binary, with a database of its own, names of its own on the broker, and the demo API as third party.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const binary = process.env.DATA_CONNECTOR_BIN ?? join(root, 'target/ci/data-connector');

/** Waits for a line on standard output. */
function line(child, pattern, what) {
  return new Promise((resolve, reject) => {
    let seen = '';
    const timer = setTimeout(() => reject(new Error(`${what} does not start:\n${seen}`)), 60_000);
    child.stdout.on('data', (chunk) => {
      seen += chunk;
      const found = pattern.exec(seen);
      if (found) {
        clearTimeout(timer);
        resolve(found);
      }
    });
    child.stderr.on('data', (chunk) => (seen += chunk));
    child.on('exit', (code) => reject(new Error(`${what} ended with ${code}:\n${seen}`)));
  });
}

const stopped = (child) =>
  new Promise((resolve) => {
    if (child.exitCode !== null) return resolve();
    child.once('exit', resolve);
    child.kill();
  });

/** `CONSOLE_URL` and `CONSOLE_TOKEN` name a server that runs already. `demoPort`: of the demo API, any free one without it. */
export async function start({ demoPort = '0' } = {}) {
  const thirdParty = spawn(process.execPath, [join(root, 'deploy/demo-api.mjs'), '--port', demoPort], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [, demo] = await line(thirdParty, /(http:\/\/127\.0\.0\.1:\d+)/, 'the demo API');
  if (process.env.CONSOLE_URL) {
    return serverAt({
      url: process.env.CONSOLE_URL,
      token: process.env.CONSOLE_TOKEN,
      prefix: process.env.CONSOLE_PREFIX ?? 'data-connector',
      demo,
      has: () => true,
      stop: () => stopped(thirdParty),
    });
  }
  const folder = mkdtempSync(join(tmpdir(), 'console-'));
  const prefix = `console-${process.pid}`;
  const common = ['--data-dir', folder, '--prefix', prefix];
  const child = spawn(binary, [...common, 'up', '--listen', '127.0.0.1:0', '--allow-net', '127.0.0.0/8'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const started = await line(child, /first admin token: (dct_\S+)[\s\S]*listening on (http:\/\/\S+)/, 'the server');
  const [, token, url] = started;
  const { paths } = await (await fetch(`${url}/api/1.0/openapi.json`)).json();
  return serverAt({
    url,
    token,
    prefix,
    demo,
    has: (path) => path in paths,
    async stop() {
      await stopped(child);
      await stopped(thirdParty);
      const remove = spawn(binary, [...common, 'migrate', '--remove-queues'], { stdio: 'ignore' });
      await new Promise((resolve) => remove.on('exit', resolve));
      rmSync(folder, { recursive: true, force: true });
    },
  });
}

function serverAt({ url, token, prefix, demo, has, stop }) {
  return {
    binary,
    url,
    token,
    /** What names on the broker begin with. */
    prefix,
    demo,
    has,
    stop,
    /** Why a test cannot run here, or false: routes come one after another. */
    lacks: (...paths) => {
      const missing = paths.filter((path) => !has(path));
      return missing.length > 0 && `this server has no ${missing.join(', ')}`;
    },
    async call(method, path, body) {
      const response = await fetch(`${url}/api/1.0${path}`, {
        method,
        headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
      return text === '' ? null : JSON.parse(text);
    },
  };
}
