// A page of the demo in headless Chromium, which fails at console errors and at requests elsewhere.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

import { serve } from './serve.mjs';

const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const DEMO = fileURLToPath(new URL('../../demo/dist', import.meta.url));
/** Where pictures go; none are taken without it. */
const SHOTS = process.env.MODELER_SHOTS;

/** Starts the server and the browser once; `open` gives pages. */
export async function start() {
  const server = await serve(DEMO);
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ARGUMENTS });
  return {
    /** `host` runs in the page before it loads and answers functions of the host. */
    async open({ host, ...options } = {}) {
      const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, acceptDownloads: true, ...options });
      const page = await context.newPage();
      page.setDefaultTimeout(8000);
      const faults = [];
      page.on('console', (message) => {
        if (message.type() === 'error') faults.push(`${message.type()}: ${message.text()}`);
      });
      page.on('pageerror', (error) => faults.push(String(error.stack)));
      page.on('request', (request) => {
        const url = request.url();
        if (!url.startsWith(server.url) && !/^(data|blob):/.test(url)) faults.push(`request to ${url}`);
      });
      if (host) await page.addInitScript(`globalThis.demoHost = (${host})();`);
      await page.goto(server.url);
      await page.getByRole('button', { name: 'Create Data Connector' }).waitFor();
      await page.getByRole('treeitem', { name: 'Order received' }).waitFor();
      return Object.assign(page, {
        /** Fails if anything went wrong unseen. */
        check: () => assert.deepEqual(faults, []),
        append: (option) => append(page, option),
        shot: (name) => (SHOTS ? page.screenshot({ path: `${SHOTS}/modeler-${name}.png` }) : undefined),
        saved: () => saved(page),
        /** Opens a model as a file. */
        openModel: (xml) => page.getByLabel('BPMN file').setInputFiles({ name: 'model.bpmn', mimeType: 'application/xml', buffer: Buffer.from(xml) }),
      });
    },
    async close() {
      await browser.close();
      server.close();
    },
  };
}

async function saved(page) {
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download', exact: true }).click()]);
  const chunks = [];
  for await (const chunk of await download.createReadStream()) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** Appends an option of the menu to the start event and selects it. */
async function append(page, option) {
  await page.getByRole('treeitem', { name: /^Order received/ }).click();
  await page.locator('.djs-context-pad [data-action="append"]').click();
  await page.getByRole('option', { name: option }).click();
  await page.keyboard.press('Escape');
  await page.getByRole('treeitem', { name: option }).click();
}

/** The `dataConnector` of a saved model, one tag a line. */
export function connectorOf(xml) {
  const body = /<conn:dataConnector[^>]*\/>|<conn:dataConnector[^]*?<\/conn:dataConnector>/.exec(xml)?.[0] ?? '';
  return body.split('\n').map((line) => line.trim()).filter(Boolean);
}

/** Fails if `data-connector lint` finds anything in a model; does nothing where DATA_CONNECTOR_BIN names no program. */
export function lint(xml) {
  const program = process.env.DATA_CONNECTOR_BIN;
  if (!program) return;
  const folder = mkdtempSync(join(tmpdir(), 'modeler-'));
  const [file, records, data] = ['model.bpmn', 'records.json', 'data.json'].map((name) => join(folder, name));
  writeFileSync(file, xml);
  writeFileSync(records, readRecords());
  writeFileSync(data, '{"currency": "EUR", "amount": 120, "orders": []}');
  try {
    execFileSync(program, ['lint', '--deny-warnings', file, '--connectors', records, '--data', data], { stdio: 'pipe', cwd: folder });
  } catch (error) {
    assert.fail(`data-connector lint: ${error.stdout}${error.stderr}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The records of the demo. */
function readRecords() {
  return readFileSync(fileURLToPath(new URL('../../demo/records.json', import.meta.url)), 'utf8');
}
