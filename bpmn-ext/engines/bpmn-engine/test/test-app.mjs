// The fixture of the tests: its own prefix on a real broker, a stub worker, and engines.

import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import amqp from 'amqplib';

import { connect } from '../src/index.mjs';

export const URL = process.env.AMQP_URL || 'amqp://guest:guest@127.0.0.1:5672';

/** A test application; everything that it declares is deleted after the test. */
export async function testApp(test, { worker = true, engine = 'default' } = {}) {
  const app = new TestApp(engine);
  await app.start(worker);
  test.after(() => app.stop());
  return app;
}

class TestApp {
  prefix = `test-${randomBytes(6).toString('hex')}`;
  worker;
  #engine;
  #connection;
  #channel;
  #directories = [];
  #connectors = [];
  #queues = new Set();

  constructor(engine) {
    this.#engine = engine;
  }

  async start(worker) {
    this.#connection = await amqp.connect(URL);
    this.#channel = await this.#connection.createConfirmChannel();
    this.#queues.add(`${this.prefix}.results.${this.#engine}`);
    await this.#channel.assertExchange(`${this.prefix}.unrouted`, 'fanout', { durable: true });
    await this.#channel.assertExchange(`${this.prefix}.jobs`, 'topic', {
      durable: true,
      arguments: { 'alternate-exchange': `${this.prefix}.unrouted` },
    });
    await this.#channel.assertExchange(`${this.prefix}.results`, 'topic', { durable: true });
    await this.#channel.assertExchange(`${this.prefix}.control`, 'fanout', { durable: true });
    if (worker) await this.startWorker();
  }

  /** Starts a worker that answers every job with `worker.answer(job)`; for undefined it sends no result. */
  async startWorker() {
    const queue = await this.queue('jobs.default', 'jobs', 'job.default');
    await this.#channel.bindQueue(queue, `${this.prefix}.unrouted`, '');
    this.worker = new StubWorker(this);
    await this.#channel.consume(queue, (message) => message && this.worker.take(message), { noAck: true });
  }

  /** Declares and binds a queue of this prefix. */
  async queue(name, exchange, key) {
    const queue = `${this.prefix}.${name}`;
    this.#queues.add(queue);
    await this.#channel.assertQueue(queue, { durable: true });
    await this.#channel.bindQueue(queue, `${this.prefix}.${exchange}`, key);
    return queue;
  }

  /** Records the messages of an exchange from now on. */
  async listen(exchange, key) {
    const queue = await this.queue(`listen-${exchange}`, exchange, key);
    const recorded = new Recorded();
    await this.#channel.consume(queue, (message) => message && recorded.add(message), { noAck: true });
    return recorded;
  }

  async messages(queue) {
    return (await this.#channel.checkQueue(`${this.prefix}.${queue}`)).messageCount;
  }

  async connect(options) {
    const connector = await connect({ url: URL, prefix: this.prefix, engine: this.#engine, ...options });
    this.#connectors.push(connector);
    return connector;
  }

  /** A directory for a store. */
  async directory() {
    const path = await mkdtemp(join(tmpdir(), 'bpmn-engine-test-'));
    this.#directories.push(path);
    return path;
  }

  /** Publishes a result for a job; `parts` replace members of the message or its properties. */
  async result(job, parts = {}, properties = {}) {
    const body = {
      job: job.id,
      process: job.process,
      request: job.request,
      element: job.element,
      status: parts.error ? 'failed' : 'completed',
      ...(!parts.error && { data: {} }),
      call: { attempts: 1, duration_ms: 1 },
      ...parts,
    };
    await this.publish('results', `result.${job.engine}.${job.process?.id ?? '-'}`, JSON.stringify(body), {
      messageId: String(job.id),
      type: 'data-connector.result.v1',
      ...properties,
    });
  }

  async publish(exchange, key, text, properties) {
    await new Promise((resolve, reject) => {
      const options = { contentType: 'application/json', persistent: true, ...properties };
      const done = (error) => (error ? reject(error) : resolve());
      this.#channel.publish(`${this.prefix}.${exchange}`, key, Buffer.from(text), options, done);
    });
  }

  async stop() {
    for (const connector of this.#connectors) await connector.close();
    for (const queue of this.#queues) await this.#channel.deleteQueue(queue);
    for (const name of ['jobs', 'unrouted', 'results', 'control']) {
      await this.#channel.deleteExchange(`${this.prefix}.${name}`);
    }
    await this.#connection.close();
    for (const path of this.#directories) await rm(path, { recursive: true });
  }
}

/** Recorded messages, in the order of arrival. */
class Recorded extends EventEmitter {
  all = [];

  add({ content, properties, fields }) {
    const message = { body: JSON.parse(content), properties, key: fields.routingKey };
    this.all.push(message);
    this.emit('message', message);
    return message;
  }

  /** Waits for the first `count` messages. */
  async first(count) {
    while (this.all.length < count) await once(this, 'message', { signal: AbortSignal.timeout(20_000) });
    return this.all.slice(0, count);
  }
}

class StubWorker extends Recorded {
  /** `(job) => members of the result`, or undefined to send none; may be asynchronous. */
  answer = () => ({ data: {} });
  #app;

  constructor(app) {
    super();
    this.#app = app;
  }

  get jobs() {
    return this.all.map(({ body }) => body);
  }

  async take(message) {
    const { body } = this.add(message);
    const parts = await this.answer(body);
    if (parts) await this.#app.result(body, parts);
  }
}

/** Waits until a condition is true. */
export async function until(condition) {
  const end = Date.now() + 20_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not within 20 s: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
