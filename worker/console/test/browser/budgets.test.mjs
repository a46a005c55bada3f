// What each page may weigh and take (UI 5). Sizes are always tested; times only with CONSOLE_TIMES=1, on a machine that has
// nothing else to do and with a binary of the release profile.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { launch, open } from './browser.mjs';
import { start } from './server.mjs';

const server = await start();
let browser;
before(async () => (browser = await launch()));
after(async () => {
  await browser?.close();
  await server.stop();
});

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
  test('signing in: 90 KB of scripts, 15 KB of styles', async () => {
    const { script, stylesheet } = await weigh('/sign-in', false);
    assert.ok(script <= 90 * KB && stylesheet <= 15 * KB, JSON.stringify({ script, stylesheet }));
  });

  const PAGES = [
    ['/tokens', '/tokens'],
    ['/audit', '/audit'],
    ['/codes/MAPPING'],
    ['/connectors', '/data_sources'],
    ['/connectors/new/details', '/data_sources'],
    ['/connectors/import', '/data_sources'],
    ['/secrets', '/secrets'],
    ['/overview', '/stats'],
    ['/models', '/models'],
    ['/jobs', '/jobs'],
    ['/dead-letters', '/dead_letters'],
    ['/workers', '/workers'],
    ['/collections', '/collections'],
  ];
  for (const [path, ...routes] of PAGES) {
    test(`${path}: 140 KB of scripts`, { skip: server.lacks(...routes) }, async () => {
      const { script } = await weigh(path);
      assert.ok(script <= 140 * KB, String(script));
    });
  }

  test('the modeler: 620 KB of scripts', { skip: server.lacks('/examples', '/models/lint') }, async () => {
    const { script } = await weigh('/modeler?example=order');
    assert.ok(script <= 620 * KB, String(script));
  });
});

describe('what a page takes', { skip: process.env.CONSOLE_TIMES ? false : 'CONSOLE_TIMES is not set' }, () => {
  /** Milliseconds from asking for a page to when `ready` is there, the best of three. */
  async function time(path, ready, signedIn = true) {
    const took = [];
    for (let round = 0; round < 3; round++) {
      const { page, go, close } = await open(browser, server, { signedIn });
      const began = performance.now();
      await go(path);
      await ready(page);
      took.push(performance.now() - began);
      await close();
    }
    return Math.min(...took);
  }

  const within = (name, ms, most) => {
    console.log(`# ${name}: ${Math.round(ms)} ms of ${most}`);
    assert.ok(ms <= most, `${name}: ${Math.round(ms)} ms`);
  };

  test('signing in is usable within 800 ms', async () => {
    within(
      'sign-in',
      await time('/sign-in', (page) => page.getByRole('textbox', { name: 'Access token' }).waitFor(), false),
      800,
    );
  });

  test('the shell is usable within 800 ms', { skip: server.lacks('/tokens') }, async () => {
    within('shell', await time('/tokens', (page) => page.getByRole('table', { name: 'Tokens' }).waitFor()), 800);
  });

  test('the palette is usable within 2,500 ms', { skip: server.lacks('/examples', '/models/lint') }, async () => {
    within(
      'palette',
      await time('/modeler?example=order', (page) => page.getByRole('button', { name: 'Create Data Connector' }).waitFor()),
      2_500,
    );
  });

  test('the overview within 1,200 ms', { skip: server.lacks('/stats') }, async () => {
    within('overview', await time('/overview', (page) => page.getByRole('region', { name: 'Now' }).waitFor()), 1_200);
  });

  test('the first job within 1,000 ms', { skip: server.lacks('/jobs') }, async () => {
    within(
      'jobs',
      await time('/jobs', (page) =>
        page.getByRole('table', { name: 'Jobs' }).or(page.getByText('No jobs yet.')).first().waitFor(),
      ),
      1_000,
    );
  });
});

test('an idle list asks once in 2 s, at most 2 KB each', { skip: server.lacks('/data_sources') }, async () => {
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
  assert.ok(
    done.every((one) => one.bytes <= 2 * KB),
    JSON.stringify(done),
  );
  await close();
});
