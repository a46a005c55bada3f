// What is easily lost: text that is being typed, copies, what others wrote, elements made without a pointer.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { connectorOf, start } from './page.mjs';

let browser;
before(async () => {
  browser = await start();
});
after(() => browser.close());

test('what is being typed is saved, without leaving the field', async () => {
  const page = await browser.open();
  await page.append(/Demo rates: latest/);
  const base = page.getByRole('textbox', { name: 'Value of base' });
  await base.click();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    base.evaluate((input) => {
      input.value = 'EUR';
      input.dispatchEvent(new InputEvent('input', { bubbles: true }));
      document.getElementById('download').click();
    }),
  ]);
  const chunks = [];
  for await (const chunk of await download.createReadStream()) chunks.push(chunk);
  assert.deepEqual(connectorOf(Buffer.concat(chunks).toString()).slice(1, 2), ['<conn:input type="param" key="base" value="EUR" />']);
  page.check();
});

test('a click that ends typing reaches its button, though fields move', async () => {
  const page = await browser.open();
  await page.append(/Demo rates: latest/);
  await page.getByRole('textbox', { name: 'Value of base' }).fill('EUR');
  await page.getByRole('button', { name: 'Add variable' }).click();
  await page.getByRole('textbox', { name: 'Variable 1' }).waitFor();
  assert.match((await page.saved()), /value="EUR"/);
  page.check();
});

test('the process offers the create menu, and palette and pad take keys', async () => {
  const page = await browser.open();
  const { keyboard } = page;
  await page.getByRole('treeitem', { name: 'Order, Process' }).focus();
  await keyboard.press('a');
  await page.getByRole('combobox', { name: 'Create element' }).waitFor();
  await keyboard.type('stock');
  await page.getByRole('option', { name: 'Data Connector', exact: true }).waitFor({ state: 'detached' });
  await keyboard.press('Enter');
  // The outline takes the focus back, a moment after the menu has closed.
  await page.getByRole('treeitem', { name: /^Demo stock: reserve, Data Connector/ }).and(page.locator(':focus')).waitFor();
  await page.getByRole('button', { name: 'Create Data Connector' }).focus();
  await keyboard.press('Enter');
  await page.getByRole('treeitem', { name: /^Data Connector, Data Connector/ }).click();
  await page.getByRole('button', { name: 'Append Data Connector' }).focus();
  await keyboard.press(' ');
  await keyboard.press('Escape');
  await page.getByRole('treeitem', { name: /^Data Connector, Data Connector/ }).nth(1).waitFor();
  assert.equal((await page.saved()).match(/<conn:dataConnector /g).length, 3);
  page.check();
});

const FOREIGN = `<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" xmlns:x="urn:data-connector:bpmn:1" xmlns:acme="urn:acme" id="d" targetNamespace="urn:t">
  <bpmn:process id="p" name="Order" isExecutable="true">
    <bpmn:serviceTask id="fetch" name="Fetch rates">
      <bpmn:extensionElements>
        <acme:note>kept</acme:note>
        <x:dataConnector connector="Demo rates" resource="latest" acme:at="1">
          <x:output variable="rate" source="rates.USD" />
          <acme:inner a="1" />
          <x:input type="param" key="base" value="1" />
          <x:retry attempts="3" budget="PT1H" />
        </x:dataConnector>
      </bpmn:extensionElements>
    </bpmn:serviceTask>
  </bpmn:process>
  <bpmndi:BPMNDiagram id="diagram">
    <bpmndi:BPMNPlane id="plane" bpmnElement="p">
      <bpmndi:BPMNShape id="fetch_di" bpmnElement="fetch">
        <dc:Bounds x="300" y="180" width="116" height="76" />
      </bpmndi:BPMNShape>
    </bpmndi:BPMNPlane>
  </bpmndi:BPMNDiagram>
</bpmn:definitions>
`;

test('a file comes back as it was, also after an edit was undone, and a copy is configured', async () => {
  const page = await browser.open();
  await page.openModel(FOREIGN);
  await page.getByRole('treeitem', { name: /^Fetch rates/ }).click();
  assert.equal(await page.saved(), FOREIGN);
  await page.getByRole('textbox', { name: 'Value of base' }).fill('2');
  await page.getByRole('textbox', { name: 'Value of base' }).press('Enter');
  assert.equal(await page.saved(), FOREIGN.replace('value="1"', 'value="2"'));
  await page.getByRole('button', { name: 'Undo' }).click();
  assert.equal(await page.saved(), FOREIGN);

  const box = await page.locator('g.djs-shape[data-element-id="fetch"]').boundingBox();
  // A click on what is selected would take the selection away.
  await page.mouse.click(box.x + 300, box.y + 60);
  await page.mouse.click(box.x + 20, box.y + 60);
  await page.locator('.djs-context-pad').waitFor();
  await page.keyboard.press('Control+c');
  await page.keyboard.press('Control+v');
  await page.waitForTimeout(100);
  await page.mouse.move(700, 640, { steps: 5 });
  await page.mouse.click(700, 640);
  await page.getByRole('treeitem', { name: /^Fetch rates, Data Connector/ }).nth(1).waitFor();
  assert.equal((await page.saved()).match(/<x:input type="param" key="base" value="1" \/>/g).length, 2);
  page.check();
});

test('a reference with white space around it is one', async () => {
  const page = await browser.open();
  const loop = `<bpmn:ioSpecification><bpmn:dataInput id="in" name="orders" isCollection="true" /><bpmn:inputSet /><bpmn:outputSet /></bpmn:ioSpecification>
      <bpmn:multiInstanceLoopCharacteristics><bpmn:loopDataInputRef>
        in
      </bpmn:loopDataInputRef></bpmn:multiInstanceLoopCharacteristics>`;
  await page.openModel(FOREIGN.replace('</bpmn:extensionElements>', `</bpmn:extensionElements>${loop}`));
  await page.getByRole('treeitem', { name: /^Fetch rates/ }).click();
  assert.equal(await page.getByRole('combobox', { name: 'List' }).inputValue(), 'orders');
  assert.match(await page.saved(), /<bpmn:loopDataInputRef>in<\/bpmn:loopDataInputRef>/);
  page.check();
});
