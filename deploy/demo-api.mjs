#!/usr/bin/env node
// A small third party for the examples: exchange rates, a stock, customers and prices, on loopback only.
//
//   node demo-api.mjs [--port 4010] [--log FILE] [--delay MS] [--fail-first N]
//
// --port        0 takes any free port; the address is printed
// --log         one JSON line per request, written before the answer leaves
// --delay       milliseconds before each answer
// --fail-first  answers the first N requests with 503
//
// Nothing depends on time or chance: the same request always gets the same answer.

import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';

const RATES = { EUR: 1.08, GBP: 1.27, CHF: 1.12, JPY: 0.0065, USD: 1 };
const STOCK = { lamp: 10, desk: 4, chair: 0 };
const PRICES = { lamp: 40, desk: 250, chair: 90 };
const CUSTOMERS = { 'C-1001': 'Ada Lindgren', 'C-1002': 'Bruno Costa', 'C-1003': 'Chika Obi' };
const TOKEN = 'Bearer demo-token';
const LOGIN = `Basic ${Buffer.from('demo:demo-password').toString('base64')}`;

// What a key was answered the first time; the same key gets it again and nothing happens twice.
const answered = new Map();
const reservations = [];
const enquiries = [];

const cents = (amount) => Math.round(amount * 100) / 100;

const routes = {
  // GET /rates?base=EUR&amount=120
  'GET /rates'({ query }) {
    const rate = RATES[query.base];
    if (rate === undefined) return [404, { message: `no rate for ${query.base}` }];
    return [200, { base: query.base, rates: { USD: rate }, total: cents(Number(query.amount ?? 1) * rate) }];
  },

  // POST /reservations {"order", "item", "quantity"}; needs the token
  'POST /reservations'({ headers, body }) {
    if (headers.authorization !== TOKEN) return [401, { message: 'wrong or missing token' }];
    const { order, item, quantity, total } = body;
    if (!order || !item || !Number.isInteger(quantity)) {
      return [422, { message: 'order, item and quantity (a whole number) are needed' }];
    }
    const available = quantity <= (STOCK[item] ?? 0);
    const reservation = available ? `R-${order}` : '';
    if (available) reservations.push({ reservation, order, item, quantity });
    return [available ? 201 : 200, { reservation, order, item, quantity, total, available }];
  },

  // What was reserved so far, for people who want to look behind the scenes
  'GET /reservations': () => [200, { count: reservations.length, reservations }],

  // GET /customers/C-1001; needs the user name and password
  'GET /customers/:id'({ headers, id }) {
    if (headers.authorization !== LOGIN) return [401, { message: 'wrong user name or password' }];
    if (!CUSTOMERS[id]) return [404, { message: `no customer ${id}` }];
    return [200, { customer: id, name: CUSTOMERS[id] }];
  },

  // POST /enquiries {"customer", "question"}
  'POST /enquiries'({ body }) {
    if (!body.customer) return [422, { message: 'customer is needed' }];
    enquiries.push(body);
    return [201, { enquiry: `E-${body.customer}`, question: body.question }];
  },

  // GET /prices/lamp?quantity=3&order=A-1042
  'GET /prices/:id'({ query, id }) {
    const unit = PRICES[id];
    if (unit === undefined) return [404, { message: `no price for ${id}` }];
    const quantity = Number(query.quantity ?? 1);
    return [200, { order: query.order, item: id, quantity, price: cents(unit * quantity) }];
  },
};

function answer(request) {
  const [, first, id, ...rest] = request.path.split('/');
  const route = routes[`${request.method} /${first}${id === undefined ? '' : '/:id'}`];
  if (!route || rest.length) return [404, { message: `there is no ${request.method} ${request.path} here` }];
  if (request.key !== null && answered.has(request.key)) return answered.get(request.key);
  const reply = route({ ...request, id });
  // A refusal did nothing, so that it need not be remembered.
  if (request.key !== null && reply[0] < 400) answered.set(request.key, reply);
  return reply;
}

function decoded(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const { values: options } = parseArgs({
  options: {
    port: { type: 'string', default: '4010' },
    log: { type: 'string' },
    delay: { type: 'string', default: '0' },
    'fail-first': { type: 'string', default: '0' },
  },
});
let failures = Number(options['fail-first']);

async function handle(incoming, outgoing) {
  const chunks = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  const url = new URL(incoming.url, 'http://127.0.0.1');
  const request = {
    method: incoming.method,
    path: decodeURIComponent(url.pathname),
    query: Object.fromEntries(url.searchParams),
    headers: incoming.headers,
    key: incoming.headers['idempotency-key'] ?? null,
    body: text === '' ? {} : decoded(text),
  };
  let reply;
  if (failures > 0) {
    failures -= 1;
    reply = [503, { message: 'come again later' }];
  } else if (request.body === null || typeof request.body !== 'object') {
    reply = [400, { message: 'the body is not a JSON object' }];
  } else {
    reply = answer(request);
  }
  const [status, body] = reply;
  if (options.log) {
    const { method, path, query, key } = request;
    const line = { at: Date.now(), method, path, query, key, body: text, status };
    appendFileSync(options.log, `${JSON.stringify(line)}\n`);
  }
  setTimeout(() => {
    outgoing.writeHead(status, { 'content-type': 'application/json' });
    outgoing.end(JSON.stringify(body));
  }, Number(options.delay));
}

const server = createServer((incoming, outgoing) => {
  handle(incoming, outgoing).catch((error) => {
    outgoing.writeHead(400, { 'content-type': 'application/json' });
    outgoing.end(JSON.stringify({ message: error.message }));
  });
});
// Keeps idle connections longer than callers do, so that none is closed under a request.
server.keepAliveTimeout = 120_000;
server.on('error', (error) => {
  console.error(`error: ${error.message}${error.code === 'EADDRINUSE' ? '; --port 0 takes any free port' : ''}`);
  process.exit(1);
});
server.listen(Number(options.port), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
