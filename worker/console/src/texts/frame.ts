/** Texts of what surrounds every page, and of parts that several pages have. */

import { count, duration, plural } from '../format';

export const frame = {
  product: 'Data Connector',

  act: {
    cancel: 'Cancel',
    close: 'Close',
    dismiss: 'Dismiss',
    tryAgain: 'Try again',
    stop: 'Stop',
    save: 'Save',
    more: 'More',
    delete: 'Delete…',
    back: 'Back',
    copy: 'Copy',
    copied: 'Copied.',
    typeToConfirm: (name: string) => `Type ${name} to confirm`,
  },

  places: {
    overview: 'Overview',
    modeler: 'Modeler',
    models: 'Models',
    connectors: 'Connectors',
    collections: 'Collections',
    jobs: 'Jobs',
    deadLetters: 'Dead letters',
    secrets: 'Secrets',
    tokens: 'Tokens',
    audit: 'Audit',
    workers: 'Workers',
  },

  frame: {
    skip: 'Skip to content',
    main: 'Main',
    menu: 'Menu',
    crumbs: 'Breadcrumb',
    narrow: 'Narrow navigation',
    wide: 'Wide navigation',
    theme: 'Theme',
    system: 'System',
    light: 'Light',
    dark: 'Dark',
    account: 'Account',
    signOut: 'Sign out',
    scopes: (scopes: string[]) => (scopes.length === 0 ? 'no scopes' : scopes.join(', ')),
    notifications: 'Notifications',
    needing: (number: number) => `${count(number)} need attention`,
    away: (time: string) => `No connection to the server since ${time}.`,
    awayNext: 'What was read stays here. Check that the server runs and that the network is up; the page tries again by itself.',
    readOnly: 'Your token may read, but not manage. Ask for one with the scope manage.',
    notCall: 'Your token may read, but not call. Ask for one with the scope execute.',
    limited: 'Your token is limited to some connectors. Ask for one without that limit.',
  },

  goTo: {
    title: 'Go to',
    label: 'Page, connector, model, job id or code',
    nothing: 'Nothing found.',
    page: 'Page',
    connector: 'Connector',
    model: 'Model',
    job: 'Job',
    code: 'Code',
  },

  shortcuts: {
    title: 'Keyboard shortcuts',
    singleKeys: 'Use shortcuts of a single key',
    list: [
      ['Ctrl K', 'Go to a page, connector, model or job'],
      ['Ctrl S', 'Save'],
      ['Ctrl Enter', 'Send'],
      ['Ctrl Z', 'Undo what is not saved'],
      ['/', 'Search on this page'],
      ['?', 'Show this list'],
      ['Esc', 'Close what is on top'],
    ] as [string, string][],
  },

  signIn: {
    title: 'Sign in',
    lead: 'Use an access token of this installation.',
    token: 'Access token',
    stay: 'Stay signed in on this computer',
    act: 'Sign in',
    where: 'Where do I get a token?',
    whereText: 'An administrator makes one on the command line, with the scopes it needs (read, execute, manage, admin):',
    command: 'data-connector tokens create my-name --scope manage',
    whereFirst: 'At its first start the server prints a link that signs in as administrator.',
    refused: 'This token is not valid here: it is revoked, expired, or of another installation.',
    refusedNext: 'Make a new one with the command below, or ask an administrator.',
    tooMany: (seconds: number) => `Too many tries. Try again in ${count(seconds)} s.`,
    again: 'Sign in again',
    againText: 'Your token is no longer valid. Nothing that you typed is lost: sign in, and the page goes on.',
  },

  errors: {
    support: 'For support',
    requestId: 'Request id:',
    away: 'The server does not answer.',
    awayNext: 'Check that it runs and that the network is up, then try again.',
    unexpected: 'The page could not go on with what it got.',
    unexpectedNext: 'Reload the page. If it happens again, tell whoever runs this installation.',
    pageBroken: 'This page cannot be shown.',
    pageBrokenNext: 'Reload it. What you typed was kept as a draft.',
    again: (seconds: number) => `Try again in ${count(seconds)} s.`,
    next: {
      403: 'Ask for a token with more rights.',
      404: 'It may have been deleted or renamed. Look at the list.',
      409: 'Look at its state now, then decide.',
      413: 'Send less, or have the limit raised.',
      422: 'Change what is named, then try again.',
      500: 'Tell whoever runs this installation, with the request id.',
      503: 'Wait a little, then try again.',
    } as Record<number, string>,
  },

  loading: {
    loading: (what: string) => `Loading ${what} …`,
    still: (what: string) => `Still working: loading ${what} …`,
  },

  live: {
    updated: (seconds: number) => `Updated ${seconds < 60 ? `${seconds} s` : duration(seconds * 1000)} ago`,
    pause: 'Pause updates',
    newer: (number: number, what: string) => `${plural(number, `newer ${what}`)}`,
  },

  table: {
    selectAll: 'Select all',
    select: (name: string) => `Select ${name}`,
    acts: 'Actions',
    page: (from: number, to: number, total: number) => `${count(from)}–${count(to)} of ${count(total)}`,
    previous: 'Previous page',
    next: 'Next page',
    older: 'Older',
    newer: 'Newer',
  },

  notFound: {
    title: 'Not found',
    text: 'There is no page at this address.',
    hint: 'It may have been renamed, or the link is not complete.',
  },
};
