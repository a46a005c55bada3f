// The plug-in in ProcessMaker's own modeler: a model comes back as it was, is edited, and gets a new connector.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

import { serve } from '../test/browser/serve.mjs';

const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const CONFIG = '{"dataSource":1,"endpoint":"latest","dataMapping":[{"value":"rates.USD","key":"rate","format":"dotNotation"}],"outboundConfig":[{"value":"EUR","type":"PARAM","key":"base","format":"mustache"}],"callback":false,"big":12345678901234567890}';
const HANDLING = '{"timeout":"20","retry_attempts":3,"retry_wait_time":5,"inapp_notification":true}';
const escaped = (json) => json.replaceAll('"', '&#34;');
const MODEL = `<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:pm="http://processmaker.com/BPMN/2.0/Schema.xsd" xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" id="Definitions_1" targetNamespace="http://bpmn.io/schema/bpmn" exporter="ProcessMaker Modeler" exporterVersion="1.0">
  <bpmn:process id="ProcessId" name="Quotation" isExecutable="true">
    <bpmn:serviceTask id="node_7" name="Fetch rates" pm:config="${escaped(CONFIG)}" implementation="package-data-sources/data-source-task-service" pm:errorHandling="${escaped(HANDLING)}" />
    <bpmn:serviceTask id="node_9" name="Another" pm:config="not for us" implementation="another/package" />
  </bpmn:process>
  <bpmndi:BPMNDiagram id="BPMNDiagram_1">
    <bpmndi:BPMNPlane id="BPMNPlane_1" bpmnElement="ProcessId">
      <bpmndi:BPMNShape id="node_7_di" bpmnElement="node_7">
        <dc:Bounds x="400" y="200" width="116" height="76" />
      </bpmndi:BPMNShape>
      <bpmndi:BPMNShape id="node_9_di" bpmnElement="node_9">
        <dc:Bounds x="600" y="200" width="116" height="76" />
      </bpmndi:BPMNShape>
    </bpmndi:BPMNPlane>
  </bpmndi:BPMNDiagram>
</bpmn:definitions>
`;

let browser;
let server;
before(async () => {
  // The modeler's own page parts need inline styles.
  server = await serve(fileURLToPath(new URL('dist', import.meta.url)), '');
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ARGUMENTS });
});
after(async () => {
  await browser?.close();
  server?.close();
});

async function open() {
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  page.setDefaultTimeout(15_000);
  await page.goto(server.url);
  await page.waitForFunction(() => globalThis.loadXML);
  await page.evaluate((xml) => globalThis.loadXML(xml), MODEL);
  await shape(page, 'Fetch rates').waitFor();
  return page;
}

/** The paper's shape; the other one is on the small map. */
const shape = (page, text) => page.locator('[model-id]').filter({ hasText: text }).first();
const saved = (page) => page.evaluate(() => globalThis.saveXML());
const attribute = (xml, name, id = 'node_7') => new RegExp(`id="${id}"[^>]* ${name}="([^"]*)"`).exec(xml)?.[1]?.replaceAll('&#34;', '"');

test('a model is saved as it was read', async () => {
  const page = await open();
  assert.equal(await saved(page), MODEL);
});

test('the inspector edits what it shows and nothing else', async () => {
  const page = await open();
  await shape(page, 'Fetch rates').click();
  await page.locator('[data-cy="inspector-button"]').click();
  assert.equal(await page.getByLabel('Connector', { exact: true }).inputValue(), '1');
  assert.equal(await page.getByLabel('Retry Attempts').inputValue(), '3');
  await page.getByLabel('Value of base').fill('{{currency}}');
  await page.getByLabel('Value of base').press('Tab');
  await page.getByLabel('Variable 1', { exact: true }).fill('usd');
  await page.getByLabel('Variable 1', { exact: true }).press('Tab');
  await page.getByLabel('Retry Attempts').fill('2');
  await page.getByLabel('Retry Attempts').press('Tab');
  if (process.env.MODELER_SHOTS) await page.screenshot({ path: `${process.env.MODELER_SHOTS}/modeler-processmaker.png` });
  await page.waitForTimeout(500);
  const xml = await saved(page);
  assert.equal(attribute(xml, 'pm:config'), CONFIG.replace('"EUR"', '"{{currency}}"').replace('"key":"rate"', '"key":"usd"'));
  assert.equal(attribute(xml, 'pm:errorHandling'), HANDLING.replace('"retry_attempts":3', '"retry_attempts":2'));
  assert.equal(attribute(xml, 'pm:config', 'node_9'), 'not for us');
});

test('a call is tried, and a value of its answer becomes a row by a click', async () => {
  const page = await open();
  await shape(page, 'Fetch rates').click();
  await page.locator('[data-cy="inspector-button"]').click();
  await page.getByRole('button', { name: 'Try', exact: true }).click();
  const pane = page.getByRole('region', { name: 'Try' });
  await pane.getByRole('button', { name: 'Send', exact: true }).click();
  await pane.getByText(/^200 OK/).waitFor();
  await pane.getByRole('treeitem', { name: /^base: / }).click();
  await page.getByLabel('Variable 2', { exact: true }).waitFor();
  assert.equal(await page.getByLabel('Source 2', { exact: true }).inputValue(), 'base');
  await page.waitForTimeout(500);
  const config = attribute(await saved(page), 'pm:config');
  assert.equal(config, CONFIG.replace('"dotNotation"}]', '"dotNotation"},{"key":"base","value":"base","format":"dotNotation"}]'));
});

test('a new connector comes from "Add Object" and is configured', async () => {
  const page = await open();
  await page.locator('.control-add').click();
  await page.locator('[data-test="data-source-task-service"] img').first().click();
  await page.mouse.move(600, 600, { steps: 5 });
  await page.mouse.click(600, 600);
  // A wide font breaks the name into two lines of text.
  await shape(page, /Data\s*Connector/).click();
  await page.locator('[data-cy="inspector-button"]').click();
  await page.getByLabel('Connector', { exact: true }).selectOption('Demo stock');
  await page.getByLabel('Resource').selectOption('POST: reserve');
  await page.getByRole('button', { name: 'Add order' }).click();
  await page.getByLabel('Value of order').fill('{{order}}');
  await page.getByLabel('Value of order').press('Tab');
  await page.waitForTimeout(500);
  const xml = await saved(page);
  const id = /<bpmn:serviceTask id="([^"]+)" name="Data Connector"/.exec(xml)?.[1];
  assert.deepEqual(JSON.parse(attribute(xml, 'pm:config', id)), {
    dataSource: 2, endpoint: 'reserve', dataMapping: [],
    outboundConfig: [{ type: 'BODY', key: 'order', value: '{{order}}', format: 'mustache' }],
  });
  assert.equal(attribute(xml, 'implementation', id), 'package-data-sources/data-source-task-service');
});
