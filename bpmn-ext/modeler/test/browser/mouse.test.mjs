// A designer with a mouse: from the palette to a saved model.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { connectorOf, lint, start } from './page.mjs';

let browser;
before(async () => {
  browser = await start();
});
after(() => browser.close());

const group = (page, name) => page.getByRole('complementary', { name: 'Properties' }).getByRole('group', { name, exact: true });

/** Drags from the middle of an element to a place on the canvas, as slowly as a hand does. */
async function drag(page, from, x, y) {
  const box = await from.boundingBox();
  const [startX, startY] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(startX, startY);
  await page.mouse.down();
  await page.mouse.move(startX + 20, startY + 10);
  await page.waitForTimeout(100);
  for (let step = 1; step <= 10; step += 1) {
    await page.mouse.move(startX + ((x - startX) * step) / 10, startY + ((y - startY) * step) / 10);
    await page.waitForTimeout(20);
  }
  await page.mouse.up();
}

test('drag from the palette, connect, configure, try, map, mark, undo, save', async () => {
  const page = await browser.open();
  await drag(page, page.getByRole('button', { name: 'Create Data Connector' }), 860, 350);
  await page.getByRole('treeitem', { name: /^Data Connector, Data Connector/ }).waitFor();
  // The new element is being named; that ends here.
  await page.keyboard.press('Escape');

  // The live lint marks it, and the field says why.
  await page.getByRole('button', { name: '1 error: Data Connector' }).waitFor();
  const problems = page.getByRole('region', { name: 'Problems' });
  await problems.getByText('1 error', { exact: true }).waitFor();

  // It has its own icon, and no gear.
  assert.equal(await page.locator('g.djs-shape[data-element-id^="Activity_"] [data-icon="data-connector"]').count(), 1);

  // Connect the start with it.
  await page.getByRole('treeitem', { name: /^Order received/ }).click();
  await page.locator('.djs-context-pad [data-action="connect"]').click();
  await page.locator('g.djs-shape[data-element-id^="Activity_"]').click();
  await page.getByRole('treeitem', { name: /^Data Connector, Data Connector/ }).click();

  const call = group(page, 'Connector');
  await call.getByRole('combobox', { name: 'Connector' }).click();
  await page.getByRole('option', { name: 'Demo rates' }).click();
  await call.getByRole('combobox', { name: 'Resource' }).fill('currency');
  await page.getByRole('option', { name: 'GET latest – The rate of a currency' }).click();
  await page.getByRole('button', { name: '1 warning: Data Connector' }).waitFor();
  const base = group(page, 'What goes out').getByRole('textbox', { name: 'Value of base' });
  assert.match(await base.evaluate((input) => document.getElementById(input.getAttribute('aria-describedby'))?.textContent ?? ''), /requires the param `base`/);

  await base.fill('{{cu');
  await page.getByRole('listbox', { name: 'Variables' }).getByRole('option', { name: /currency.*"EUR".*sample data/ }).click();
  assert.equal(await base.inputValue(), '{{currency}}');
  await problems.getByText('No problems.').waitFor();

  await group(page, 'What goes out').getByRole('combobox', { name: 'Add value' }).click();
  await page.getByRole('option', { name: /^amount/ }).click();
  await group(page, 'What goes out').getByRole('textbox', { name: 'Value of amount' }).fill('{{amount}}');

  // Try, and keep a value by a click.
  await call.getByRole('button', { name: 'Try' }).click();
  const tried = page.getByRole('region', { name: 'Try' });
  await tried.getByRole('button', { name: 'Send', exact: true }).click();
  await tried.getByText(/^200 OK, \d+ bytes$/).waitFor();
  await tried.getByRole('tree', { name: 'Answer' }).getByRole('treeitem', { name: 'USD: 1.080' }).click();
  const variable = group(page, 'What comes back').getByRole('textbox', { name: 'Variable 1' });
  await assertFocused(variable);
  assert.equal(await variable.inputValue(), 'USD');
  await variable.fill('rate');
  await variable.press('Enter');
  await tried.getByRole('table', { name: 'Mapped variables' }).getByRole('row', { name: 'rate 1.08' }).waitFor();
  await page.shot('try-light');

  // An error that nothing catches, then a boundary event for it.
  const errors = group(page, 'Errors');
  await errors.getByRole('button', { name: 'Add error' }).click();
  await errors.getByRole('textbox', { name: 'When 1' }).fill('404');
  await errors.getByRole('combobox', { name: 'Error code 1' }).fill('NO_RATE');
  await errors.getByRole('combobox', { name: 'Error code 1' }).press('Enter');
  await errors.getByText('Nothing catches this.').waitFor();
  await page.getByRole('button', { name: '1 warning: Data Connector' }).waitFor();
  await errors.getByRole('button', { name: 'Add boundary event' }).click();
  await errors.getByText('Caught by NO_RATE.').waitFor();
  await problems.getByText('No problems.').waitFor();

  const failure = group(page, 'If it fails');
  await failure.getByRole('spinbutton', { name: 'Attempts' }).fill('4');
  await failure.getByRole('spinbutton', { name: 'Wait in seconds' }).fill('5');
  await failure.getByRole('combobox', { name: 'Wait grows' }).selectOption('Exponentially');
  await failure.getByText(/^It is tried 4 times in all, with waits of 5 s/).waitFor();
  await page.shot('properties-light');

  const xml = await page.saved();
  assert.deepEqual(connectorOf(xml), [
    '<conn:dataConnector connector="Demo rates" resource="latest">',
    '<conn:input type="param" key="base" value="{{currency}}" />',
    '<conn:input type="param" key="amount" value="{{amount}}" />',
    '<conn:output variable="rate" source="rates.USD" />',
    '<conn:retry attempts="4" wait="PT5S" backoff="exponential" />',
    '<conn:errorMapping when="404" code="NO_RATE" />',
    '</conn:dataConnector>',
  ]);
  assert.match(xml, /<bpmn:sequenceFlow [^>]*sourceRef="start" targetRef="Activity_/);
  lint(xml);
  assert.match(xml, /<bpmn:error id="Error_\w+" name="NO_RATE" errorCode="NO_RATE" \/>/);
  assert.match(xml, /<bpmn:errorEventDefinition [^>]*errorRef="Error_/);

  // Undo takes back one act at a time: growth, wait, attempts, then the whole boundary event.
  const undo = page.getByRole('button', { name: 'Undo' });
  for (let count = 0; count < 4; count += 1) await undo.click();
  await errors.getByText('Nothing catches this.').waitFor();
  assert.doesNotMatch(await page.saved(), /bpmn:error |boundaryEvent/);
  while (await undo.isEnabled()) await undo.click();
  assert.doesNotMatch(await page.saved(), /dataConnector/);
  page.check();
});

test('the context pad and the menus offer it, and resources come configured', async () => {
  const page = await browser.open();
  await page.getByRole('treeitem', { name: /^Order received/ }).click();
  await page.getByRole('button', { name: 'Append Data Connector' }).click();
  await page.getByRole('treeitem', { name: /^Data Connector/ }).waitFor();
  await page.keyboard.press('Escape');

  await page.getByRole('treeitem', { name: /^Data Connector/ }).click();
  await page.locator('.djs-context-pad [data-action="append"]').click();
  await page.getByRole('combobox', { name: / element$/ }).fill('stock');
  const option = page.getByRole('option', { name: /Demo stock: reserve.*POST/s });
  await option.click();
  await page.getByRole('treeitem', { name: /^Demo stock: reserve, Data Connector/ }).waitFor();
  await page.keyboard.press('Escape');

  // Another task becomes one.
  await page.getByRole('treeitem', { name: /^Demo stock/ }).click();
  await page.locator('.djs-context-pad [data-action="append.append-task"]').click();
  await page.keyboard.press('Escape');
  await page.locator('.djs-context-pad [data-action="replace"]').click();
  await page.getByRole('combobox', { name: / element$/ }).fill('convert');
  await page.getByRole('option', { name: /Demo rates: convert/ }).click();
  await page.getByRole('treeitem', { name: /^Demo rates: convert, Data Connector/ }).waitFor();

  const xml = await page.saved();
  assert.match(xml, /<conn:dataConnector connector="" resource="" \/>/);
  assert.match(xml, /<conn:dataConnector connector="Demo stock" resource="reserve" \/>/);
  assert.match(xml, /<conn:dataConnector connector="Demo rates" resource="convert" \/>/);
  page.check();
});

async function assertFocused(locator) {
  await locator.waitFor();
  for (let tries = 0; tries < 50; tries += 1) {
    if (await locator.evaluate((element) => element === document.activeElement)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.fail('the field has no focus');
}
