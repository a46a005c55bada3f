// The names on the pages of operators: jobs and what became of them, secrets, tokens, collections.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { faultsOf, launch, open } from './browser.mjs';
import { has } from './names.mjs';
import { start } from './server.mjs';

const server = await start();
let browser;
let failed;
let collection;
before(async () => {
  browser = await launch();
  const { uuid } = await server.call('POST', '/data_sources', {
    name: 'Operated',
    endpoints: { latest: { url: `${server.demo}/rates?base=XTS`, method: 'GET' } },
  });
  failed = await server.call('POST', `/requests/data_sources/${uuid}`, {
    mode: 'queue',
    wait: 20,
    config: { endpoint: 'latest' },
    data: {},
  });
  await server.call('PUT', '/secrets/OPERATED', { value: 'not shown', hosts: ['api.example.com'] });
  collection = await server.call('POST', '/collections', {
    name: 'Lamps',
    columns: [
      { field: 'data.name', label: 'Name', type: 'string', required: true },
      { field: 'data.price', label: 'Price', type: 'number' },
    ],
  });
  await server.call('POST', `/collections/${collection.id}/records`, { data: { name: 'Desk lamp', price: 40 } });
});
after(async () => {
  await browser?.close();
  await server.stop();
});

const look = (name, path, act) =>
  test(name, async () => {
    const opened = await open(browser, server);
    await opened.go(path.replace(':job', failed.id).replace(':collection', collection.id));
    await opened.page.getByRole('heading', { level: 1 }).waitFor();
    await act(opened.page, opened);
    assert.deepEqual(await faultsOf(opened.page), []);
    await opened.close();
  });

look('overview', '/overview', async (page) => {
  await has(
    page,
    `
  heading "Overview"
  region "Needs you"
  region "Now"
  region "Jobs"
    combobox "Period"
    figure "Completed and failed jobs"
    button "Show as table"
  table "Busiest connectors"
    columnheader "Connector"
    columnheader "Calls"
    columnheader "Failed"
    columnheader "p50"
    columnheader "p99"`,
  );
  const now = page.getByRole('region', { name: 'Now' });
  for (const term of ['Workers', 'In flight', 'Waiting in queues', 'Waiting to retry', 'Oldest waiting'])
    await now.getByText(term, { exact: true }).waitFor();
  await page.getByRole('figure').getByText('0 completed, 1 failed', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Pause updates' }).waitFor();
  await page.getByText(/^Updated \d+ s ago$/).waitFor();
});

look('jobs', '/jobs?state=failed', async (page) => {
  await has(
    page,
    `
  main
    searchbox "Search jobs"
    combobox "State"
    combobox "Code"
    combobox "Connector"
    combobox "Process"
    combobox "Period"
    button "Remove filter State: Failed"
    button "Clear filters"
    button "All that match"
    table "Jobs"
      columnheader "State"
      columnheader "Job"
      columnheader "Element"
      columnheader "Connector"
      columnheader "Attempts"
      columnheader "Code"
      columnheader "Duration"
      columnheader "Started"
      cell "Operated"`,
  );
  const states = await page.getByRole('combobox', { name: 'State' }).locator('option').allTextContents();
  assert.deepEqual(states.slice(1), ['Running', 'Waiting', 'Completed', 'Failed', 'Not taken', 'Cancelled', 'Parked']);
  await page.getByRole('checkbox', { name: `Select ${failed.id}` }).check();
  await has(
    page,
    `
  toolbar "Selected jobs"
    button "Replay…"
    button "Cancel…"`,
  );
  assert.equal(await page.getByRole('button', { name: 'All that match' }).count(), 0);
  await page.getByRole('searchbox', { name: 'Search jobs' }).fill('nothing-like-it');
  await page.getByText('No jobs match.').waitFor();
});

look('a job', '/jobs/:job', async (page) => {
  await has(
    page,
    `
  heading "Job ${failed.id}"
  alert
    link "HTTP_404"
  list "Attempts"
  tab "Request"
  tab "Answer"
  tab "Mapped data"
  tab "Job"
  tab "Result"
  link "Other jobs of this request"
  link "Open connector"
  button "Replay…"
  button "Cancel…"
  button "Copy as cURL"`,
  );
  for (const term of ['Element', 'Connector', 'Resource', 'Request', 'Process', 'Engine'])
    await page.locator('dt').getByText(term, { exact: true }).first().waitFor();
  await page.getByRole('button', { name: 'Replay…' }).click();
  await has(
    page,
    `
  alertdialog "Replay"
    radiogroup "Idempotency key"
      radio "The same: nothing happens twice"
      radio "A new one: do it again"
    checkbox "Send the result to the engine"
    button "Replay 1 job"
    button "Cancel"`,
  );
});

look('dead letters', '/dead-letters', async (page) => {
  await has(
    page,
    `
  table "Dead letters"
    columnheader "Number"
    columnheader "Arrived"
    columnheader "Reason"
    columnheader "Job"
    columnheader "Detail"
  checkbox "Show published ones"`,
  );
});

look('secrets', '/secrets', async (page) => {
  await has(
    page,
    `
  table "Secrets"
    columnheader "Name"
    columnheader "Hosts"
    columnheader "Changed"
    columnheader "Used by"
    button "Delete OPERATED"
  button "New secret"
  region "Keys"
    button "Rotate key…"`,
  );
  await page.getByRole('button', { name: 'New secret' }).click();
  await has(
    page,
    `
  dialog "New secret"
    textbox "Name"
    textbox "Value"
    textbox "Sent only to these hosts"`,
  );
});

look('tokens', '/tokens', async (page) => {
  await has(page, '\n  table "Tokens"\n  button "New token"');
  await page.getByRole('button', { name: 'New token' }).click();
  await has(
    page,
    `
  dialog "New token"
    textbox "Name"
    checkbox "Read"
    checkbox "Execute"
    checkbox "Manage"
    checkbox "Admin"
    combobox "Connectors"
    combobox "Expires"`,
  );
});

look('workers', '/workers', async (page) => {
  await has(
    page,
    `
  table "Workers"
    columnheader "Name"
    columnheader "Seen"
    columnheader "In flight"
    columnheader "Queues"
    columnheader "Version"
  table "Queues"
    columnheader "Queue"
    columnheader "Waiting"
    columnheader "Oldest"
    columnheader "Workers"
  table "Settings in force"
    columnheader "Setting"
    columnheader "Value"
    columnheader "Set by"`,
  );
});

look('collections', '/collections', async (page) => {
  await has(page, '\n  table "Collections"\n    link "Lamps"\n  button "New collection"');
});

look('a collection', '/collections/:collection', async (page, { expect }) => {
  expect(/status of 422/);
  await has(
    page,
    `
  heading "Lamps"
  tab "Records"
  tab "Columns"
  tab "Connector"
  textbox "Filter"
  grid "Records"
  button "Add record"
  button "Delete…"
  button "Export"`,
  );
  const filter = page.getByRole('textbox', { name: 'Filter' });
  await filter.fill('data.price =');
  await filter.press('Enter');
  await page
    .getByRole('alert')
    .getByText(/^Column \d+: /)
    .waitFor();
  await filter.fill('data.price = 40');
  await filter.press('Enter');
  await page.getByRole('gridcell', { name: 'Desk lamp' }).waitFor();
});
