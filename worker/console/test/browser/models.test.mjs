// Designers at work: the modeler, deploying, and looking at what was deployed; then operators with its jobs.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { faultsOf, launch, open } from './browser.mjs';
import { start } from './server.mjs';

const MODEL = fileURLToPath(new URL('../../../../deploy/examples/order/model.bpmn', import.meta.url));

const server = await start();
let browser;
before(async () => (browser = await launch()));
after(async () => {
  await browser?.close();
  await server.stop();
});

describe('models', { skip: server.lacks('/models', '/models/lint', '/stats') }, () => {
  test('a file is checked, deployed and shown', async () => {
    const { page, go, close } = await open(browser, server);
    await go('/models');
    await page.getByRole('button', { name: 'Deploy model' }).click();
    const dialog = page.getByRole('dialog', { name: 'Deploy model' });
    assert.equal(await dialog.getByRole('button', { name: 'Deploy', exact: true }).isDisabled(), true);
    await dialog.getByLabel('BPMN file').setInputFiles(MODEL);
    await dialog.getByRole('list', { name: 'Findings' }).waitFor();
    // The example's connectors are not here: lint says so, and a model with errors is not deployed.
    if (await dialog.getByRole('button', { name: 'Deploy', exact: true }).isDisabled()) {
      for (const { connectors } of (await server.call('GET', '/examples')).data.filter((one) => one.name === 'order'))
        await server.call('POST', '/data_sources/import', connectors);
      await dialog.getByLabel('BPMN file').setInputFiles([]);
      await dialog.getByLabel('BPMN file').setInputFiles(MODEL);
    }
    await dialog.getByRole('button', { name: 'Deploy', exact: true }).click();
    await dialog
      .getByRole('status')
      .getByText(/^Deployed as order version \S+\.$/)
      .waitFor();
    await dialog.getByRole('link', { name: 'Show' }).click();
    const diagram = page.getByRole('region', { name: 'Diagram' });
    await diagram.getByRole('link', { name: /^Fetch exchange rate: \d+ jobs?, \d+ failed$/ }).waitFor();
    await page.getByRole('table', { name: 'Elements' }).getByText('fetch_rate').waitFor();
    assert.deepEqual(await faultsOf(page), []);
    await page.getByRole('tab', { name: 'Findings' }).click();
    await page.getByRole('list', { name: 'Findings' }).waitFor();
    await close();
  });

  test('two versions are compared in words and in both diagrams', async () => {
    const xml = readFileSync(MODEL, 'utf8');
    const deploy = (body, version) =>
      fetch(`${server.url}/api/1.0/models?version=${version}&file=order.bpmn`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${server.token}`, 'Content-Type': 'application/xml' },
        body,
      });
    await deploy(xml, `before-${process.pid}`);
    await deploy(xml.replace('name="Reserve stock"', 'name="Reserve goods"'), `after-${process.pid}`);
    const { page, go, close } = await open(browser, server);
    await go(`/models/order/after-${process.pid}?tab=compare&with=before-${process.pid}`);
    await page.getByRole('list', { name: 'Differences' }).getByText('name was Reserve stock, is Reserve goods').waitFor();
    assert.equal(await page.locator('.element-changed').count(), 2);
    await close();
  });
});

describe('the modeler', { skip: server.lacks('/examples', '/models/lint', '/try', '/data_sources/import') }, () => {
  test('an example is opened, tried, mapped by a click, and kept as a draft', async () => {
    const { page, go, close } = await open(browser, server);
    await go('/modeler?example=order');
    const missing = page.getByRole('button', { name: /^Import \d connectors?$/ });
    await page.getByRole('tree', { name: 'Outline' }).waitFor();
    await page.waitForTimeout(500);
    if (await missing.isVisible()) await missing.click();
    await page.getByRole('treeitem', { name: /^Fetch exchange rate, Data Connector/ }).click();
    await page.keyboard.press('Enter');
    const properties = page.getByRole('complementary', { name: 'Properties' });
    await properties.getByRole('group', { name: 'What goes out' }).waitFor();
    assert.equal(new URL(page.url()).searchParams.get('element'), 'fetch_rate');
    await properties.getByRole('button', { name: 'Try', exact: true }).click();
    const attempt = page.getByRole('region', { name: 'Try' });
    await attempt.getByRole('textbox', { name: 'Sample data' }).fill('{"currency": "EUR", "amount": 120}');
    await attempt.getByRole('button', { name: 'Preview request' }).click();
    await attempt.getByText(/^GET http:\/\/127\.0\.0\.1:4010\/rates\?base=EUR/).waitFor();
    await properties.getByRole('button', { name: 'Add variable' }).click();
    await page
      .getByRole('status')
      .getByText(/^Draft saved \d\d:\d\d$/)
      .waitFor();
    await page.reload();
    await page
      .getByRole('status')
      .getByText(/^Draft from \d\d:\d\d restored$/)
      .waitFor();
    await page.getByRole('button', { name: 'Discard changes' }).click();
    await page
      .getByRole('status')
      .getByText(/^Draft from/)
      .waitFor({ state: 'detached' });
    await close();
  });

  test('an unreadable file is reported, and nothing is replaced', async () => {
    const { page, go, close } = await open(browser, server);
    await go('/modeler');
    await page
      .getByLabel('BPMN file')
      .setInputFiles({ name: 'broken.bpmn', mimeType: 'application/xml', buffer: Buffer.from('<bpmn:definitions') });
    await page
      .getByRole('alert')
      .getByText(/^This file cannot be read\./)
      .waitFor();
    await close();
  });

  test('a new model is begun and found again among the drafts', async () => {
    const { page, go, close } = await open(browser, server);
    await go('/modeler');
    await page.getByRole('button', { name: 'New model' }).click();
    await page.getByRole('button', { name: 'Create Data Connector' }).waitFor();
    await page.getByRole('toolbar', { name: 'Model' }).getByRole('button', { name: 'Open' }).click();
    await page.getByRole('list', { name: 'Drafts' }).getByRole('link', { name: 'New process' }).waitFor();
    await close();
  });
});

describe('jobs', { skip: server.lacks('/jobs', '/jobs/{id}', '/requests/data_sources/{id}') }, () => {
  test('a failed job is found, explained and run again', async () => {
    const name = `Failing ${process.pid}`;
    const { uuid } = await server.call('POST', '/data_sources', {
      name,
      endpoints: { latest: { url: `${server.demo}/rates?base=XTS`, method: 'GET' } },
    });
    const job = await server.call('POST', `/requests/data_sources/${uuid}`, {
      mode: 'queue',
      wait: 20,
      config: { endpoint: 'latest' },
      data: {},
    });
    const { page, go, close } = await open(browser, server);
    await go(`/jobs?connector=${encodeURIComponent(name)}`);
    await page.getByRole('button', { name: `Remove filter Connector: ${name}` }).waitFor();
    await page.getByRole('table', { name: 'Jobs' }).getByRole('link', { name: job.id }).click();
    await page.getByRole('heading', { level: 1, name: `Job ${job.id}` }).waitFor();
    await page.getByRole('alert').getByRole('link', { name: 'HTTP_404' }).waitFor();
    await page
      .getByRole('list', { name: 'Attempts' })
      .getByText(/^Attempt 1, \d\d:\d\d:\d\d: HTTP 404 after /)
      .waitFor();
    assert.deepEqual(await faultsOf(page), []);
    await page.getByRole('button', { name: 'Replay…' }).click();
    const question = page.getByRole('alertdialog', { name: 'Replay' });
    assert.equal(await question.getByRole('radio', { name: 'The same: nothing happens twice' }).isChecked(), true);
    await question.getByRole('button', { name: 'Replay 1 job' }).click();
    await page.getByRole('region', { name: 'Notifications' }).getByRole('link', { name: 'Show' }).click();
    await page.getByRole('heading', { level: 1, name: `Job ${job.id}#` }).waitFor();
    await close();
  });

  test('each filter and each page shows its own jobs', async () => {
    const name = `Paged ${process.pid}`;
    const endpoint = (base) => ({ url: `${server.demo}/rates?base=${base}`, method: 'GET' });
    const { uuid } = await server.call('POST', '/data_sources', {
      name,
      endpoints: { good: endpoint('EUR'), bad: endpoint('XTS') },
    });
    const job = (resource) =>
      server.call('POST', `/requests/data_sources/${uuid}`, {
        mode: 'queue',
        wait: 20,
        config: { endpoint: resource },
        data: {},
      });
    const failed = await job('bad');
    for (let count = 0; count < 101; count += 20)
      await Promise.all(Array.from({ length: Math.min(20, 101 - count) }, () => job('good')));
    const { page, go, close } = await open(browser, server);
    await go(`/jobs?connector=${encodeURIComponent(name)}`);
    const rows = page.getByRole('table', { name: 'Jobs' }).locator('tbody').getByRole('row');
    await rows.nth(99).waitFor();
    assert.equal(await page.getByRole('link', { name: failed.id }).count(), 0);
    await page.getByRole('link', { name: 'Older' }).click();
    await page.getByRole('link', { name: failed.id }).waitFor();
    assert.equal(await rows.count(), 2);
    await page.getByRole('link', { name: 'Newer' }).click();
    await rows.nth(99).waitFor();
    await page.getByRole('combobox', { name: 'State' }).selectOption('Failed');
    await page.getByRole('link', { name: failed.id }).waitFor();
    assert.equal(await rows.count(), 1);
    await page.getByText('No jobs match.').waitFor({ state: 'detached' });
    await close();
  });
});
