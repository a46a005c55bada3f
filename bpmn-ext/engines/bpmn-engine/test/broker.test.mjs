import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import amqp from 'amqplib';

import { connect } from '../src/index.mjs';
import { definitions, flow, line, single, task } from './models.mjs';
import { proxy } from './proxy.mjs';
import { URL, scene, until } from './scene.mjs';

/** `a` with a timer on its border. */
const timed = (duration) =>
  definitions(
    line('a') +
      task('a') +
      `<boundaryEvent id="late" attachedToRef="a">
         <timerEventDefinition><timeDuration xsi:type="tFormalExpression">${duration}</timeDuration></timerEventDefinition>
       </boundaryEvent>
       <endEvent id="end_late" />${flow('late', 'end_late')}`,
  );

test('a job that nobody takes is kept and sent again, with the same id, until there is a queue', async (t) => {
  const opened = await scene(t, { worker: false });
  const connector = await opened.connect();
  const returned = [];
  connector.on('returned', (message) => returned.push(message));
  const walked = connector.run({ source: single({}) });
  await until(() => returned.length >= 3);
  assert.equal(new Set(returned.map(({ id }) => id)).size, 1);
  assert.ok(returned[0].wait >= 200 && returned[0].wait <= 30_000);
  assert.ok(returned[2].wait > returned[0].wait, 'waits grow');
  assert.equal(returned[0].key, 'job.default');

  await opened.startWorker();
  await walked;
  assert.deepEqual(opened.worker.jobs.map(({ id }) => id), [returned[0].id]);
});

test('an element that is left takes its job back, and the result that comes is late', async (t) => {
  const opened = await scene(t);
  const cancels = await opened.listen('control', '');
  opened.worker.answer = () => undefined;
  const connector = await opened.connect();
  const { path, data } = await connector.run({ source: timed('PT0.3S'), data: { a: 1 } });
  assert.deepEqual(path, ['start', 'a', 'late', 'end_late']);
  assert.deepEqual(data, { a: 1 });

  const [{ body, properties, key }] = await cancels.first(1);
  assert.deepEqual(body, { id: opened.worker.jobs[0].id });
  assert.equal(key, '');
  assert.equal(properties.type, 'data-connector.cancel.v1');
  assert.equal(properties.deliveryMode, 2);

  await opened.result(opened.worker.jobs[0], { data: { a: 2 } });
  await until(async () => (await opened.messages('results.default')) === 0);
});

test('an element that ends in time takes nothing back', async (t) => {
  const opened = await scene(t);
  const cancels = await opened.listen('control', '');
  const { path } = await (await opened.connect()).run({ source: timed('PT10S') });
  assert.deepEqual(path, ['start', 'a', 'end']);
  assert.deepEqual(cancels.all, []);
});

test('a request that fails or is terminated takes its other jobs back', async (t) => {
  const opened = await scene(t);
  const cancels = await opened.listen('control', '');
  const connector = await opened.connect();
  opened.worker.answer = ({ element }) => {
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
  const left = opened.worker.jobs.filter(({ element }) => element.id === 'b').map(({ id }) => id);
  assert.equal(left.length, 2);
  assert.deepEqual((await cancels.first(2)).map(({ body }) => body.id), left);
});

test('an engine that is stopped keeps its jobs', async (t) => {
  const opened = await scene(t);
  const cancels = await opened.listen('control', '');
  opened.worker.answer = () => undefined;
  const connector = await opened.connect();
  const engine = connector.createEngine({ source: single({}) });
  engine.execute();
  await opened.worker.first(1);
  await engine.stop();
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.deepEqual(cancels.all, []);
});

test('a connection that is cut comes back, and no request is lost', async (t) => {
  const opened = await scene(t);
  const cable = await proxy(t, URL);
  const connector = await opened.connect({ url: cable.url });
  const lost = [];
  connector.on('disconnected', (reason) => lost.push(reason));
  let cuts = 0;
  opened.worker.answer = async ({ data, element }) => {
    if (data.n % 10 === 0 && element.id === 'a') {
      cuts += 1;
      cable.cut();
      setTimeout(cable.mend, 300);
    }
    return { data: { [element.id]: data.n } };
  };
  const source = definitions(line('a', 'b') + task('a') + task('b'));
  const numbers = Array.from({ length: 40 }, (_, n) => n);
  const walked = await Promise.all(numbers.map((n) => connector.run({ source, data: { n } })));
  assert.deepEqual(walked.map(({ data }) => data), numbers.map((n) => ({ n, a: n, b: n })));
  // A job may come twice when its confirm was cut off, but never under another id.
  assert.equal(new Set(opened.worker.jobs.map(({ id }) => id)).size, 80);
  assert.ok(cuts >= 1 && lost.length >= 1);
  await until(async () => (await opened.messages('results.default')) === 0);
});

test('jobs that begin while there is no broker are sent when there is one', async (t) => {
  const opened = await scene(t);
  const cable = await proxy(t, URL);
  const connector = await opened.connect({ url: cable.url });
  cable.cut();
  await new Promise((resolve) => connector.once('disconnected', resolve));
  const walked = connector.run({ source: single({}) });
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.equal(opened.worker.jobs.length, 0);
  cable.mend();
  assert.equal((await walked).status, 'completed');
});

test('a queue that is taken away is declared again', async (t) => {
  const opened = await scene(t);
  const connector = await opened.connect();
  const connection = await amqp.connect(URL);
  const channel = await connection.createChannel();
  await channel.deleteQueue(`${opened.prefix}.results.default`);
  await connection.close();
  const [reason] = await new Promise((resolve) => connector.once('disconnected', (...all) => resolve(all)));
  assert.match(reason.message, /has taken away the queue/);
  assert.equal((await connector.run({ source: single({}) })).status, 'completed');
});

test('what an engine declares is what the product declares', async (t) => {
  const opened = await scene(t, { worker: false });
  await opened.connect();
  const connection = await amqp.connect(URL);
  const channel = await connection.createChannel();
  // The scene has declared the exchanges; the engine would have been refused, had it declared them otherwise.
  await channel.checkExchange(`${opened.prefix}.jobs`);
  const { consumerCount } = await channel.checkQueue(`${opened.prefix}.results.default`);
  assert.equal(consumerCount, 1);
  await connection.close();
});

test('exchanges that mean something else are a readable refusal', async (t) => {
  const opened = await scene(t);
  const connection = await amqp.connect(URL);
  const channel = await connection.createChannel();
  await channel.deleteExchange(`${opened.prefix}.control`);
  await channel.assertExchange(`${opened.prefix}.control`, 'topic', { durable: true });
  await connection.close();
  await assert.rejects(opened.connect(), /^Error: RabbitMQ at .*PRECONDITION_FAILED.*control/);
});

test('two processes cannot be one engine', async (t) => {
  const opened = await scene(t);
  await opened.connect();
  await assert.rejects(opened.connect({ patience: 500 }), /another process is connected under this engine name/);
});

test('wrong settings are refused before a socket opens', async () => {
  await assert.rejects(connect({ engine: 'a.b' }), /engine `a\.b`: a name is 1 to 64/);
  await assert.rejects(connect({ prefix: '' }), /prefix/);
  await assert.rejects(connect({ config: 'maybe' }), /config: `maybe` is not model or deployed/);
  await assert.rejects(connect({ url: 'amqp://127.0.0.1:1', patience: 0 }), /^Error: RabbitMQ at 127\.0\.0\.1:1: /);
});

test('closing ends, wherever the connection breaks meanwhile', async (t) => {
  const opened = await scene(t, { worker: false });
  const cable = await proxy(t, URL);
  for (const leave of [true, false]) {
    for (let milliseconds = 0; milliseconds <= 8; milliseconds += 1) {
      cable.mend();
      const connector = await opened.connect({ url: cable.url });
      const closing = connector.close({ leave }).then(() => 'closed');
      const cut = sleep(milliseconds).then(cable.cut);
      const ended = await Promise.race([closing, sleep(5_000, 'still closing', { ref: false })]);
      assert.equal(ended, 'closed', `cut after ${milliseconds} ms`);
      await cut;
    }
  }
});
