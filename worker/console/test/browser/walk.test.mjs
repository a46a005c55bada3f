// The way of a designer, from an empty model to a request that goes on with mapped data: with a mouse, by keyboard alone, and
// beginning with a cURL command. The saved file is linted, deployed, and run by bpmn-engine.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { faultsOf, launch, open } from './browser.mjs';
import { start } from './server.mjs';

const ENGINE = fileURLToPath(new URL('../../../../bpmn-ext/engines/bpmn-engine/walk.mjs', import.meta.url));
const run = promisify(execFile);

const server = await start();
const needs = server.lacks('/examples', '/models', '/models/lint', '/try', '/data_sources/import');
let browser;
let rates;
before(async () => {
  browser = await launch();
  rates = await server.call('POST', '/data_sources', {
    name: 'Walked rates',
    endpoints: {
      latest: {
        purpose: 'latest',
        description: 'The rate of a currency',
        method: 'GET',
        url: `${server.demo}/rates`,
        params: [{ key: 'base', value: '', required: true }],
        headers: [],
      },
    },
  });
});
after(async () => {
  await browser?.close();
  await server.stop();
});

/** Begins a model with nothing but a start event. */
async function begin(page, go) {
  await go('/modeler');
  await page.getByRole('button', { name: 'New model' }).click();
  await page.getByRole('treeitem', { name: /Start event$/ }).waitFor();
}

/** Drags from the middle of an element to a place, as slowly as a hand does. */
async function drag(page, from, x, y) {
  const box = await from.boundingBox();
  const [left, top] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(left, top);
  await page.mouse.down();
  await page.mouse.move(left + 20, top + 10);
  for (let step = 1; step <= 10; step++) {
    await page.mouse.move(left + ((x - left) * step) / 10, top + ((y - top) * step) / 10);
    await page.waitForTimeout(20);
  }
  await page.mouse.up();
}

/** Waits until the focus is on a control. */
async function focused(page, control) {
  await control.waitFor();
  await page
    .waitForFunction((element) => element === document.activeElement, await control.elementHandle(), { timeout: 3_000 })
    .catch(async () => {
      const at = await page.evaluate(() => document.activeElement?.outerHTML.slice(0, 200));
      assert.fail(`the focus is not on ${control}, but on ${at}`);
    });
}

/** Presses Tab until the focus is on a control of this name. */
async function tabTo(page, name, key = 'Tab') {
  for (let count = 0; count < 120; count++) {
    await page.keyboard.press(key);
    const at = await page.evaluate(() => {
      const element = document.activeElement;
      return element?.getAttribute('aria-label') ?? element?.labels?.[0]?.textContent.trim() ?? element?.textContent.trim();
    });
    if (at === name || (name instanceof RegExp && name.test(at ?? ''))) return;
  }
  assert.fail(`${key} does not reach ${name}`);
}

async function downloaded(page) {
  const button = page.getByRole('toolbar', { name: 'Model' }).getByRole('button', { name: 'Download' });
  const [download] = await Promise.all([page.waitForEvent('download'), button.click()]);
  const chunks = [];
  for await (const chunk of await download.createReadStream()) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** Lints a saved file by command line, and walks it with bpmn-engine: with what is in the file, and with what was deployed. */
async function runs(xml, data, expected) {
  const folder = await mkdtemp(join(tmpdir(), 'walk-'));
  try {
    const [model, connectors, given] = ['model.bpmn', 'connectors.json', 'data.json'].map((name) => join(folder, name));
    await writeFile(model, xml);
    await writeFile(given, JSON.stringify(data));
    await writeFile(connectors, JSON.stringify((await server.call('GET', '/data_sources/export')).data));
    const lint = await run(server.binary, ['lint', '--deny-warnings', model, '--connectors', connectors, '--data', given]);
    assert.doesNotMatch(lint.stdout, /error|warning/);
    for (const how of [[], ['--deployed']]) {
      const { stdout } = await run(process.execPath, [
        ENGINE,
        ...['--prefix', server.prefix, '--engine', `walk-${process.pid}`, '--json', ...how, model, '--data', given],
      ]);
      const { after, error } = JSON.parse(stdout.trim().split('\n').at(-1));
      assert.equal(error, undefined);
      assert.deepEqual(after, { ...data, ...expected });
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Deploys what is open, and goes to what was deployed. */
async function deploy(page) {
  await page.getByRole('toolbar', { name: 'Model' }).getByRole('button', { name: 'Deploy…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Deploy model' });
  await dialog.getByRole('list', { name: 'Findings' }).getByText('No problems.').waitFor();
  await dialog.getByRole('button', { name: 'Deploy', exact: true }).click();
  await dialog.getByText(/^Deployed as process version \S+\.$/).waitFor();
  await dialog.getByRole('link', { name: 'Show' }).click();
  await page.getByRole('region', { name: 'Diagram' }).waitFor();
}

test('with a mouse: drag, connect, choose, map by a click, deploy', { skip: needs }, async () => {
  const { page, go, close } = await open(browser, server);
  await begin(page, go);
  const canvas = await page.getByRole('region', { name: 'Canvas' }).boundingBox();
  await drag(
    page,
    page.getByRole('button', { name: 'Create Data Connector' }),
    canvas.x + canvas.width / 2 + 120,
    canvas.y + canvas.height / 2 - 60,
  );
  await page.getByRole('treeitem', { name: /^Data Connector, Data Connector/ }).waitFor();
  // It is being named.
  await page.keyboard.press('Control+a');
  await page.keyboard.type('Fetch rate');
  await page.keyboard.press('Enter');
  await page.getByRole('treeitem', { name: /^Fetch rate, Data Connector/ }).waitFor();
  const problems = page.getByRole('region', { name: 'Problems' });
  await problems
    .getByRole('status')
    .getByText(/\berrors?\b/)
    .waitFor();

  await page.getByRole('treeitem', { name: /Start event$/ }).click();
  await page.locator('.djs-context-pad [data-action="connect"]').click();
  await page.locator('g.djs-shape[data-element-id^="Activity_"]').click();
  await page.getByRole('treeitem', { name: /^Fetch rate, Data Connector/ }).click();
  const properties = page.getByRole('complementary', { name: 'Properties' });
  const group = (name) => properties.getByRole('group', { name, exact: true });
  await group('Connector').getByRole('combobox', { name: 'Connector' }).click();
  await page.getByRole('option', { name: 'Walked rates' }).click();
  await group('Connector').getByRole('combobox', { name: 'Resource' }).click();
  await page.getByRole('option', { name: 'GET latest – The rate of a currency' }).click();
  await group('What goes out').getByRole('textbox', { name: 'Value of base' }).fill('{{currency}}');

  await group('Connector').getByRole('button', { name: 'Try', exact: true }).click();
  const attempt = page.getByRole('region', { name: 'Try' });
  await page.waitForFunction(() =>
    [...document.querySelectorAll('textarea')].some(({ value }) => value.includes('"currency": ""')),
  );
  await attempt.getByRole('textbox', { name: 'Sample data' }).fill('{"currency": "EUR"}');
  await attempt.getByRole('button', { name: 'Send', exact: true }).click();
  await attempt.getByText(/^200 OK, \d+ ms, \d+ bytes$/).waitFor();
  await attempt.getByRole('tree', { name: 'Answer' }).getByRole('treeitem', { name: 'USD: 1.08' }).click();
  const variable = group('What comes back').getByRole('textbox', { name: 'Variable 1' });
  await focused(page, variable);
  assert.equal(await variable.inputValue(), 'USD');
  await variable.fill('rate');
  await variable.press('Enter');
  await attempt.getByRole('table', { name: 'Mapped variables' }).getByRole('row', { name: 'rate 1.08' }).waitFor();
  await problems.getByRole('status').getByText('No problems.').waitFor();
  assert.deepEqual(await faultsOf(page), []);

  const xml = await downloaded(page);
  assert.match(xml, /<bpmn:sequenceFlow [^>]*sourceRef="start" targetRef="Activity_/);
  await deploy(page);
  await runs(xml, { currency: 'EUR' }, { rate: 1.08 });
  await close();
});

test('by keyboard alone: begin, append, configure, try, map, deploy', { skip: needs }, async () => {
  const { page, go, close } = await open(browser, server);
  const { keyboard } = page;
  await go('/modeler');
  await page.getByRole('button', { name: 'New model' }).waitFor();
  await tabTo(page, 'New model');
  await keyboard.press('Enter');
  await page.getByRole('treeitem', { name: /Start event$/ }).waitFor();
  await tabTo(page, /Process$/);
  await keyboard.press('ArrowDown');
  await keyboard.press('a');
  await page.getByRole('combobox', { name: 'Append element' }).waitFor();
  await keyboard.type('walked rates: latest');
  await page.getByRole('option', { name: 'Data Connector', exact: true }).waitFor({ state: 'detached' });
  await keyboard.press('Enter');
  await focused(page, page.getByRole('treeitem', { name: /^Walked rates: latest, Data Connector/ }));
  await keyboard.press('Enter');
  await focused(page, page.getByRole('combobox', { name: 'Connector', exact: true }));
  await tabTo(page, 'Value of base');
  await keyboard.type('{{currency}}');
  await keyboard.press('Tab');

  await keyboard.press('Control+Enter');
  const sample = page.getByRole('region', { name: 'Try' }).getByRole('textbox', { name: 'Sample data' });
  await focused(page, sample);
  await page.waitForFunction(() => document.activeElement?.value?.includes('"currency": ""'));
  await keyboard.press('Control+a');
  await keyboard.type('{"currency": "GBP"}');
  await keyboard.press('Control+Enter');
  await page.getByText(/^200 OK, /).waitFor();
  await tabTo(page, 'Find in answer');
  await keyboard.type('usd');
  await keyboard.press('Tab');
  const usd = page.getByRole('treeitem', { name: 'USD: 1.27' });
  await usd.waitFor();
  for (let count = 0; count < 5 && !(await usd.evaluate((item) => item === document.activeElement)); count++)
    await keyboard.press('ArrowDown');
  await keyboard.press('Enter');
  await focused(page, page.getByRole('textbox', { name: 'Variable 1' }));
  await keyboard.press('Control+a');
  await keyboard.type('rate');
  await keyboard.press('Tab');
  await page.getByRole('row', { name: 'rate 1.27' }).waitFor();
  await page.getByRole('region', { name: 'Problems' }).getByRole('status').getByText('No problems.').waitFor();

  const xml = await downloaded(page);
  await tabTo(page, 'Deploy…', 'Shift+Tab');
  await keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Deploy model' });
  await dialog.getByRole('list', { name: 'Findings' }).getByText('No problems.').waitFor();
  await tabTo(page, 'Deploy');
  await keyboard.press('Enter');
  await dialog.getByText(/^Deployed as process version \S+\.$/).waitFor();
  await tabTo(page, 'Show');
  await keyboard.press('Enter');
  const title = page.getByRole('heading', { level: 1 });
  await page.getByRole('region', { name: 'Diagram' }).waitFor();
  await focused(page, title);
  await runs(xml, { currency: 'GBP' }, { rate: 1.27 });
  await close();
});

test('a cURL command is imported, sent, and used in a model', { skip: needs }, async () => {
  const { page, go, close } = await open(browser, server);
  await go('/connectors/import?from=curl');
  await page
    .getByRole('textbox', { name: 'Paste here' })
    .fill(`curl -H 'Accept: application/json' '${server.demo}/prices/lamp?quantity=3'`);
  await page.getByRole('button', { name: 'Read' }).click();
  const preview = page.getByRole('region', { name: 'Preview' });
  await preview.getByRole('textbox', { name: 'Connector name' }).fill('Prices by cURL');
  await preview.getByRole('button', { name: 'Import 1 resource' }).click();
  await page.getByRole('heading', { level: 1, name: 'Prices by cURL' }).waitFor();
  const send = page.getByRole('region', { name: 'Send' });
  await send.getByRole('button', { name: 'Send', exact: true }).click();
  await send
    .getByRole('status')
    .getByText(/^200 OK, /)
    .waitFor();
  await send.getByRole('treeitem', { name: 'price: 120' }).waitFor();
  assert.deepEqual(await faultsOf(page), []);

  await begin(page, go);
  await page.getByRole('treeitem', { name: /Start event$/ }).click();
  await page.locator('.djs-context-pad [data-action="append"]').click();
  await page.getByRole('combobox', { name: 'Append element' }).fill('prices by curl');
  await page.getByRole('option', { name: /^Prices by cURL: lamp/ }).click();
  await page.keyboard.press('Escape');
  await page.getByRole('treeitem', { name: /^Prices by cURL: lamp, Data Connector/ }).click();
  const properties = page.getByRole('complementary', { name: 'Properties' });
  await properties.getByRole('button', { name: 'Add variable' }).click();
  await properties.getByRole('textbox', { name: 'Variable 1' }).fill('price');
  await properties.getByRole('textbox', { name: 'Source 1' }).fill('price');
  await properties.getByRole('textbox', { name: 'Source 1' }).press('Enter');
  await page.getByRole('region', { name: 'Problems' }).getByRole('status').getByText('No problems.').waitFor();
  const xml = await downloaded(page);
  await deploy(page);
  await runs(xml, { customer: 'C-1001' }, { price: 120 });
  await close();
});
