// What each page may weigh and take (UI 5), printed as a table at the end. Sizes are always tested; times only with
// CONSOLE_TIMES=1, on a machine that has nothing else to do and with a binary of the release profile.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { launch, open } from './browser.mjs';
import { start } from './server.mjs';

const server = await start();
const measured = [];
let browser;
before(async () => {
  browser = await launch();
  const { data } = await server.call('GET', '/examples');
  const { model, connectors } = data.find(({ name }) => name === 'order');
  await server.call('POST', '/data_sources/import', connectors);
  await fetch(`${server.url}/api/1.0/models?file=order.bpmn`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${server.token}`, 'Content-Type': 'application/xml' },
    body: model,
  });
});
after(async () => {
  await browser?.close();
  await server.stop();
  console.log(`\n| what | at most | measured |\n|---|---|---|\n${measured.map((row) => `| ${row.join(' | ')} |`).join('\n')}\n`);
});

/** Notes a measurement, and fails if it is above what is allowed. */
function within(what, value, most, unit) {
  measured.push([what, `${most.toLocaleString('en')} ${unit}`, `${Number(value.toFixed(1)).toLocaleString('en')} ${unit}`]);
  assert.ok(value <= most, `${what}: ${value.toFixed(1)} ${unit} of ${most}`);
}

const KB = 1000;

/** What a page loads, compressed: bytes of scripts and of styles. */
async function weigh(path, signedIn = true) {
  const { page, go, close } = await open(browser, server, { signedIn });
  const weights = { script: 0, stylesheet: 0 };
  const pending = [];
  page.on('response', (response) => {
    const kind = response.request().resourceType();
    if (kind in weights) pending.push(response.body().then((body) => (weights[kind] += gzipSync(body, { level: 9 }).length)));
  });
  await go(path);
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.waitForTimeout(path.startsWith('/modeler?') ? 1_500 : 500);
  await Promise.all(pending);
  await close();
  return weights;
}

describe('what a page weighs', () => {
  test('signing in', async () => {
    const { script, stylesheet } = await weigh('/sign-in', false);
    within('sign-in: scripts', script / KB, 90, 'KB');
    within('sign-in: styles', stylesheet / KB, 15, 'KB');
  });

  for (const path of [
    '/tokens',
    '/audit',
    '/codes/MAPPING',
    '/connectors',
    '/connectors/new/details',
    '/connectors/new/resources',
    '/connectors/import',
    '/secrets',
    '/overview',
    '/models',
    '/models/order/newest',
    '/jobs',
    '/dead-letters',
    '/workers',
    '/collections',
    '/modeler',
  ]) {
    test(path, async () => within(`${path}: scripts`, (await weigh(path)).script / KB, 140, 'KB'));
  }

  test('the modeler', async () =>
    within('modeler with a model: scripts', (await weigh('/modeler?example=order')).script / KB, 620, 'KB'));
});

/** A model of a start event, 498 connectors and an end event. */
function longModel() {
  const ids = Array.from({ length: 498 }, (_, n) => `call_${n}`);
  const all = ['start', ...ids, 'end'];
  const task = (id) =>
    `<bpmn:serviceTask id="${id}" name="Call ${id}"><bpmn:extensionElements><dc:dataConnector connector="Budget" resource="latest"/></bpmn:extensionElements></bpmn:serviceTask>`;
  const place = (n) => [(n % 25) * 150 + 100, Math.floor(n / 25) * 120 + 100];
  const shape = (id, n) =>
    `<bpmndi:BPMNShape id="${id}_di" bpmnElement="${id}"><odc:Bounds x="${place(n)[0]}" y="${place(n)[1]}" width="${id in { start: 1, end: 1 } ? 36 : 100}" height="${id in { start: 1, end: 1 } ? 36 : 80}"/></bpmndi:BPMNShape>`;
  const edge = (n) =>
    `<bpmndi:BPMNEdge id="flow_${n}_di" bpmnElement="flow_${n}">${[n, n + 1].map((at) => `<di:waypoint x="${place(at)[0] + (at === n ? 100 : 0)}" y="${place(at)[1] + 18}"/>`).join('')}</bpmndi:BPMNEdge>`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:odc="http://www.omg.org/spec/DD/20100524/DC" xmlns:di="http://www.omg.org/spec/DD/20100524/DI" xmlns:dc="urn:data-connector:bpmn:1" id="d" targetNamespace="urn:t">
<bpmn:process id="long" isExecutable="true"><bpmn:startEvent id="start"/>${ids.map(task).join('')}<bpmn:endEvent id="end"/>
${all
  .slice(1)
  .map((id, n) => `<bpmn:sequenceFlow id="flow_${n}" sourceRef="${all[n]}" targetRef="${id}"/>`)
  .join('')}</bpmn:process>
<bpmndi:BPMNDiagram id="g"><bpmndi:BPMNPlane id="p" bpmnElement="long">${all.map(shape).join('')}${all
    .slice(1)
    .map((_, n) => edge(n))
    .join('')}</bpmndi:BPMNPlane></bpmndi:BPMNDiagram>
</bpmn:definitions>`;
}

describe('what a page takes', { skip: process.env.CONSOLE_TIMES ? false : 'CONSOLE_TIMES is not set' }, () => {
  const LARGE = JSON.stringify({ items: Array.from({ length: 50_000 }, (_, id) => ({ id, text: 'x'.repeat(80) })) });
  const thirdParty = createServer((_, response) => response.writeHead(200, { 'Content-Type': 'application/json' }).end(LARGE));
  let connector;
  before(async () => {
    await new Promise((resolve) => thirdParty.listen(0, '127.0.0.1', resolve));
    const get = (url) => ({ method: 'GET', url, params: [], headers: [] });
    connector = await server.call('POST', '/data_sources', {
      name: 'Budget',
      endpoints: { latest: get(`${server.demo}/rates?base=EUR`), large: get(`http://127.0.0.1:${thirdParty.address().port}/`) },
    });
    const jobs = Array.from({ length: 10_000 }, (_, n) => n);
    const send = async () => {
      while (jobs.pop() !== undefined)
        await server.call('POST', `/requests/data_sources/${connector.uuid}`, { mode: 'queue', config: { endpoint: 'latest' } });
    };
    await Promise.all(Array.from({ length: 32 }, send));
    while ((await server.call('GET', '/jobs?state=queued&per_page=1')).data.length > 0)
      await new Promise((resolve) => setTimeout(resolve, 500));
  });
  after(() => {
    thirdParty.closeAllConnections();
    thirdParty.close();
  });

  /** Milliseconds from asking for a page to when `ready` is there, the best of three; then of what `act` does there. */
  async function time(path, ready, { signedIn = true, act } = {}) {
    const took = [];
    for (let round = 0; round < 3; round++) {
      const { page, go, close } = await open(browser, server, { signedIn });
      let began = performance.now();
      await go(path);
      await ready(page);
      if (act) {
        await page.waitForTimeout(1_500);
        began = performance.now();
        await act(page);
      }
      took.push(performance.now() - began);
      await close();
    }
    return Math.min(...took);
  }

  const firstJob = (page) => page.getByRole('table', { name: 'Jobs' }).getByRole('row').nth(1).waitFor();

  test('signing in', async () =>
    within(
      'sign-in: usable',
      await time('/sign-in', (page) => page.getByRole('textbox', { name: 'Access token' }).waitFor(), { signedIn: false }),
      800,
      'ms',
    ));

  test('the shell', async () =>
    within('shell: usable', await time('/tokens', (page) => page.getByRole('table', { name: 'Tokens' }).waitFor()), 800, 'ms'));

  test('jobs', async () => {
    within('10,000 jobs: first row', await time('/jobs', firstJob), 1_000, 'ms');
    const filtered = (page) => page.getByRole('button', { name: 'Remove filter State: Completed' }).waitFor();
    const act = async (page) => {
      await page.getByRole('combobox', { name: 'State' }).selectOption('Completed');
      await filtered(page);
      await firstJob(page);
    };
    within('10,000 jobs: after a filter', await time('/jobs', firstJob, { act }), 500, 'ms');
    const next = async (page) => {
      const [before] = await page.locator('.job-id').allTextContents();
      await page.getByText('Older', { exact: true }).click();
      await page.waitForFunction((id) => document.querySelector('.job-id')?.textContent !== id, before);
    };
    within('10,000 jobs: next page', await time('/jobs', firstJob, { act: next }), 500, 'ms');
  });

  test('the overview', async () =>
    within(
      'overview with 10,000 jobs',
      await time('/overview', (page) => page.getByText(/^[\d,]+ completed, \d+ failed$/).waitFor()),
      1_200,
      'ms',
    ));

  test('an answer of 5 MB', async () => {
    let longest = 0;
    const act = async (page) => {
      await page.evaluate(() => {
        globalThis.longest = 0;
        new PerformanceObserver((list) => {
          for (const { duration } of list.getEntries()) globalThis.longest = Math.max(globalThis.longest, duration);
        }).observe({ entryTypes: ['longtask'] });
      });
      const send = page.getByRole('region', { name: 'Send' });
      await send.getByRole('button', { name: 'Send', exact: true }).click();
      await send.getByText(/^Answer of 5/).waitFor();
      longest = Math.max(longest, await page.evaluate(() => globalThis.longest));
    };
    const ready = (page) => page.getByRole('region', { name: 'Send' }).waitFor();
    within('answer of 5 MB: shown', await time(`/connectors/${connector.uuid}/resources/large`, ready, { act }), 1_500, 'ms');
    within('answer of 5 MB: longest task', longest, 500, 'ms');
  });

  const palette = (page) => page.getByRole('button', { name: 'Create Data Connector' }).waitFor();
  test('the modeler', async () =>
    within('modeler: palette usable, cold', await time('/modeler?example=order', palette), 2_500, 'ms'));

  test('a model of 500 elements', async () => {
    const file = { name: 'long.bpmn', mimeType: 'application/xml', buffer: Buffer.from(longModel()) };
    const drawn = (page) => page.getByRole('treeitem', { name: /^Call call_497, Data Connector/ }).waitFor({ state: 'attached' });
    const draw = async (page) => {
      await page.getByLabel('BPMN file').setInputFiles(file);
      await drawn(page);
    };
    const start = (page) => page.getByRole('button', { name: 'New model' }).waitFor();
    within('model of 500 elements: drawn', await time('/modeler', start, { act: draw }), 4_000, 'ms');
    const { page, go, close } = await open(browser, server);
    await go('/modeler');
    await start(page);
    await draw(page);
    await page.waitForTimeout(2_000);
    const began = performance.now();
    await page.locator('[role=treeitem][data-id=call_3]').click();
    await page.locator('aside [role=combobox][aria-label=Connector]').waitFor();
    within('model of 500 elements: select to properties', performance.now() - began, 400, 'ms');
    await close();
  });
});

test('an idle list asks once in 2 s, at most 2 KB each', async () => {
  const { page, go, close } = await open(browser, server);
  await go('/connectors');
  await page.getByRole('table', { name: 'Connectors' }).waitFor();
  await page.waitForTimeout(1_000);
  const asked = [];
  page.on('requestfinished', (request) =>
    asked.push(
      request.sizes().then((sizes) => ({
        path: new URL(request.url()).pathname,
        bytes: sizes.responseBodySize + sizes.responseHeadersSize + sizes.requestHeadersSize,
      })),
    ),
  );
  await page.waitForTimeout(8_200);
  const done = await Promise.all(asked);
  assert.ok(done.length >= 3 && done.length <= 5, JSON.stringify(done));
  within('idle list: a request', Math.max(...done.map((one) => one.bytes)) / KB, 2, 'KB');
  await close();
});
