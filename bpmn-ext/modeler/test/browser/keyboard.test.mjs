// A designer without a mouse, and one who cannot see the page.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';

import { connectorOf, lint, start } from './page.mjs';

let browser;
before(async () => {
  browser = await start();
});
after(() => browser.close());

/** Waits until the focus is on a control with this role and name. */
async function focused(page, role, name) {
  const control = page.getByRole(role, { name, exact: typeof name === 'string' }).first();
  try {
    await control.waitFor();
    await page.waitForFunction((element) => element === document.activeElement, await control.elementHandle(), { timeout: 3000 });
  } catch {
    const at = await page.evaluate(() => document.activeElement?.outerHTML.slice(0, 200));
    assert.fail(`the focus is not on ${role} ${name}, but on ${at}`);
  }
}

/** Presses Tab until the focus is on a control of this name. */
async function tabTo(page, name, { back = false } = {}) {
  for (let count = 0; count < 80; count += 1) {
    await page.keyboard.press(back ? 'Shift+Tab' : 'Tab');
    const at = await page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent?.trim());
    if (at === name) return;
  }
  assert.fail(`Tab does not reach ${name}`);
}

test('the keyboard alone makes, connects, configures, tries, maps, repairs and removes', async () => {
  const page = await browser.open();
  const { keyboard } = page;
  await tabTo(page, 'Order, Process');
  await keyboard.press('ArrowDown');
  await focused(page, 'treeitem', 'Order received, Start event');
  await keyboard.press('a');
  await page.getByRole('combobox', { name: 'Append element' }).waitFor();
  await keyboard.type('rates: latest');
  await page.getByRole('option', { name: 'Data Connector', exact: true }).waitFor({ state: 'detached' });
  await keyboard.press('Enter');
  await focused(page, 'treeitem', /^Demo rates: latest, Data Connector/);
  await page.getByRole('treeitem', { name: 'Demo rates: latest, Data Connector, 1 warning' }).waitFor();

  // Enter leads to the properties, whose fields follow each other.
  await keyboard.press('Enter');
  await focused(page, 'combobox', 'Connector');
  await tabTo(page, 'Value of base');
  await keyboard.type('{{');
  await page.getByRole('listbox', { name: 'Variables' }).waitFor();
  await keyboard.press('ArrowDown');
  await keyboard.press('ArrowUp');
  await keyboard.press('Enter');
  assert.equal(await page.getByRole('textbox', { name: 'Value of base' }).inputValue(), '{{currency}}');
  await tabTo(page, 'Add value');
  await keyboard.type('Hea');
  await keyboard.press('Enter');
  await tabTo(page, 'Header name', { back: true });
  await keyboard.type('X-Trace');
  await keyboard.press('Enter');
  await focused(page, 'textbox', 'Value of X-Trace');
  await keyboard.type('1');
  await keyboard.press('Enter');

  // Ctrl+Enter tries; once more calls. The answer is walked and kept.
  await keyboard.press('Control+Enter');
  await focused(page, 'textbox', 'Sample data');
  await keyboard.press('Control+Enter');
  await page.getByText(/^200 OK/).waitFor();
  for (const tab of ['Request', 'Answer', 'Raw', 'Headers', 'Timing']) await page.getByRole('tab', { name: tab }).waitFor();
  await tabTo(page, 'Find in answer');
  await keyboard.press('Tab');
  await keyboard.press('End');
  await keyboard.press('Home');
  for (let down = 0; down < 3; down += 1) await keyboard.press('ArrowDown');
  await focused(page, 'treeitem', 'USD: 1.080');
  await keyboard.press('Enter');
  await focused(page, 'textbox', 'Variable 1');
  await keyboard.press('Control+a');
  await keyboard.type('rate');
  await keyboard.press('Tab');
  await page.getByRole('row', { name: 'rate 1.08' }).waitFor();

  // Another element, connected by hand, then taken away.
  await tabTo(page, 'Demo rates: latest, Data Connector', { back: true });
  await keyboard.press('a');
  await page.getByRole('combobox', { name: 'Append element' }).waitFor();
  await keyboard.type('end event');
  await page.getByRole('option', { name: 'Data Connector', exact: true }).waitFor({ state: 'detached' });
  await keyboard.press('Enter');
  await focused(page, 'treeitem', /End event$/);
  await keyboard.press('Home');
  await keyboard.press('ArrowDown');
  await focused(page, 'treeitem', 'Order received, Start event');
  await keyboard.press('c');
  await keyboard.press('End');
  await focused(page, 'treeitem', /End event$/);
  await keyboard.press('Enter');
  await page.getByText(/^Connected Order received with/).waitFor();
  const both = await page.saved();
  assert.equal(both.match(/<bpmn:sequenceFlow /g).length, 3);
  assert.match(both, /sourceRef="start" targetRef="Event_/);
  await page.getByRole('treeitem', { name: /End event$/ }).focus();
  await keyboard.press('Delete');
  await focused(page, 'treeitem', 'Demo rates: latest, Data Connector');

  const xml = await page.saved();
  assert.equal(xml.match(/<bpmn:sequenceFlow /g).length, 1);
  lint(xml);
  assert.deepEqual(connectorOf(xml), [
    '<conn:dataConnector connector="Demo rates" resource="latest">',
    '<conn:input type="param" key="base" value="{{currency}}" />',
    '<conn:input type="header" key="X-Trace" value="1" />',
    '<conn:output variable="rate" source="rates.USD" />',
    '</conn:dataConnector>',
  ]);
  page.check();
});

const PM = `<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" xmlns:di="http://www.omg.org/spec/DD/20100524/DI" xmlns:pm="http://processmaker.com/BPMN/2.0/Schema.xsd" xmlns:acme="urn:acme" id="d" targetNamespace="urn:t">
  <bpmn:process id="p" name="Order" isExecutable="true">
    <bpmn:startEvent id="start" name="Order received" pm:config="{}"><bpmn:outgoing>go</bpmn:outgoing></bpmn:startEvent>
    <bpmn:sequenceFlow id="go" sourceRef="start" targetRef="fetch" />
    <bpmn:serviceTask id="fetch" name="Fetch rates" implementation="package-data-sources/data-source-task-service" pm:screenRef="3" acme:owner="me" pm:config="{&#34;dataSource&#34;:&#34;Demo rate&#34;,&#34;endpoint&#34;:&#34;latest&#34;,&#34;dataMapping&#34;:[{&#34;value&#34;:&#34;rates.USD&#34;,&#34;key&#34;:&#34;rate&#34;,&#34;format&#34;:&#34;dotNotation&#34;}],&#34;outboundConfig&#34;:[{&#34;value&#34;:&#34;EUR&#34;,&#34;type&#34;:&#34;PARAM&#34;,&#34;key&#34;:&#34;base&#34;,&#34;format&#34;:&#34;mustache&#34;}],&#34;callback&#34;:false,&#34;big&#34;:12345678901234567890}" pm:errorHandling="{&#34;timeout&#34;:&#34;20&#34;,&#34;retry_attempts&#34;:3,&#34;retry_wait_time&#34;:5,&#34;inapp_notification&#34;:true}">
      <bpmn:extensionElements><acme:note>kept</acme:note></bpmn:extensionElements>
      <bpmn:incoming>go</bpmn:incoming>
    </bpmn:serviceTask>
  </bpmn:process>
  <bpmndi:BPMNDiagram id="diagram"><bpmndi:BPMNPlane id="plane" bpmnElement="p">
    <bpmndi:BPMNShape id="start_di" bpmnElement="start"><dc:Bounds x="160" y="200" width="36" height="36" /></bpmndi:BPMNShape>
    <bpmndi:BPMNShape id="fetch_di" bpmnElement="fetch"><dc:Bounds x="300" y="180" width="116" height="76" /></bpmndi:BPMNShape>
    <bpmndi:BPMNEdge id="go_di" bpmnElement="go"><di:waypoint x="196" y="218" /><di:waypoint x="300" y="218" /></bpmndi:BPMNEdge>
  </bpmndi:BPMNPlane></bpmndi:BPMNDiagram>
</bpmn:definitions>`;

test("a ProcessMaker model is repaired and stays ProcessMaker's", async () => {
  const page = await browser.open();
  await page.openModel(PM);
  const problem = page.getByRole('button', { name: 'Error: `Fetch rates (fetch)`: there is no connector `Demo rate`' });
  await problem.focus();
  await page.keyboard.press('Enter');
  await focused(page, 'combobox', 'Connector');
  const field = page.getByRole('combobox', { name: 'Connector' });
  assert.equal(await field.getAttribute('aria-invalid'), 'true');
  await page.shot('problem-light');
  await page.getByRole('button', { name: 'Use Demo rates' }).press('Enter');
  await page.getByText('No problems.').waitFor();
  const attempts = page.getByRole('spinbutton', { name: 'Attempts' });
  assert.equal(await attempts.inputValue(), '4');
  await attempts.fill('2');
  await page.getByRole('combobox', { name: 'Repeat' }).selectOption('At the same time');
  await page.getByRole('combobox', { name: 'List' }).fill('orders');
  await page.getByRole('combobox', { name: 'List' }).press('Enter');
  await page.getByRole('textbox', { name: 'Item variable' }).fill('order');
  await page.getByRole('textbox', { name: 'Results' }).fill('answers');
  await page.getByRole('textbox', { name: 'Results' }).press('Tab');
  const xml = await page.saved();
  const config = /pm:config="([^"]{3,})"/.exec(xml)[1].replaceAll('&#34;', '"');
  assert.equal(config, '{"dataSource":"Demo rates","endpoint":"latest","dataMapping":[{"value":"rates.USD","key":"rate","format":"dotNotation"}],"outboundConfig":[{"value":"EUR","type":"PARAM","key":"base","format":"mustache"}],"callback":false,"big":12345678901234567890}');
  assert.equal(/pm:errorHandling="([^"]*)"/.exec(xml)[1].replaceAll('&#34;', '"'), '{"timeout":"20","retry_attempts":1,"retry_wait_time":5,"inapp_notification":true}');
  assert.match(xml, /pm:screenRef="3"/);
  lint(xml);
  assert.match(xml, /acme:owner="me"/);
  assert.match(xml, /<acme:note>kept<\/acme:note>/);
  assert.match(xml, /<bpmn:outputDataItem|<bpmn:inputDataItem [^>]*name="order"/);
  assert.doesNotMatch(xml, /dataConnector/);

  // New elements follow the majority.
  await page.getByRole('treeitem', { name: /^Fetch rates/ }).click();
  await page.getByRole('button', { name: 'Append Data Connector' }).click();
  await page.keyboard.press('Escape');
  await page.getByRole('treeitem', { name: /^Data Connector, Data Connector/ }).click();
  assert.match(await page.saved(), /name="Data Connector" implementation="package-data-sources\/data-source-task-service"/);

  // And one can be written anew, and back by Undo.
  await page.getByRole('radio', { name: 'Data Connector' }).click();
  assert.match(await page.saved(), /<conn:dataConnector connector="" resource=""/);
  await page.getByRole('button', { name: 'Undo' }).click();
  assert.doesNotMatch(await page.saved(), /dataConnector/);
  page.check();
});

test('a file that cannot be read replaces nothing', async () => {
  const page = await browser.open();
  await page.openModel('<bpmn:definitions>');
  await page.getByRole('alert').filter({ hasText: /^This file cannot be read\. / }).waitFor();
  await page.getByRole('treeitem', { name: 'Order received, Start event' }).waitFor();
});

for (const colorScheme of ['light', 'dark']) {
  test(`axe finds no serious fault (${colorScheme})`, async () => {
    const page = await browser.open({ colorScheme });
    await page.openModel(PM);
    await page.getByRole('treeitem', { name: /^Fetch rates/ }).click();
    await page.getByRole('button', { name: 'Use Demo rates' }).click();
    await page.getByRole('button', { name: 'Try', exact: true }).click();
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await page.getByText(/^200 OK/).waitFor();
    await page.shot(`all-${colorScheme}`);
    await page.getByRole('textbox', { name: 'Value of base' }).fill('{{');
    await page.getByRole('listbox', { name: 'Variables' }).waitFor();
    await page.shot(`variables-${colorScheme}`);
    const source = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    await page.evaluate(source);
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    assert.deepEqual(serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join('\n')}`), []);
    page.check();
  });
}
