// Where deploy/quickstart ends: its link signs in and opens the order example in the modeler, where Try works, and Deploy makes
// the engine use what was drawn. `CONSOLE_PICTURES=1` writes the README's pictures on the way, with the demo API at its usual port.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { launch, open } from './browser.mjs';
import { start } from './server.mjs';

const at = (path) => fileURLToPath(new URL(`../../../../${path}`, import.meta.url));
const PICTURES = at('deploy/pictures');

const takes = Boolean(process.env.CONSOLE_PICTURES);
const server = await start(takes ? { demoPort: '4010' } : {});
let browser;
before(async () => {
  browser = await launch();
  const { data } = await server.call('GET', '/examples');
  const { connectors } = data.find(({ name }) => name === 'order');
  const here = JSON.parse(JSON.stringify(connectors).replaceAll('http://127.0.0.1:4010', server.demo));
  await server.call('POST', '/data_sources/import', here);
});
after(async () => {
  await browser?.close();
  await server.stop();
});

async function picture(page, name) {
  if (!takes) return;
  mkdirSync(PICTURES, { recursive: true });
  await page.mouse.move(0, 0);
  await page.waitForTimeout(300);
  await page.screenshot({ path: `${PICTURES}/${name}.png` });
}

test('the link opens the example, Try works, and Deploy makes the engine use it', async () => {
  const { page, go, close } = await open(browser, server, { signedIn: false, width: 1360, height: 860 });
  await go(`/sign-in?to=%2Fmodeler%3Fexample%3Dorder#token=${server.token}`);
  await page.getByRole('heading', { level: 1, name: 'Modeler' }).waitFor();
  assert.doesNotMatch(page.url(), /token/);
  await page.getByRole('status').getByText('No problems.').waitFor();
  await page.getByRole('treeitem', { name: 'Fetch exchange rate, Data Connector' }).click();
  await page.getByRole('button', { name: 'Try', exact: true }).click();
  const attempt = page.getByRole('region', { name: 'Try' });
  await attempt.getByRole('button', { name: 'Send', exact: true }).click();
  await attempt.getByRole('row', { name: 'total 129.6' }).waitFor();
  await picture(page, 'modeler');

  await page.getByRole('treeitem', { name: 'Fetch exchange rate, Data Connector' }).click();
  await page.getByRole('textbox', { name: 'Value of amount' }).fill('100');
  await page.getByRole('textbox', { name: 'Value of amount' }).press('Enter');
  await page.getByRole('button', { name: 'Deploy…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Deploy model' });
  await dialog.getByRole('list', { name: 'Findings' }).getByText('No problems.').waitFor();
  await dialog.getByRole('button', { name: 'Deploy', exact: true }).click();
  await dialog.getByText(/^Deployed as order version /).waitFor();
  const { stdout } = await promisify(execFile)(process.execPath, [
    at('bpmn-ext/engines/bpmn-engine/walk.mjs'),
    ...['--prefix', server.prefix, '--engine', `quickstart-${process.pid}`, '--json', '--deployed'],
    ...[at('deploy/examples/order/model.bpmn'), '--data', at('deploy/examples/order/data.json')],
  ]);
  assert.equal(JSON.parse(stdout.trim().split('\n').at(-1)).after.total, 108);
  await close();
});

test('the connector behind it is sent from its own page', async () => {
  const { page, go, close } = await open(browser, server, { width: 1360, height: 800 });
  await go('/connectors');
  await page.getByRole('link', { name: 'Demo stock' }).click();
  const send = page.getByRole('region', { name: 'Send' });
  await page.waitForFunction(() => document.querySelector('.send-pane textarea')?.value.includes('quantity'));
  await send
    .getByRole('textbox', { name: 'Sample data' })
    .fill('{\n  "order": "A-1042",\n  "item": "lamp",\n  "quantity": 3,\n  "total": 129.6\n}');
  await send.getByRole('button', { name: 'Send POST' }).click();
  await send.getByRole('treeitem', { name: 'reservation: "R-A-1042"' }).click();
  await send.getByText('reservation', { exact: true }).first().waitFor();
  await picture(page, 'send');
  await close();
});
