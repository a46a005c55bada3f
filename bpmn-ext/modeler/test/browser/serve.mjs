// Serves a folder on loopback, with the content security policy that the console has.

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.woff': 'font/woff', '.woff2': 'font/woff2', '.svg': 'image/svg+xml' };
/** Literal style attributes of bpmn-js's own modules. */
const STYLES = ['height: 100%', 'flex: none; height: auto'];
const hashes = STYLES.map((text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`).join(' ');
const POLICY = `default-src 'self'; img-src 'self' data:; style-src 'self'; style-src-attr 'unsafe-hashes' ${hashes}; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`;

/** `{url, close}` of a server for a folder; an empty policy allows everything. */
export async function serve(folder, policy = POLICY) {
  const server = createServer(async (request, response) => {
    const path = normalize(new URL(request.url, 'http://localhost').pathname);
    const file = join(folder, path === '/' ? 'index.html' : path);
    try {
      const body = await readFile(file);
      response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream', ...(policy && { 'content-security-policy': policy }) });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}
