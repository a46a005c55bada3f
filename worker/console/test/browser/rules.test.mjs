// What holds on every page: addresses, sessions, a server that is away, drafts, questions, narrow screens.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { launch, open, scrollsSideways } from './browser.mjs';
import { start } from './server.mjs';

const server = await start();
let browser;
before(async () => (browser = await launch()));
after(async () => {
  await browser?.close();
  await server.stop();
});

const make = (name, more) => server.call('POST', '/data_sources', { name: `${name} ${Math.floor(performance.now())}`, ...more });

test("ProcessMaker's addresses lead to ours", async () => {
  const { page, go, close } = await open(browser, server);
  await go('/designer/data-sources?q=a');
  await page.getByRole('heading', { level: 1, name: 'Connectors' }).waitFor();
  assert.equal(new URL(page.url()).pathname, '/connectors');
  await close();
});

test('the page is held to its policy, and assets never change', async () => {
  const page = await fetch(`${server.url}/overview`);
  const policy = page.headers.get('Content-Security-Policy');
  for (const part of [
    "default-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ])
    assert.ok(policy.includes(part), part);
  assert.match(policy, /style-src 'self' 'nonce-[\w+/=]+'; style-src-attr 'unsafe-hashes' 'sha256-/);
  assert.equal(page.headers.get('X-Content-Type-Options'), 'nosniff');
  assert.equal(page.headers.get('Referrer-Policy'), 'no-referrer');
  assert.equal(page.headers.get('Cache-Control'), 'no-cache');
  const [, script] = /src="(\/assets\/[^"]+\.js)"/.exec(await page.text());
  const asset = await fetch(server.url + script);
  assert.match(asset.headers.get('Cache-Control'), /immutable/);
  assert.equal(asset.headers.get('Content-Encoding'), 'gzip');
});

test('signing out is signing out in all tabs', async () => {
  const { page, go, close } = await open(browser, server);
  await go('/tokens');
  const other = await page.context().newPage();
  await other.goto(`${server.url}/audit`);
  await other.getByRole('heading', { level: 1, name: 'Audit' }).waitFor();
  await page.getByRole('button', { name: 'Account' }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await other.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor();
  await close();
});

test('staying signed in is asked for', async () => {
  const { page, go, close } = await open(browser, server, { signedIn: false });
  await go('/sign-in');
  await page.getByRole('textbox', { name: 'Access token' }).fill(server.token);
  await page.getByRole('checkbox', { name: 'Stay signed in on this computer' }).check();
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
  const kept = await page.evaluate(() => [localStorage.length, Object.values(sessionStorage).join()]);
  assert.ok(kept[0] > 0);
  assert.doesNotMatch(kept[1], /dct_/);
  await close();
});

test('too many tries are answered with a time', async () => {
  const { page, go, close, expect } = await open(browser, server, { signedIn: false });
  expect(/status of 429/);
  await page.route('**/api/1.0/me', (route) =>
    route.fulfill({
      status: 429,
      headers: { 'Retry-After': '12' },
      contentType: 'application/json',
      body: '{"message": "Too many", "code": "RATE_LIMITED", "request_id": "r"}',
    }),
  );
  await go('/sign-in');
  await page.getByRole('textbox', { name: 'Access token' }).fill('dct_x');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('alert').getByText('Too many tries. Try again in 12 s.').waitFor();
  await close();
});

test('while the server is away, what was read stays', async () => {
  const made = await make('Stays');
  const { page, go, close, expect } = await open(browser, server);
  expect(/ERR_FAILED|Failed to load/);
  await go('/connectors');
  await page.getByRole('link', { name: made.name }).waitFor();
  await page.route('**/api/**', (route) => route.abort());
  await page
    .getByRole('alert')
    .getByText(/^No connection to the server since \d\d:\d\d\.$/)
    .waitFor();
  await page.getByRole('link', { name: made.name }).waitFor();
  await page.unroute('**/api/**');
  await page.getByRole('alert').waitFor({ state: 'detached' });
  await close();
});

test('an error has its request id for support, and text is never HTML', async () => {
  const made = await make('<img src=x onerror=alert(1)>');
  const { page, go, close, expect } = await open(browser, server);
  expect(/status of 404/);
  await go('/connectors');
  await page.getByRole('link', { name: made.name }).waitFor();
  await go('/connectors/no-such-connector');
  const alert = page.getByRole('alert');
  await alert.getByRole('link', { name: 'NOT_FOUND' }).waitFor();
  await alert.getByText('For support').click();
  await alert.getByText(/Request id:/).waitFor();
  await close();
});

test('a connector that is used asks for its name', async () => {
  const { data } = await server.call('GET', '/examples');
  const { model, connectors } = data.find(({ name }) => name === 'order');
  await server.call('POST', '/data_sources/import', connectors);
  await fetch(`${server.url}/api/1.0/models?file=order.bpmn`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${server.token}`, 'Content-Type': 'application/xml' },
    body: model,
  });
  const { page, go, close } = await open(browser, server);
  await go('/connectors/Demo%20rates');
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Delete…' }).click();
  const question = page.getByRole('alertdialog', { name: 'Delete Demo rates' });
  await question.getByText(/order/).first().waitFor();
  const act = question.getByRole('button', { name: 'Delete Demo rates' });
  assert.equal(await act.isDisabled(), true);
  await question.getByRole('textbox', { name: 'Type Demo rates to confirm' }).fill('Demo rates');
  assert.equal(await act.isDisabled(), false);
  await page.keyboard.press('Escape');
  await question.waitFor({ state: 'detached' });
  await close();
});

test('a duplicate says that its credentials are to be set', async () => {
  const made = await make('Copied', { authtype: 'OAUTH2_BEARER', credentials: { token: 'x' } });
  const { page, go, close } = await open(browser, server);
  await go(`/connectors/${made.uuid}`);
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Duplicate' }).click();
  await page.getByRole('heading', { level: 1, name: `${made.name} copy` }).waitFor();
  await go('/connectors');
  await page
    .getByRole('row')
    .filter({ hasText: `${made.name} copy` })
    .getByText('Credentials missing')
    .waitFor();
  await close();
});

test('an account that was not connected is an alert', async () => {
  const made = await make('Accounted');
  const { page, go, close } = await open(browser, server);
  await page.route(`**/data_sources/${made.uuid}?*`, async (route) => {
    const response = await route.fetch();
    const settings = { authorize_url: 'https://id.example/authorize', url: 'https://id.example/token', client_id: 'console' };
    await route.fulfill({ response, json: { ...(await response.json()), authtype: 'OAUTH2_AUTHORIZATION_CODE', settings } });
  });
  await page.route('**/account', (route) =>
    route.fulfill({ contentType: 'application/json', body: '{"connected": false, "connected_at": null, "scope": null}' }),
  );
  await go(`/connectors/${made.uuid}/authentication?connected=0`);
  await page.getByRole('alert').getByText('The account was not connected.').waitFor();
  await page.getByText('Not connected', { exact: true }).waitFor();
  const asked = page.waitForRequest('**/connect');
  await page.route('**/connect', (route) =>
    route.fulfill({
      contentType: 'application/json',
      body: JSON.stringify({ authorize_url: `${server.url}/codes/AUTH`, expires_in: 600 }),
    }),
  );
  await page.getByRole('button', { name: 'Connect account' }).click();
  assert.deepEqual(JSON.parse((await asked).postData()), { return_url: `${server.url}/connectors/${made.uuid}/authentication` });
  await page.getByRole('heading', { level: 1, name: 'AUTH' }).waitFor();
  await close();
});

test('an import into a taken name is shown at its field; into the connector itself, names make room', async () => {
  const made = await make('Room', { endpoints: { rates: { url: 'https://a.example/rates', method: 'GET' } } });
  const { page, go, close, expect } = await open(browser, server);
  expect(/status of 422/);
  await go('/connectors/import');
  await page
    .getByRole('textbox', { name: 'Paste here' })
    .fill(`curl ${server.demo}/rates -H 'Authorization: Bearer not-a-real-token'`);
  await page.getByRole('button', { name: 'Read' }).click();
  const preview = page.getByRole('region', { name: 'Preview' });
  const name = preview.getByRole('textbox', { name: 'Connector name' });
  await name.fill(made.name);
  await preview.getByRole('button', { name: 'Import 1 resource' }).click();
  await page.waitForFunction((element) => element === document.activeElement, await name.elementHandle());
  assert.equal(await name.getAttribute('aria-invalid'), 'true');
  await preview.getByRole('combobox', { name: 'Into' }).selectOption(made.name);
  await preview
    .getByRole('list', { name: 'Changed on the way' })
    .getByText(/rates-2/)
    .waitFor();
  await preview
    .getByRole('list', { name: 'Left out' })
    .getByText(/Credentials/)
    .waitFor();
  await preview.getByRole('button', { name: 'Import 1 resource' }).click();
  await page.getByRole('heading', { level: 1, name: made.name }).waitFor();
  await page.getByRole('navigation', { name: 'Resources' }).getByRole('link', { name: 'GET rates-2' }).waitFor();
  await close();
});

test('at 360 pixels the navigation is behind a button, and tables are cards', async () => {
  await make('Carded');
  const { page, go, close } = await open(browser, server, { width: 360, height: 740 });
  await go('/connectors');
  await page
    .getByRole('link', { name: /^Carded/ })
    .first()
    .waitFor();
  assert.equal(await page.getByRole('navigation', { name: 'Main' }).isVisible(), false);
  await page.getByRole('button', { name: 'Menu' }).click();
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Models' }).click();
  await page.getByRole('heading', { level: 1, name: 'Models' }).waitFor();
  assert.equal(await scrollsSideways(page), false);
  await close();
});

test('a model is undone, redone, and kept without asking', async () => {
  const { page, go, close } = await open(browser, server);
  await go('/modeler');
  await page.getByRole('button', { name: 'New model' }).click();
  await page.getByRole('treeitem', { name: /Start event$/ }).click();
  await page.getByRole('button', { name: 'Append Data Connector' }).click();
  await page.keyboard.press('Escape');
  const item = page.getByRole('treeitem', { name: /^Data Connector, Data Connector/ });
  await item.waitFor();
  await page.getByRole('button', { name: 'Undo' }).click();
  await item.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Redo' }).click();
  await item.waitFor();
  await item.click();
  await page.keyboard.press('Control+z');
  await item.waitFor({ state: 'detached' });
  await page.keyboard.press('Control+y');
  await item.waitFor();
  // Away at once, before the draft's second is over, and back.
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Audit' }).click();
  await page.getByRole('heading', { level: 1, name: 'Audit' }).waitFor();
  await page.goBack();
  await page.getByRole('treeitem', { name: /^Data Connector, Data Connector/ }).waitFor();
  await close();
});

test('"Go to" finds connectors and codes', async () => {
  const made = await make('Sought');
  const { page, go, close } = await open(browser, server);
  await go('/tokens');
  await page.getByRole('heading', { level: 1, name: 'Tokens' }).waitFor();
  await page.keyboard.press('Control+k');
  const field = page.getByRole('combobox', { name: 'Page, connector, model, job id or code' });
  await field.fill(made.name);
  await page.getByRole('option', { name: made.name }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: made.name }).waitFor();
  await page.keyboard.press('Control+k');
  await field.fill('OUTCOME_UNK');
  await page.getByRole('option', { name: /OUTCOME_UNKNOWN/ }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'OUTCOME_UNKNOWN' }).waitFor();
  await close();
});

test('what takes long is said, and can be stopped', async () => {
  const { page, go, close } = await open(browser, server);
  await page.clock.install();
  await page.route('**/api/1.0/audit?**', () => {});
  await go('/audit');
  await page.getByRole('heading', { level: 1, name: 'Audit' }).waitFor();
  await page.clock.runFor(1_500);
  await page
    .getByText('Loading entries …')
    .or(page.getByText(/^Loading .* …$/))
    .first()
    .waitFor();
  await page.clock.runFor(10_000);
  await page.getByText(/^Still working: .* …$/).waitFor();
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.getByText(/^Still working/).waitFor({ state: 'detached' });
  await close();
});

test('reload and Back keep filters, sort and the selected element', async () => {
  await make('Filtered A');
  const { page, go, close } = await open(browser, server);
  await go('/connectors?q=Filtered');
  await page
    .getByRole('link', { name: /^Filtered A/ })
    .first()
    .click();
  await page.getByRole('heading', { level: 1, name: /^Filtered A/ }).waitFor();
  await page.goBack();
  assert.equal(await page.getByRole('searchbox', { name: 'Search connectors' }).inputValue(), 'Filtered');
  await page.reload();
  await page
    .getByRole('link', { name: /^Filtered A/ })
    .first()
    .waitFor();
  assert.match(page.url(), /q=Filtered/);
  await close();
});
