// Send, with third parties of all kinds: slow, large, binary, failing; and with tokens that may not.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';

import { launch, open } from './browser.mjs';
import { start } from './server.mjs';

const LARGE = JSON.stringify({ items: Array.from({ length: 50_000 }, (_, id) => ({ id, text: 'x'.repeat(80) })) });

/** Answers by path; `asked` counts. */
const asked = [];
const thirdParty = createServer((request, response) => {
  asked.push(`${request.method} ${request.url}`);
  const answer = (status, type, body) => response.writeHead(status, { 'Content-Type': type }).end(body);
  if (request.url.startsWith('/slow')) return;
  if (request.url.startsWith('/large')) return answer(200, 'application/json', LARGE);
  if (request.url.startsWith('/many'))
    return answer(200, 'application/json', JSON.stringify(Array.from({ length: 450 }, (_, n) => n)));
  if (request.url.startsWith('/binary')) return answer(200, 'image/png', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 255, 254]));
  if (request.url.startsWith('/html')) return answer(500, 'text/html', '<img src=x onerror="document.title=1"><b>down</b>');
  return answer(200, 'application/json', '{"id": 12345678901234567890, "rate": 1.080, "a.b": {"c": [true]}}');
});
await new Promise((resolve) => thirdParty.listen(0, '127.0.0.1', resolve));
const there = `http://127.0.0.1:${thirdParty.address().port}`;

const server = await start();
let browser;
let connector;
before(async () => {
  browser = await launch();
  const get = (path, more) => ({ method: 'GET', url: `${there}/${path}`, params: [], headers: [], ...more });
  connector = await server.call('POST', '/data_sources', {
    name: 'Third parties',
    authtype: 'OAUTH2_BEARER',
    credentials: { token: 'not-a-real-token' },
    endpoints: {
      exact: get('exact'),
      slow: get('slow'),
      large: get('large'),
      many: get('many'),
      binary: get('binary'),
      html: get('html'),
      post: get('slow', { method: 'POST', body: '{}', body_type: 'json' }),
      nowhere: get('', { url: 'http://127.0.0.1:1/' }),
      faulty: get('exact', { params: [{ key: 'q', value: 'a', required: true }] }),
    },
  });
});
after(async () => {
  await browser?.close();
  thirdParty.closeAllConnections();
  thirdParty.close();
  await server.stop();
});

/** Opens a resource; `send` is the region. */
async function at(resource, { token = server.token } = {}) {
  const opened = await open(browser, { ...server, token });
  await opened.go(`/connectors/${connector.uuid}/resources/${resource}`);
  const send = opened.page.getByRole('region', { name: 'Send' });
  await send.waitFor();
  return { ...opened, send, press: (name) => send.getByRole('button', { name, exact: true }).click() };
}

test('numbers keep their digits, items have paths, and nothing of the token is shown', async () => {
  const { page, send, press, close } = await at('exact');
  await press('Send');
  await send.getByRole('treeitem', { name: 'id: 12345678901234567890' }).waitFor();
  await send.getByRole('treeitem', { name: 'rate: 1.080' }).waitFor();
  await send.getByRole('treeitem', { name: '0: true' }).click();
  await send.getByText("$['a.b']['c'][0]", { exact: true }).waitFor();
  await send.getByRole('tab', { name: 'Request' }).click();
  await send.getByText(/^GET .*\/exact\n[\s\S]*[Aa]uthorization: Bearer \*{8}/).waitFor();
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await press('Copy as cURL');
  await send.getByText('Copied.').waitFor();
  const curl = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(curl, /^curl /);
  assert.match(curl, /\$TOKEN/);
  assert.doesNotMatch(curl + (await page.content()), /not-a-real-token/);
  await close();
});

test('a preview sends nothing', async () => {
  const { send, press, close } = await at('exact');
  const before = asked.length;
  await press('Preview request');
  await send.getByText(/^GET .*\/exact/).waitFor();
  assert.equal(asked.length, before);
  await close();
});

test('a call is stopped, and the page says what that means', async () => {
  const reading = await at('slow');
  await reading.press('Send');
  await reading.press('Stop');
  await reading.send.getByRole('status').getByText('Stopped.', { exact: true }).waitFor();
  await reading.close();
  const writing = await at('post');
  await writing.press('Send POST');
  await writing.page.keyboard.press('Control+Enter');
  await writing.press('Stop');
  await writing.send.getByRole('status').getByText('Stopped. It may have taken effect.').waitFor();
  assert.equal(asked.filter((one) => one === 'POST /slow').length, 1);
  await writing.close();
});

test('of 5 MB the first 100 KB are shown, and no page stands still', async () => {
  const { page, send, press, close } = await at('large');
  await page.evaluate(() => {
    globalThis.longest = 0;
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) globalThis.longest = Math.max(globalThis.longest, duration);
    }).observe({ entryTypes: ['longtask'] });
  });
  await press('Send');
  await send.getByText(/^Answer of 5\.\d MB; the first 100 KB are shown\.$/).waitFor();
  const download = send.getByRole('button', { name: 'Download answer' });
  assert.equal(await download.isDisabled(), true);
  await send.getByText('Only the first 100 KB came here.').waitFor();
  if (process.env.CONSOLE_TIMES) assert.ok((await page.evaluate(() => globalThis.longest)) <= 500);
  await close();
});

test('200 items at a time', async () => {
  const { send, press, close } = await at('many');
  await press('Send');
  await send.getByRole('treeitem', { name: '199: 199' }).waitFor();
  assert.equal(await send.getByRole('treeitem', { name: '200: 200' }).count(), 0);
  await send.getByRole('treeitem', { name: /200 more/ }).click();
  await send.getByRole('treeitem', { name: '399: 399' }).waitFor();
  await send.getByRole('searchbox', { name: 'Find in answer' }).fill('449');
  await send.getByRole('treeitem', { name: '449: 449' }).waitFor();
  await close();
});

test('binary content is named, not shown', async () => {
  const { send, press, close } = await at('binary');
  await press('Send');
  await send.getByText('A binary answer of 7 bytes, which is not shown.').waitFor();
  await close();
});

test('a 500 is an answer, shown as text whatever it holds', async () => {
  const { page, send, press, close } = await at('html');
  await press('Send');
  await send
    .getByRole('status')
    .getByText(/^500 Internal Server Error, /)
    .waitFor();
  await send.getByText('<b>down</b>').waitFor();
  assert.equal(await send.getByRole('alert').count(), 0);
  assert.match(await page.title(), /Data Connector$/);
  await close();
});

test('what has no answer is an alert; what cannot be planned marks its field', async () => {
  const refused = await at('nowhere');
  await refused.press('Send');
  await refused.send.getByRole('alert').getByRole('link', { name: 'CONNECT' }).waitFor();
  await refused.close();
  const faulty = await at('faulty');
  await faulty.page.getByRole('textbox', { name: 'Value of parameter 1' }).fill('{{a | nonsense}}');
  await faulty.press('Send');
  await faulty.send.getByRole('alert').getByRole('link', { name: 'CONFIGURATION' }).waitFor();
  const field = faulty.page.getByRole('textbox', { name: 'Value of parameter 1' });
  await faulty.page.waitForFunction((element) => element === document.activeElement, await field.elementHandle());
  assert.equal(await field.getAttribute('aria-invalid'), 'true');
  await faulty.close();
});

test('sample data that are no JSON are shown at the field', async () => {
  const { page, send, press, close, expect } = await at('exact');
  expect(/status of 422/);
  const data = send.getByRole('textbox', { name: 'Sample data' });
  await data.fill('{"a": ');
  await press('Send');
  await page.waitForFunction((element) => element.getAttribute('aria-invalid') === 'true', await data.elementHandle());
  await data.fill('[1]');
  await press('Send');
  await page.waitForFunction((element) => element.getAttribute('aria-invalid') === 'true', await data.elementHandle());
  await close();
});

test('an example is saved with the resource', async () => {
  const { page, send, press, close } = await at('exact');
  await send.getByRole('textbox', { name: 'Sample data' }).fill('{"kept": 1}');
  await press('Send');
  await send
    .getByRole('status')
    .getByText(/^200 OK/)
    .waitFor();
  await press('Save as example');
  await page.getByRole('status').getByText('Unsaved changes').waitFor();
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByRole('status').getByText('Saved', { exact: true }).waitFor();
  const { exact } = (await server.call('GET', `/data_sources/${connector.uuid}`)).endpoints;
  assert.deepEqual(JSON.parse(exact.testData), { kept: 1 });
  assert.equal(exact.testAnswer.status, 200);
  await close();
});

test('a token that may only read previews, and says why it cannot send', async () => {
  const { token } = await server.call('POST', '/tokens', { name: `reads ${process.pid}`, scopes: ['read'] });
  const { send, press, close } = await at('exact', { token });
  assert.equal(await send.getByRole('button', { name: 'Send', exact: true }).isDisabled(), true);
  await send.getByText('Your token may read, but not call. Ask for one with the scope execute.').waitFor();
  await press('Preview request');
  await send.getByText(/^GET .*\/exact/).waitFor();
  await close();
});

test('a token that may execute sends what is stored', async () => {
  const { token } = await server.call('POST', '/tokens', { name: `calls ${process.pid}`, scopes: ['read', 'execute'] });
  const { page, send, press, close } = await at('many', { token });
  await page.getByText('Your token may read, but not manage. Ask for one with the scope manage.').waitFor();
  await press('Send');
  await send
    .getByRole('status')
    .getByText(/^200 OK/)
    .waitFor();
  await close();
});

test('a limited token sees its connectors, and nothing that would make others', async () => {
  await server.call('POST', '/data_sources', { name: 'Not for it' });
  const { token } = await server.call('POST', '/tokens', {
    name: `limited ${process.pid}`,
    scopes: ['manage'],
    connectors: [connector.uuid],
  });
  const { page, go, close } = await open(browser, { ...server, token });
  await go('/connectors');
  await page.getByRole('link', { name: 'Third parties' }).waitFor();
  assert.equal(await page.getByRole('link', { name: 'Not for it' }).count(), 0);
  for (const name of ['New connector', 'Import']) assert.equal(await page.getByRole('link', { name, exact: true }).count(), 0);
  await close();
});
