// Every page: no serious fault of accessibility, in light and dark, and no sideways scrolling at 360 pixels.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { faultsOf, launch, open, scrollsSideways } from './browser.mjs';
import { start } from './server.mjs';

const server = await start();
let browser;
before(async () => (browser = await launch()));
after(async () => {
  await browser?.close();
  await server.stop();
});

const connector = server.lacks('/data_sources')
  ? null
  : await server.call('POST', '/data_sources', {
      name: `Looked at ${process.pid}`,
      authtype: 'BASIC',
      credentials: { username: 'ada', password: 'correct horse' },
      endpoints: {
        list: {
          url: `${server.demo}/rates`,
          method: 'POST',
          params: [{ key: 'base', value: 'EUR', required: true }],
          headers: [],
          body: '{}',
          body_type: 'json',
        },
      },
    });

/** Path, and the routes that it needs. */
const PAGES = [
  ['/sign-in'],
  ['/tokens', '/tokens'],
  ['/audit', '/audit'],
  ['/codes/CONFIGURATION'],
  ['/no/such/page'],
  ['/connectors', '/data_sources'],
  ['/connectors/import', '/data_sources'],
  ['/connectors/new/details', '/data_sources'],
  [`/connectors/${connector?.uuid}`, '/data_sources', '/try'],
  [`/connectors/${connector?.uuid}/authentication`, '/data_sources', '/secrets'],
  [`/connectors/${connector?.uuid}/details`, '/data_sources'],
  [`/connectors/${connector?.uuid}/used-by`, '/data_sources'],
  ['/secrets', '/secrets'],
  ['/overview', '/stats', '/data_sources'],
  ['/models', '/models'],
  ['/jobs', '/jobs'],
  ['/dead-letters', '/dead_letters'],
  ['/workers', '/workers', '/settings'],
  ['/collections', '/collections'],
  ['/modeler', '/examples', '/models'],
  ['/modeler?example=order&element=fetch_rate', '/examples', '/models/lint', '/data_sources'],
];

for (const [path, ...routes] of PAGES) {
  test(path, { skip: server.lacks(...routes) }, async () => {
    for (const theme of ['light', 'dark']) {
      const { page, go, close } = await open(browser, server, { theme, signedIn: path !== '/sign-in' });
      await go(path);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.waitForTimeout(path.startsWith('/modeler?') ? 2_000 : 600);
      assert.deepEqual(await faultsOf(page), [], `${theme}`);
      await close();
    }
    const { page, go, close } = await open(browser, server, { width: 360, height: 740, signedIn: path !== '/sign-in' });
    await go(path);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.waitForTimeout(400);
    assert.equal(await scrollsSideways(page), false, 'sideways scrolling at 360 px');
    await close();
  });
}
