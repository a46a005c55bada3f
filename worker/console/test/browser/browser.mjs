// Chromium, and a page that watches what must never happen: an error in the console, a violation of the policy, a request to
// anybody else.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { chromium } from 'playwright-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });

/** A page of its own; `signedIn`: with the server's token. `width`, `theme`. */
export async function open(browser, server, { signedIn = true, width = 1440, height = 900, theme = 'light' } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme });
  if (signedIn) {
    await context.addInitScript((token) => {
      if (!sessionStorage.getItem('data-connector.asked')) sessionStorage.setItem('data-connector.token', token);
      sessionStorage.setItem('data-connector.asked', 'yes');
    }, server.token);
  }
  await context.addInitScript(() =>
    addEventListener('securitypolicyviolation', (event) =>
      console.error(`policy violated: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`),
    ),
  );
  const page = await context.newPage();
  const faults = [];
  // The counts in the navigation and the queues of the modeler are extras: the routes come one after another.
  const lacksExtras = ['/stats', '/workers', '/models'].some((path) => !server.has(path));
  const expectations = lacksExtras ? [/status of 404/] : [];
  page.on(
    'console',
    (message) =>
      message.type() === 'error' && !expected(message.text()) && faults.push(`${message.text()} ${message.location().url}`),
  );
  page.on('pageerror', (error) => faults.push(error.stack ?? error.message));
  page.on(
    'request',
    (request) =>
      !request.url().startsWith(server.url) &&
      !/^(data|blob):/.test(request.url()) &&
      faults.push(`a request to ${request.url()}`),
  );
  page.setDefaultTimeout(10_000);
  return {
    page,
    go: (path) => page.goto(server.url + path),
    /** Refusals that a test provokes are logged by the browser as well. */
    expect: (pattern) => expectations.push(pattern),
    async close() {
      await context.close();
      assert.deepEqual(faults, []);
    },
  };

  function expected(text) {
    return expectations.some((pattern) => pattern.test(text));
  }
}

/** The serious faults that axe finds on the page as it stands. */
export async function faultsOf(page) {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const { violations } = await globalThis.axe.run(document, { resultTypes: ['violations'] });
    const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    return serious.map(
      ({ id, nodes }) =>
        `${id}: ${nodes
          .slice(0, 3)
          .map(({ html, failureSummary }) => `${html.slice(0, 160)} ${failureSummary?.split('\n')[1] ?? ''}`)
          .join(' | ')}`,
    );
  });
}

/** Whether the page can be scrolled sideways. */
export const scrollsSideways = (page) =>
  page.evaluate(() => {
    const wide = (element) => element.scrollWidth > element.clientWidth + 1;
    const main = document.querySelector('main');
    return wide(document.documentElement) || (main !== null && wide(main));
  });
