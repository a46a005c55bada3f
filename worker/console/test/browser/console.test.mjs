// People at work in the console, against the real binary.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { launch, open } from './browser.mjs';
import { start } from './server.mjs';

const server = await start();
let browser;
before(async () => (browser = await launch()));
after(async () => {
  await browser?.close();
  await server.stop();
});

const unique = (name) => `${name} ${process.pid}-${Math.floor(performance.now())}`;

describe('signing in', () => {
  test('a link with a token signs in, and the token leaves the address', async () => {
    const { page, go, close } = await open(browser, server, { signedIn: false });
    await go(`/sign-in?to=%2Ftokens#token=${server.token}`);
    await page.getByRole('heading', { level: 1, name: 'Tokens' }).waitFor();
    assert.equal(new URL(page.url()).pathname + new URL(page.url()).hash, '/tokens');
    assert.equal(await page.title(), 'Tokens – Data Connector');
    await close();
  });

  test('a wrong token is refused, a right one leads to where one wanted to go', async () => {
    const { page, go, close, expect } = await open(browser, server, { signedIn: false });
    expect(/status of 401/);
    await go('/audit');
    await page.getByRole('textbox', { name: 'Access token' }).fill('dct_wrong');
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page
      .getByRole('alert')
      .getByText('This token is not valid here: it is revoked, expired, or of another installation.')
      .waitFor();
    await page.getByRole('textbox', { name: 'Access token' }).fill(server.token);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: 'Audit' }).waitFor();
    await page.getByRole('button', { name: 'Account' }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor();
    assert.equal(
      await page.evaluate(() => sessionStorage.getItem('data-connector.token') ?? localStorage.getItem('data-connector.token')),
      null,
    );
    await close();
  });

  test('a session that ends asks again, and nothing typed is lost', async () => {
    const { token, id } = await server.call('POST', '/tokens', { name: unique('short'), scopes: ['admin'] });
    const { page, go, close, expect } = await open(browser, { ...server, token });
    expect(/status of 401/);
    await go('/tokens');
    await page.getByRole('button', { name: 'New token' }).click();
    const dialog = page.getByRole('dialog', { name: 'New token' });
    await dialog.getByRole('textbox', { name: 'Name' }).fill(unique('kept'));
    await server.call('DELETE', `/tokens/${id}`);
    await dialog.getByRole('button', { name: 'Create token' }).click();
    const again = page.getByRole('dialog', { name: 'Sign in again' });
    await again.getByRole('textbox', { name: 'Access token' }).fill(server.token);
    await again.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByText('It is not shown again.').waitFor();
    assert.match(await page.getByRole('textbox', { name: 'New token' }).inputValue(), /^dct_/);
    await close();
  });
});

describe('the frame', () => {
  test('Ctrl+K leads to a page, and the focus is on its heading', async () => {
    const { page, go, close } = await open(browser, server);
    await go('/tokens');
    await page.getByRole('heading', { level: 1, name: 'Tokens' }).waitFor();
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: 'Page, connector, model, job id or code' }).fill('audi');
    await page.keyboard.press('Enter');
    const heading = page.getByRole('heading', { level: 1, name: 'Audit' });
    await heading.waitFor();
    assert.equal(await heading.evaluate((element) => element === document.activeElement), true);
    await page
      .getByRole('navigation', { name: 'Main' })
      .getByRole('link', { name: 'Audit', exact: true })
      .and(page.locator('[aria-current=page]'))
      .waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await close();
  });

  test('the theme is kept', async () => {
    const { page, go, close } = await open(browser, server);
    await go('/tokens');
    await page.getByRole('button', { name: 'Theme' }).click();
    await page.getByRole('menuitemradio', { name: 'Dark' }).click();
    await page.reload();
    await page.getByRole('heading', { level: 1 }).waitFor();
    assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme), 'dark');
    await close();
  });

  test('an unknown address says so, and codes have pages', async () => {
    const { page, go, close } = await open(browser, server);
    await go('/no/such/page');
    await page.getByRole('heading', { level: 1, name: 'Not found' }).waitFor();
    await go('/codes/HTTP_503');
    await page.getByRole('heading', { level: 1, name: 'HTTP_503' }).waitFor();
    await page.getByText('the third party answered with a status that is no success').waitFor();
    await go('/codes/unknown-connector');
    await page.getByText('The connector that an element names exists.').waitFor();
    await go('/codes/NONSENSE');
    await page.getByRole('heading', { level: 1, name: 'Not found' }).waitFor();
    await close();
  });

  test('a token that may only read has its reason on the page, once', { skip: server.lacks('/data_sources') }, async () => {
    const { token } = await server.call('POST', '/tokens', { name: unique('reader'), scopes: ['read'] });
    const made = await server.call('POST', '/data_sources', { name: unique('Read only') });
    const { page, go, close } = await open(browser, { ...server, token });
    await go(`/connectors/${made.uuid}/details`);
    await page.getByText('Your token may read, but not manage. Ask for one with the scope manage.').waitFor();
    assert.equal(await page.getByText('Your token may read, but not manage. Ask for one with the scope manage.').count(), 1);
    assert.equal(await page.getByRole('textbox', { name: 'Name' }).isDisabled(), true);
    assert.equal(await page.getByRole('button', { name: 'Save' }).isDisabled(), true);
    assert.equal(await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Tokens' }).count(), 0);
    await close();
  });
});

describe('connectors', { skip: server.lacks('/data_sources') }, () => {
  test('a connector is made, saved, found again and deleted', async () => {
    const name = unique('Rates');
    const { page, go, close } = await open(browser, server);
    await go('/connectors');
    await page.getByRole('link', { name: 'New connector' }).click();
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill(name);
    await page.getByRole('tab', { name: 'Resources' }).click();
    await page.getByRole('button', { name: 'Add resource' }).click();
    await page.getByRole('textbox', { name: 'Resource name' }).fill('latest');
    await page.getByRole('textbox', { name: 'URL' }).fill(`${server.demo}/rates?base={{currency}}`);
    await page.getByRole('button', { name: 'Move the query into parameters' }).click();
    assert.equal(await page.getByRole('textbox', { name: 'Value of parameter 1' }).inputValue(), '{{currency}}');
    await page.getByRole('checkbox', { name: 'Parameter 1 required' }).check();
    await page.keyboard.press('Control+s');
    await page.getByRole('status').getByText('Saved', { exact: true }).waitFor();
    await page.reload();
    await page.getByRole('navigation', { name: 'Resources' }).getByRole('link', { name: 'GET latest' }).waitFor();
    assert.equal(await page.getByRole('textbox', { name: 'URL' }).inputValue(), `${server.demo}/rates`);
    await go(`/connectors?q=${encodeURIComponent(name)}`);
    await page.getByRole('table', { name: 'Connectors' }).getByRole('link', { name }).click();
    await page.getByRole('heading', { level: 1, name }).waitFor();
    await page.getByRole('button', { name: 'More', exact: true }).click();
    await page.getByRole('menuitem', { name: 'Delete…' }).click();
    const question = page.getByRole('alertdialog', { name: `Delete ${name}` });
    assert.equal(
      await question.getByRole('button', { name: 'Cancel' }).evaluate((button) => button === document.activeElement),
      true,
    );
    await question.getByRole('button', { name: `Delete ${name}` }).click();
    await page.getByRole('heading', { level: 1, name: 'Connectors' }).waitFor();
    const { meta } = await server.call('GET', `/data_sources?filter=${encodeURIComponent(name)}`);
    assert.equal(meta.total, 0);
    await close();
  });

  test('a password is set, never shown, kept and replaced', async () => {
    const made = await server.call('POST', '/data_sources', {
      name: unique('Secretive'),
      authtype: 'BASIC',
      credentials: { username: 'ada', password: 'correct horse' },
    });
    const { page, go, close } = await open(browser, server);
    await go(`/connectors/${made.uuid}/authentication`);
    await page.getByText('Password: Set').waitFor();
    await page.getByRole('button', { name: 'Replace Password' }).click();
    await page.getByRole('textbox', { name: 'Password' }).fill('battery staple');
    assert.equal(JSON.stringify(await page.evaluate(() => ({ ...localStorage }))).includes('battery staple'), false);
    await page.getByRole('button', { name: 'Keep Password' }).click();
    await page.getByText('Password: Set').waitFor();
    await page.getByRole('textbox', { name: 'Sent only to these hosts' }).fill('127.0.0.1');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('status').getByText('Saved', { exact: true }).waitFor();
    const saved = await server.call('GET', `/data_sources/${made.uuid}`);
    assert.deepEqual(saved.credentials_set, ['hosts', 'password', 'username']);
    await close();
  });

  test('what is typed is a draft until it is saved, and is undone', async () => {
    const made = await server.call('POST', '/data_sources', {
      name: unique('Drafted'),
      endpoints: { list: { url: 'https://a.example/list', method: 'GET' } },
    });
    const { page, go, close } = await open(browser, server);
    await go(`/connectors/${made.uuid}`);
    await page.getByRole('textbox', { name: 'URL' }).fill('https://b.example/list');
    await page.getByRole('status').getByText('Unsaved changes').waitFor();
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Tokens' }).click();
    await page.getByRole('heading', { level: 1, name: 'Tokens' }).waitFor();
    await page.goBack();
    await page
      .getByRole('status')
      .getByText(/^Draft from \d\d:\d\d restored$/)
      .waitFor();
    assert.equal(await page.getByRole('textbox', { name: 'URL' }).inputValue(), 'https://b.example/list');
    await page.getByRole('button', { name: 'Discard changes' }).click();
    assert.equal(await page.getByRole('textbox', { name: 'URL' }).inputValue(), 'https://a.example/list');
    await page.getByRole('button', { name: 'Add parameter' }).click();
    await page.getByRole('textbox', { name: 'Key of parameter 1' }).waitFor();
    await page.getByRole('heading', { level: 1 }).focus();
    await page.keyboard.press('Control+z');
    await page.getByRole('textbox', { name: 'Key of parameter 1' }).waitFor({ state: 'detached' });
    await page.keyboard.press('Control+Shift+z');
    await page.getByRole('textbox', { name: 'Key of parameter 1' }).waitFor();
    await close();
  });

  test('who saves second chooses between theirs and mine', async () => {
    const made = await server.call('POST', '/data_sources', { name: unique('Contested'), description: 'first' });
    const { page, go, close, expect } = await open(browser, server);
    expect(/status of 412/);
    await go(`/connectors/${made.uuid}/details`);
    await page.getByRole('textbox', { name: 'Description' }).fill('mine');
    await server.call('PUT', `/data_sources/${made.uuid}`, { description: 'theirs' });
    await page.getByRole('button', { name: 'Save' }).click();
    const alert = page.getByRole('alert').filter({ hasText: 'was changed by' });
    await alert.getByRole('button', { name: 'Show differences' }).click();
    await alert.getByRole('cell', { name: 'theirs', exact: true }).waitFor();
    await alert.getByRole('button', { name: 'Keep mine' }).click();
    await page.getByRole('status').getByText('Saved', { exact: true }).waitFor();
    assert.equal((await server.call('GET', `/data_sources/${made.uuid}`)).description, 'mine');
    await close();
  });

  test('a taken name is shown at the field, which gets the focus', async () => {
    const made = await server.call('POST', '/data_sources', { name: unique('Taken') });
    const { page, go, close, expect } = await open(browser, server);
    expect(/status of 422/);
    await go('/connectors/new/details');
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill(made.name);
    await page.getByRole('button', { name: 'Save' }).click();
    const field = page.getByRole('textbox', { name: 'Name', exact: true });
    await page.getByText('The Name has already been taken.').first().waitFor();
    await page.waitForFunction(() => document.activeElement?.getAttribute('aria-invalid') === 'true');
    assert.equal(await field.getAttribute('aria-invalid'), 'true');
    await close();
  });
});

describe('sending', { skip: server.lacks('/data_sources', '/try') }, () => {
  test('the request of the form is sent, and the answer shown as a tree', async () => {
    const made = await server.call('POST', '/data_sources', {
      name: unique('Sent'),
      endpoints: {
        latest: {
          url: `${server.demo}/rates`,
          method: 'GET',
          params: [{ key: 'base', value: '{{currency}}', required: true }],
          headers: [],
        },
      },
    });
    const { page, go, close } = await open(browser, server);
    await go(`/connectors/${made.uuid}/resources/latest`);
    const send = page.getByRole('region', { name: 'Send' });
    await page.waitForFunction(() => document.querySelector('.send-pane textarea')?.value.includes('currency'));
    await send.getByRole('textbox', { name: 'Sample data' }).fill('{"currency": "EUR"}');
    await send.getByRole('button', { name: 'Send', exact: true }).click();
    await send
      .getByRole('status')
      .getByText(/^200 OK, /)
      .waitFor();
    await send.getByRole('treeitem', { name: 'USD: 1.08' }).click();
    await send.getByText('rates.USD', { exact: true }).waitFor();
    await send.getByRole('tab', { name: 'Request' }).click();
    await send.getByText(`GET ${server.demo}/rates?base=EUR`).waitFor();
    await send.getByRole('textbox', { name: 'Sample data' }).fill('{"currency": "XTS"}');
    await page.keyboard.press('Control+Enter');
    await send
      .getByRole('status')
      .getByText(/^404 Not Found, /)
      .waitFor();
    assert.equal(await send.getByRole('alert').count(), 0);
    await close();
  });

  test('no answer is an alert, with a code that leads to its page', async () => {
    const made = await server.call('POST', '/data_sources', {
      name: unique('Refused'),
      endpoints: { call: { url: 'http://127.0.0.1:1/', method: 'GET' } },
    });
    const { page, go, close } = await open(browser, server);
    await go(`/connectors/${made.uuid}/resources/call`);
    await page.getByRole('region', { name: 'Send' }).getByRole('button', { name: 'Send', exact: true }).click();
    const link = page.getByRole('alert').getByRole('link');
    await link.waitFor();
    assert.match(await link.getAttribute('href'), /^\/codes\/(CONNECT|DENIED)$/);
    await close();
  });
});

describe('importing', { skip: server.lacks('/data_sources', '/data_sources/convert') }, () => {
  test('a cURL command becomes a connector', async () => {
    const name = unique('Imported');
    const { page, go, close } = await open(browser, server);
    await go('/connectors/import');
    await page
      .getByRole('textbox', { name: 'Paste here' })
      .fill(`curl '${server.demo}/rates?base=EUR' -H 'Authorization: Bearer not-a-real-token'`);
    await page.getByRole('button', { name: 'Read' }).click();
    const preview = page.getByRole('region', { name: 'Preview' });
    await preview.getByRole('textbox', { name: 'Connector name' }).fill(name);
    await preview
      .getByRole('list', { name: 'Changed on the way' })
      .getByText('The bearer token went into the credentials.')
      .waitFor();
    assert.equal(await preview.getByRole('checkbox', { name: 'Import GET rates' }).isChecked(), true);
    await preview.getByRole('button', { name: 'Import 1 resource' }).click();
    await page.getByRole('heading', { level: 1, name }).waitFor();
    await page.getByRole('navigation', { name: 'Resources' }).getByRole('link', { name: 'GET rates' }).waitFor();
    await close();
  });

  test('a fault is shown with its place, which is selected', async () => {
    const { page, go, close, expect } = await open(browser, server);
    expect(/status of 422/);
    await go('/connectors/import');
    await page.getByRole('textbox', { name: 'Paste here' }).fill("curl https://a.example -H 'Accept: x");
    await page.getByRole('button', { name: 'Read' }).click();
    await page
      .getByRole('alert')
      .getByText(/^Line 1, column 27: /)
      .waitFor();
    assert.equal(await page.evaluate(() => document.querySelector('#import-text').selectionStart), 26);
    await close();
  });
});

describe('secrets', { skip: server.lacks('/secrets') }, () => {
  test('a secret is made, and its value never comes back', async () => {
    const name = `CONSOLE_${process.pid}`;
    const { page, go, close } = await open(browser, server);
    await go('/secrets');
    await page.getByRole('button', { name: 'New secret' }).click();
    const dialog = page.getByRole('dialog', { name: 'New secret' });
    await dialog.getByRole('textbox', { name: 'Name' }).fill(name);
    await dialog.getByRole('textbox', { name: 'Value' }).fill('a value that nobody sees');
    await dialog.getByRole('button', { name: 'Save secret' }).click();
    await page.getByRole('table', { name: 'Secrets' }).getByText(name).waitFor();
    assert.equal((await page.content()).includes('a value that nobody sees'), false);
    await page.getByRole('button', { name: `Delete ${name}` }).click();
    await page
      .getByRole('alertdialog')
      .getByRole('button', { name: `Delete ${name}` })
      .click();
    await page.getByRole('table', { name: 'Secrets' }).getByText(name).waitFor({ state: 'detached' });
    await close();
  });
});

describe('tokens and audit', () => {
  test('a token is shown once, and revoked', async () => {
    const name = unique('colleague');
    const { page, go, close } = await open(browser, server);
    await go('/tokens');
    await page.getByRole('button', { name: 'New token' }).click();
    await page.getByRole('textbox', { name: 'Name' }).fill(name);
    await page.getByRole('checkbox', { name: 'Execute' }).check();
    await page.getByRole('button', { name: 'Create token' }).click();
    assert.match(await page.getByRole('textbox', { name: 'New token' }).inputValue(), /^dct_[\w-]{43}$/);
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).first().click();
    const row = page.getByRole('row').filter({ hasText: name });
    await row.getByText('execute, read').or(row.getByText('read, execute')).waitFor();
    await row.getByRole('button', { name: `Revoke ${name}` }).click();
    await page
      .getByRole('alertdialog', { name: `Revoke ${name}` })
      .getByRole('button', { name: `Revoke ${name}` })
      .click();
    await row.getByText('Revoked').waitFor();
    await close();
  });

  test('the chain of the audit log is verified', async () => {
    const { page, go, close } = await open(browser, server);
    await go('/audit');
    await page
      .getByRole('status')
      .getByText(/^Chain verified: [\d,]+ entr(y|ies)$/)
      .waitFor();
    await page.getByRole('table', { name: 'Audit' }).getByText('token.created').first().waitFor();
    await close();
  });
});
