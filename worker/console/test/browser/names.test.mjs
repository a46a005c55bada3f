// The names that tests and screen readers find controls by, page by page, as people rely on them.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { faultsOf, launch, open } from './browser.mjs';
import { has } from './names.mjs';
import { start } from './server.mjs';

const server = await start();
let browser;
let connector;
before(async () => {
  browser = await launch();
  connector = await server.call('POST', '/data_sources', {
    name: 'Named',
    description: 'Has all that a connector can have',
    authtype: 'BASIC',
    credentials: { username: 'ada', password: 'correct horse' },
    endpoints: {
      latest: {
        purpose: 'latest',
        description: 'The rate of a currency',
        method: 'GET',
        url: `${server.demo}/rates`,
        params: [{ key: 'base', value: '{{currency}}', required: true }],
        headers: [{ key: 'Accept', value: 'application/json', required: false }],
      },
      create: {
        purpose: 'create',
        method: 'POST',
        url: `${server.demo}/enquiries`,
        params: [],
        headers: [],
        body: '{}',
        body_type: 'json',
      },
    },
  });
});
after(async () => {
  await browser?.close();
  await server.stop();
});

const look = (name, path, act) =>
  test(name, async () => {
    const { page, go, close } = await open(browser, server, { signedIn: path !== '/sign-in' });
    await go(path.replace(':id', connector.uuid));
    await page.getByRole('heading', { level: 1 }).waitFor();
    await act(page);
    assert.deepEqual(await faultsOf(page), []);
    await close();
  });

look('sign in', '/sign-in', async (page) => {
  await has(
    page,
    `
  heading "Sign in"
  textbox "Access token"
  checkbox "Stay signed in on this computer"
  button "Sign in"`,
  );
  await page.getByText('Where do I get a token?').click();
  await page.getByText(/data-connector tokens create/).waitFor();
  assert.equal(await page.title(), 'Sign in – Data Connector');
});

look('the frame', '/connectors', async (page) => {
  await has(
    page,
    `
  link "Skip to content"
  banner
    link "Data Connector"
    button "Go to"
    button "Theme"
    button "Account"
  navigation "Main"
    link "Overview"
    link "Modeler"
    link "Models"
    link "Connectors"
    link "Collections"
    link "Jobs"
    link "Dead letters"
    link "Secrets"
    link "Tokens"
    link "Audit"
    link "Workers"
  main
    heading "Connectors"
  region "Notifications"`,
  );
  await page.getByRole('button', { name: 'Theme' }).click();
  await has(
    page,
    `
  menuitemradio "System"
  menuitemradio "Light"
  menuitemradio "Dark"`,
  );
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Account' }).click();
  await has(page, '\n  menuitem "Sign out"');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Go to' }).click();
  await has(page, '\n  dialog "Go to"\n    combobox "Page, connector, model, job id or code"');
});

look('connectors', '/connectors', async (page) => {
  await has(
    page,
    `
  main
    searchbox "Search connectors"
    combobox "Category"
    link "New connector"
    link "Import"
    button "Export"
    table "Connectors"
      checkbox "Select Named"
      columnheader "Name"
      columnheader "Resources"
      columnheader "Authentication"
      columnheader "Used by"
      columnheader "Last call"
      columnheader "Status"
      link "Named"`,
  );
  await page.getByRole('button', { name: 'Export' }).click();
  await has(
    page,
    `
  menuitem "As JSON"
  menuitem "As element templates (Camunda 7)"
  menuitem "As element templates (Camunda 8)"`,
  );
  await page.keyboard.press('Escape');
  await page.getByRole('searchbox', { name: 'Search connectors' }).fill('nothing like it');
  await page.getByText('No connectors match.').waitFor();
  assert.equal(new URL(page.url()).searchParams.get('q'), 'nothing like it');
});

look('a connector: resources and Send', '/connectors/:id/resources/latest', async (page) => {
  await has(
    page,
    `
  main
    heading "Named"
    tab "Resources"
    tab "Authentication"
    tab "Details"
    tab "Used by"
    button "Save"
    button "More"
    navigation "Resources"
      link "GET latest"
      link "POST create"
    button "Add resource"
    button "Paste cURL"
    textbox "Resource name"
    combobox "Method"
    textbox "URL"
    table "Parameters"
      textbox "Key of parameter 1"
      textbox "Value of parameter 1"
      checkbox "Parameter 1 required"
      button "Remove parameter 1"
    table "Headers"
      textbox "Key of header 1"
      textbox "Value of header 1"
      checkbox "Header 1 required"
      button "Remove header 1"
    button "Add parameter"
    button "Add header"
    combobox "Body type"
    group "Retries and time"
      spinbutton "Timeout in seconds"
      spinbutton "Retries"
      spinbutton "Wait in seconds"
      combobox "Wait grows"
      textbox "Retry on"
      combobox "May be repeated"
    region "Send"
      textbox "Sample data"
      button "Preview request"
      button "Send"`,
  );
  await page.getByRole('status').getByText('Saved', { exact: true }).waitFor();
  const options = (name) => page.getByRole('combobox', { name }).locator('option').allTextContents();
  assert.deepEqual(await options('Body type'), ['None', 'JSON', 'Form', 'Multipart', 'XML', 'Text']);
  assert.deepEqual((await options('Wait grows')).slice(-2), ['No', 'Exponentially']);
  assert.deepEqual((await options('May be repeated')).slice(-2), ['As the method says', 'Yes']);
  const send = page.getByRole('region', { name: 'Send' });
  await send.getByRole('textbox', { name: 'Sample data' }).fill('{"currency": "EUR"}');
  await send.getByRole('button', { name: 'Send', exact: true }).click();
  await send
    .getByRole('status')
    .getByText(/^200 OK, \d+(\.\d+)? m?s, \d+ bytes$/)
    .waitFor();
  await has(
    send,
    `
  tablist "Exchange"
    tab "Request"
    tab "Answer"
    tab "Raw"
    tab "Headers"
    tab "Timing"
  tree "Answer"
    treeitem "base: "EUR""
    treeitem "rates"
    treeitem "USD: 1.08"
  searchbox "Find in answer"
  button "Copy path"
  button "Copy as cURL"
  button "Save as example"
  button "Download answer"`,
  );
  await page.getByRole('combobox', { name: 'Body type' }).selectOption('JSON');
  await has(page, '\n  textbox "Body"');
  await page.getByRole('status').getByText('Unsaved changes').waitFor();
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await has(
    page,
    `
  menuitem "Duplicate"
  menuitem "Export"
  menuitem "Delete…"`,
  );
});

look('a connector: authentication', '/connectors/:id/authentication', async (page) => {
  assert.deepEqual(await page.getByRole('combobox', { name: 'Authentication' }).locator('option').allTextContents(), [
    'None',
    'Basic',
    'Bearer token',
    'API key',
    'OAuth 2.0 client credentials',
    'OAuth 2.0 password',
    'OAuth 2.0 refresh token',
    'OAuth 2.0 connect an account',
    'Digest',
    'AWS Signature 4',
    'Custom headers',
  ]);
  await has(
    page,
    `
  textbox "Sent only to these hosts"
  checkbox "Verify certificate"
  button "Replace User name"
  button "Replace Password"`,
  );
  await page.getByRole('button', { name: 'Replace Password' }).click();
  await has(page, '\n  textbox "Password"\n  button "Keep Password"');
  await page.getByRole('button', { name: 'Replace User name' }).click();
  await has(page, '\n  textbox "User name"\n  button "Keep User name"');
});

look('a connector: details', '/connectors/:id/details', async (page) => {
  await has(
    page,
    `
  textbox "Name"
  textbox "Description"
  combobox "Category"
  checkbox "Active"
  group "Defaults for its resources"
    spinbutton "Timeout in seconds"
    spinbutton "Retries"
    spinbutton "Wait in seconds"
    combobox "Wait grows"`,
  );
});

look('importing', '/connectors/import', async (page) => {
  await has(
    page,
    `
  radiogroup "From"
    radio "cURL"
    radio "OpenAPI"
    radio "Postman"
    radio "ProcessMaker"
    radio "Data Connector"
  textbox "Paste here"
  button "Read"`,
  );
  await page.getByLabel('File', { exact: true }).waitFor({ state: 'attached' });
  await page.getByRole('textbox', { name: 'Paste here' }).fill(`curl ${server.demo}/rates -H 'Authorization: Bearer x'`);
  await page.getByRole('button', { name: 'Read' }).click();
  await has(
    page,
    `
  region "Preview"
    textbox "Connector name"
    combobox "Into"
    searchbox
    table "Resources"
      checkbox "Import GET rates"
    list "Changed on the way"
    button "Import 1 resource"`,
  );
  assert.equal(await page.getByRole('radio', { name: 'cURL' }).isChecked(), true);
});

look('models', '/models', async (page) => {
  await has(page, '\n  heading "Models"\n  button "Deploy model"');
});

look('the modeler', '/modeler', async (page) => {
  await has(
    page,
    `
  heading "Modeler"
  list "Drafts"
  list "Examples"
  button "New model"
  link "Deployed models"`,
  );
  await page.getByLabel('BPMN file').waitFor({ state: 'attached' });
});

look('an example in the modeler', '/modeler?example=order&element=fetch_rate', async (page) => {
  await page.getByRole('status').getByText('It calls Demo rates and Demo stock.').waitFor();
  await page.getByRole('button', { name: 'Import 2 connectors' }).click();
  await page.getByRole('status').getByText('No problems.').waitFor();
  // One below the connector, one below what comes back; the panel may be drawn after the findings.
  const more = page.getByText('More', { exact: true });
  await more.nth(1).waitFor();
  for (const one of await more.all()) await one.click();
  await has(
    page,
    `
  toolbar "Model"
    button "Open"
    button "Undo"
    button "Redo"
    button "Download"
    button "Deploy…"
    button "Outline"
    button "Problems"
  region "Canvas"
    button "Create Data Connector"
    button "Append Data Connector"
  tree "Outline"
    treeitem "Fetch exchange rate, Data Connector"
  region "Problems"
  complementary "Properties"
    group "Connector"
      combobox "Connector"
      combobox "Resource"
      link "Edit connector"
      combobox "Queue"
      radiogroup "Written as"
        radio "Data Connector"
        radio "ProcessMaker"
      button "Try"
    group "What goes out"
      textbox "Value of base"
      combobox "Add value"
      button "Remove amount"
    group "What comes back"
      textbox "Variable 1"
      textbox "Source 1"
      button "Add variable"
      button "Remove variable 1"
      combobox "Language 1"
    group "If it fails"
      spinbutton "Timeout in seconds"
      spinbutton "Attempts"
      spinbutton "Wait in seconds"
      combobox "Wait grows"
      combobox "Retry on"
    group "Errors"
    group "Once per item"
      combobox "Repeat"`,
  );
  await page.getByRole('combobox', { name: 'Repeat' }).selectOption('One after another');
  await has(
    page,
    `
  combobox "List"
  textbox "Item variable"
  textbox "Results"`,
  );
});
