import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import amqp from 'amqplib';

import { connect } from '../src/index.mjs';
import { definitions, flow, line, single, task } from './models.mjs';
import { proxy } from './proxy.mjs';
import { URL, testApp, until } from './test-app.mjs';

/** `a` with a boundary timer event. */
const timed = (duration) =>
  definitions(
    line('a') +
      task('a') +
      `<boundaryEvent id="late" attachedToRef="a">
         <timerEventDefinition><timeDuration xsi:type="tFormalExpression">${duration}</timeDuration></timerEventDefinition>
       </boundaryEvent>
       <endEvent id="end_late" />${flow('late', 'end_late')}`,
  );

test('an unroutable job is published again, with the same id, until there is a queue', async (t) => {
  const app = await testApp(t, { worker: false });
  const connector = await app.connect();
  const returned = [];
  connector.on('returned', (message) => returned.push(message));
  const running = connector.run({ source: single({}) });
  await until(() => returned.length >= 3);
  assert.equal(new Set(returned.map(({ id }) => id)).size, 1);
  assert.ok(returned[0].wait >= 200 && returned[0].wait <= 30_000);
  assert.ok(returned[2].wait > returned[0].wait, 'waits grow');
  assert.equal(returned[0].key, 'job.default');

  await app.startWorker();
  await running;
  assert.deepEqual(app.worker.jobs.map(({ id }) => id), [returned[0].id]);
});

test('an element that is interrupted cancels its job, and a late result is ignored', async (t) => {
  const app = await testApp(t);
  const cancels = await app.listen('control', '');
  app.worker.answer = () => undefined;
  const connector = await app.connect();
  const { path, data } = await connector.run({ source: timed('PT0.3S'), data: { a: 1 } });
  assert.deepEqual(path, ['start', 'a', 'late', 'end_late']);
  assert.deepEqual(data, { a: 1 });

  const [{ body, properties, key }] = await cancels.first(1);
  assert.deepEqual(body, { id: app.worker.jobs[0].id });
  assert.equal(key, '');
  assert.equal(properties.type, 'data-connector.cancel.v1');
  assert.equal(properties.deliveryMode, 2);

  await app.result(app.worker.jobs[0], { data: { a: 2 } });
  await until(async () => (await app.messages('results.default')) === 0);
});

test('an element that ends in time cancels nothing', async (t) => {
  const app = await testApp(t);
  const cancels = await app.listen('control', '');
  const { path } = await (await app.connect()).run({ source: timed('PT10S') });
  assert.deepEqual(path, ['start', 'a', 'end']);
  assert.deepEqual(cancels.all, []);
});

test('a request that fails or is terminated cancels its other jobs', async (t) => {
  const app = await testApp(t);
  const cancels = await app.listen('control', '');
  const connector = await app.connect();
  app.worker.answer = ({ element }) => {
    if (element.id === 'b') return undefined;
    return element.id === 'a' ? { data: {} } : { error: { code: 'HTTP_500', message: 'm', attempts: [] } };
  };
  const parallel = (other, end) =>
    definitions(
      `<startEvent id="start" />${flow('start', other)}${flow('start', 'b')}${task(other)}${task('b')}
       <endEvent id="end">${end}</endEvent>${flow(other, 'end')}${flow('b', 'end')}`,
    );
  await assert.rejects(connector.run({ source: parallel('c', '') }), /HTTP_500/);
  await connector.run({ source: parallel('a', '<terminateEventDefinition />') });
  const left = app.worker.jobs.filter(({ element }) => element.id === 'b').map(({ id }) => id);
  assert.equal(left.length, 2);
  assert.deepEqual((await cancels.first(2)).map(({ body }) => body.id), left);
});

test('an engine that is stopped cancels no jobs', async (t) => {
  const app = await testApp(t);
  const cancels = await app.listen('control', '');
  app.worker.answer = () => undefined;
  const connector = await app.connect();
  const engine = connector.createEngine({ source: single({}) });
  engine.execute();
  await app.worker.first(1);
  await engine.stop();
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.deepEqual(cancels.all, []);
});

test('a connection that is cut is opened again, and no request is lost', async (t) => {
  const app = await testApp(t);
  const link = await proxy(t, URL);
  const connector = await app.connect({ url: link.url });
  const reasons = [];
  connector.on('disconnected', (reason) => reasons.push(reason));
  let cuts = 0;
  app.worker.answer = async ({ data, element }) => {
    if (data.n % 10 === 0 && element.id === 'a') {
      cuts += 1;
      link.cut();
      setTimeout(link.restore, 300);
    }
    return { data: { [element.id]: data.n } };
  };
  const source = definitions(line('a', 'b') + task('a') + task('b'));
  const numbers = Array.from({ length: 40 }, (_, n) => n);
  const outcomes = await Promise.all(numbers.map((n) => connector.run({ source, data: { n } })));
  assert.deepEqual(outcomes.map(({ data }) => data), numbers.map((n) => ({ n, a: n, b: n })));
  // A job may come twice when its confirm was cut off, but never under another id.
  assert.equal(new Set(app.worker.jobs.map(({ id }) => id)).size, 80);
  assert.ok(cuts >= 1 && reasons.length >= 1);
  await until(async () => (await app.messages('results.default')) === 0);
});

test('jobs that are created without a broker are published when there is one', async (t) => {
  const app = await testApp(t);
  const link = await proxy(t, URL);
  const connector = await app.connect({ url: link.url });
  link.cut();
  await new Promise((resolve) => connector.once('disconnected', resolve));
  const running = connector.run({ source: single({}) });
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.equal(app.worker.jobs.length, 0);
  link.restore();
  assert.equal((await running).status, 'completed');
});

test('a queue that is deleted is declared again', async (t) => {
  const app = await testApp(t);
  const connector = await app.connect();
  const connection = await amqp.connect(URL);
  const channel = await connection.createChannel();
  await channel.deleteQueue(`${app.prefix}.results.default`);
  await connection.close();
  const [reason] = await new Promise((resolve) => connector.once('disconnected', (...all) => resolve(all)));
  assert.match(reason.message, /has deleted the queue/);
  assert.equal((await connector.run({ source: single({}) })).status, 'completed');
});

test('what an engine declares is what the product declares', async (t) => {
  const app = await testApp(t, { worker: false });
  await app.connect();
  const connection = await amqp.connect(URL);
  const channel = await connection.createChannel();
  // The test has declared the exchanges; the broker would refuse other arguments from the engine.
  await channel.checkExchange(`${app.prefix}.jobs`);
  const { consumerCount } = await channel.checkQueue(`${app.prefix}.results.default`);
  assert.equal(consumerCount, 1);
  await connection.close();
});

test('exchanges with other arguments are refused with a clear message', async (t) => {
  const app = await testApp(t);
  const connection = await amqp.connect(URL);
  const channel = await connection.createChannel();
  await channel.deleteExchange(`${app.prefix}.control`);
  await channel.assertExchange(`${app.prefix}.control`, 'topic', { durable: true });
  await connection.close();
  await assert.rejects(app.connect(), /^Error: RabbitMQ at .*PRECONDITION_FAILED.*control/);
});

test('two processes cannot have one engine name', async (t) => {
  const app = await testApp(t);
  await app.connect();
  await assert.rejects(app.connect({ patience: 500 }), /another process is connected under this engine name/);
});

test('wrong settings are refused before a socket opens', async () => {
  await assert.rejects(connect({ engine: 'a.b' }), /engine `a\.b`: a name is 1 to 64/);
  await assert.rejects(connect({ prefix: '' }), /prefix/);
  await assert.rejects(connect({ config: 'maybe' }), /config: `maybe` is not model or deployed/);
  await assert.rejects(connect({ url: 'amqp://127.0.0.1:1', patience: 0 }), /^Error: RabbitMQ at 127\.0\.0\.1:1: /);
});

test('closing ends, wherever the connection breaks meanwhile', async (t) => {
  const app = await testApp(t, { worker: false });
  const link = await proxy(t, URL);
  for (const deleteQueue of [true, false]) {
    for (let milliseconds = 0; milliseconds <= 8; milliseconds += 1) {
      link.restore();
      const connector = await app.connect({ url: link.url });
      const closing = connector.close({ deleteQueue }).then(() => 'closed');
      const cut = sleep(milliseconds).then(link.cut);
      const ended = await Promise.race([closing, sleep(5_000, 'still closing', { ref: false })]);
      assert.equal(ended, 'closed', `cut after ${milliseconds} ms`);
      await cut;
    }
  }
});
