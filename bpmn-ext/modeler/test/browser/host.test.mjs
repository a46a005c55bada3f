// What is shown of a host that calls: running, stopped, answered, failed, mapped anew, refused; and late answers.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { start } from './page.mjs';

let browser;
before(async () => {
  browser = await start();
});
after(() => browser.close());



/** A host whose calls wait until the test answers them by `answer(outcome)`. Runs in the page. */
function waitingHost() {
  globalThis.calls = [];
  globalThis.maps = [];
  const none = { request: null, response: null, timing: null, mapped: null, warnings: [], reads: [], error: null };
  return {
    attempt(request, signal) {
      if (request.dry_run) return Promise.resolve({ ...none, request: { method: 'POST', url: 'https://stock.example/x', headers: [['A', 'b']], body: '{}', curl: 'curl' }, reads: ['order'] });
      return new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('aborted')));
        globalThis.calls.push(request);
        globalThis.answer = (outcome) => resolve({ ...none, ...outcome });
      });
    },
    map(answer, rows) {
      globalThis.maps.push(rows);
      return Promise.resolve({ variables: Object.fromEntries(rows.map(({ key, value }) => [key, `value of ${value}`])), error: null });
    },
  };
}

test('a call runs, is stopped, fails at its field, and is answered', async () => {
  const page = await browser.open({ host: waitingHost });
  await page.append(/Demo stock: reserve/);
  const inputs = page.getByRole('group', { name: 'What goes out' });
  await inputs.getByRole('combobox', { name: 'Add value' }).click();
  await page.getByRole('option', { name: /^order/ }).click();
  await inputs.getByRole('textbox', { name: 'Value of order' }).fill('{{order}}');
  await page.getByRole('button', { name: 'Try', exact: true }).click();
  const tried = page.getByRole('region', { name: 'Try' });

  // The call reads `order`, so the sample data ask for it.
  const data = tried.getByRole('textbox', { name: 'Sample data' });
  await page.waitForFunction(() => document.querySelector('.dc-try textarea').value.includes('"order": ""'));
  await data.fill('{"order": ');
  await tried.getByRole('button', { name: 'Send POST' }).click();
  assert.equal(await data.getAttribute('aria-invalid'), 'true');
  await data.fill('{"order": 7}');

  await tried.getByRole('button', { name: 'Preview request' }).click();
  await tried.getByText('POST https://stock.example/x\nA: b\n\n{}').waitFor();

  await tried.getByRole('button', { name: 'Send POST' }).click();
  await tried.getByText('Sending …').waitFor();
  await tried.getByRole('button', { name: 'Stop' }).click();
  await tried.getByText('Stopped. It may have taken effect.').waitFor();

  await tried.getByRole('button', { name: 'Send POST' }).click();
  await tried.getByRole('button', { name: 'Stop' }).waitFor();
  assert.deepEqual(await page.evaluate(() => globalThis.calls.at(-1)), {
    connector: 'Demo stock', resource: 'reserve', data: { order: 7 },
    config: { dataSource: 'Demo stock', endpoint: 'reserve', outboundConfig: [{ type: 'BODY', key: 'order', value: '{{order}}', format: 'mustache' }] },
  });
  await page.evaluate(() => globalThis.answer({ error: { code: 'CONFIGURATION', message: 'order does not render', at: 'config.outboundConfig.0.value' } }));
  await tried.getByRole('alert').filter({ hasText: 'order does not render' }).waitFor();
  const order = inputs.getByRole('textbox', { name: 'Value of order' });
  assert.equal(await order.getAttribute('aria-invalid'), 'true');

  // A 404 is an answer, shown whole, and no alert.
  await tried.getByRole('button', { name: 'Send POST' }).click();
  await tried.getByRole('button', { name: 'Stop' }).waitFor();
  await page.evaluate(() => globalThis.answer({
    request: { method: 'POST', url: 'https://stock.example/x', headers: [], body: null, curl: 'curl' },
    response: { status: 404, headers: [['x-id', '1']], body: '{"why":"gone","items":[{"name":"second"}]}', bytes: 1234, truncated: false, kind: 'json' },
    timing: { connect_ms: 2, total_ms: 131.4 }, mapped: {}, error: { code: 'HTTP_404', message: 'Unexpected response (status=404)', at: null },
  }));
  await tried.getByText('404 Not Found, 131 ms, 1.2 KB').waitFor();
  assert.equal(await tried.getByRole('alert').count(), 0);
  assert.equal(await order.getAttribute('aria-invalid'), null);
  await tried.getByRole('tab', { name: 'Timing' }).click();
  await tried.getByRole('tabpanel', { name: 'Timing' }).getByText('129 ms').waitFor();
  await tried.getByRole('tab', { name: 'Headers' }).click();
  await tried.getByRole('tabpanel', { name: 'Headers' }).getByText('x-id').waitFor();
  await tried.getByRole('tab', { name: 'Answer' }).click();

  // Rows are mapped anew without a call.
  const calls = await page.evaluate(() => globalThis.calls.length);
  await tried.getByRole('treeitem', { name: 'why: "gone"' }).click();
  await tried.getByRole('row', { name: 'why "value of why"' }).waitFor();
  await tried.getByRole('searchbox', { name: 'Find in answer' }).fill('second');
  await tried.getByRole('treeitem', { name: 'name: "second"' }).click();
  await page.getByRole('textbox', { name: 'Source 2' }).waitFor();
  assert.equal(await page.getByRole('textbox', { name: 'Source 2' }).inputValue(), 'items.0.name');
  await tried.getByRole('row', { name: /^name "value of items/ }).waitFor();
  assert.equal(await page.evaluate(() => globalThis.calls.length), calls);
  page.check();
});

test('who may not call sees why', async () => {
  const page = await browser.open({ host: () => ({ refusal: 'Your token may read, but not call. Ask for one with the scope execute.' }) });
  await page.append(/Demo rates: latest/);
  await page.getByRole('button', { name: 'Try', exact: true }).click();
  assert.equal(await page.getByRole('button', { name: 'Send', exact: true }).isDisabled(), true);
  await page.getByText('Your token may read, but not call. Ask for one with the scope execute.').waitFor();
  page.check();
});

test('a late answer of the linter never overwrites a newer one, and a finding opens its group', async () => {
  const page = await browser.open({
    host: () => {
      let count = 0;
      return {
        lint(xml) {
          count += 1;
          const id = /<bpmn:serviceTask id="([^"]+)"/.exec(xml)?.[1];
          const finding = { code: 'x', severity: 'warning', message: `\`a\`: finding ${count}`, help: 'do it', element: id, path: 'retry.wait', fix: null };
          const found = id ? [finding] : [];
          // The first answer about an element comes last.
          return new Promise((resolve) => setTimeout(() => resolve(found), id && !globalThis.wasSlow ? ((globalThis.wasSlow = true), 1500) : 10));
        },
      };
    },
  });
  await page.append(/Demo rates: latest/);
  await page.waitForFunction(() => globalThis.wasSlow);
  await page.getByRole('textbox', { name: 'Value of base' }).fill('EUR');
  const problem = page.getByRole('button', { name: /^Warning: `a`: finding/ });
  await problem.waitFor();
  const newest = await problem.textContent();
  await page.waitForTimeout(1700);
  assert.equal(await problem.textContent(), newest);

  const group = page.getByRole('group', { name: 'If it fails' });
  await group.getByRole('button', { name: 'If it fails' }).click();
  await group.getByRole('spinbutton', { name: 'Wait in seconds' }).waitFor({ state: 'detached' });
  await page.getByRole('button', { name: '1 warning: Demo rates: latest' }).click();
  const wait = group.getByRole('spinbutton', { name: 'Wait in seconds' });
  await wait.waitFor();
  await page.waitForFunction((element) => element === document.activeElement, await wait.elementHandle());
  page.check();
});

test('a host that cannot be reached is reported, and asked again', async () => {
  const page = await browser.open({
    host: () => {
      let count = 0;
      return {
        connectors: () => ((count += 1) === 1 ? Promise.reject(new Error('No connection to the server.')) : Promise.resolve([{ name: 'Late', resources: [] }])),
        lint: () => Promise.reject(new Error('No connection to the server.')),
      };
    },
  });
  await page.append(/^Data Connector/);
  const problems = page.getByRole('region', { name: 'Problems' });
  await problems.getByRole('alert').filter({ hasText: 'The model could not be checked. No connection to the server.' }).waitFor();
  const call = page.getByRole('group', { name: 'Connector', exact: true });
  await call.getByRole('alert').filter({ hasText: 'Connectors could not be read.' }).waitFor();
  await call.getByRole('button', { name: 'Try again' }).click();
  await call.getByRole('alert').waitFor({ state: 'detached' });
  await call.getByRole('combobox', { name: 'Connector' }).click();
  await page.getByRole('option', { name: 'Late' }).click();
  page.check();
});
