// Between requests and the broker: which request a result belongs to, and what becomes of it when there is none.
// Knows an engine's duties of CONTRACT 2 to 4; nothing of models.

import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';

import { namesOf } from './names.mjs';
import { Outbox } from './outbox.mjs';
import { Request, beginning } from './request.mjs';
import { Session } from './session.mjs';
import { DirectoryStore } from './store.mjs';

const JOB = 'data-connector.job.v1';
const RESULT = 'data-connector.result.v1';
const CANCEL = 'data-connector.cancel.v1';
/** Ended requests whose late results are known to be late. */
const REMEMBERED = 10_000;
/** Results without a request that are kept at once; well below what the session takes from the broker. */
const PARKED = 500;

/**
 * An engine's connection to the workers. Emits `warning` (text), `connected`, `disconnected` (reason), and `returned`
 * ({id, exchange, key, wait}) for a job that nobody takes yet.
 */
export class Connector extends EventEmitter {
  engineName;
  asDeployed;
  store;
  #names;
  #outbox = new Outbox();
  #session;
  #parkFor;
  #requests = new Map();
  /** The request of every job that waits for a result. */
  #jobs = new Map();
  #parked = new Map();
  #settling = new Set();
  #ended = new Set();

  constructor({ url, prefix, engine, store, config, parkFor }) {
    super();
    this.engineName = engine;
    this.asDeployed = config === 'deployed';
    this.store = typeof store === 'string' ? new DirectoryStore(store) : store;
    this.#parkFor = parkFor;
    this.#names = namesOf(prefix, engine);
    this.#session = new Session(url, this.#names, this.#outbox);
    this.#outbox.on('returned', (message) => this.emit('returned', message));
    this.#session.on('delivery', (delivery) => this.#onDelivery(delivery));
    this.#session.on('connected', () => this.emit('connected'));
    this.#session.on('disconnected', (reason) => {
      // The broker delivers again what was not acknowledged.
      for (const id of [...this.#parked.keys()]) this.#unpark(id);
      this.emit('disconnected', reason);
    });
  }

  /** Connects; rejects when that takes more than `patience` milliseconds. */
  async open(patience) {
    await this.#session.open(patience);
    return this;
  }

  /**
   * A bpmn-engine whose connector elements are run by workers. Takes bpmn-engine's own options and: `requestId`, which
   * must be new, `data`, the request's data, and `version` of the process.
   */
  createEngine(options = {}) {
    return this.begin(options).engine;
  }

  /** The same as a `Request`, which tells what happens. */
  begin({ requestId = randomUUID(), version, data = {}, ...engineOptions } = {}) {
    const record = beginning({ requestId: String(requestId), version, data, name: engineOptions.name });
    const request = new Request(this, record, engineOptions);
    this.#requests.set(request.id, request);
    return request;
  }

  /**
   * Walks a model to its end: `{request, status, before, data, path}`; rejects with the error that ended it, which has
   * the same members. With a store, a request that has ended is only reported, and one that was interrupted goes on.
   * `watch` is called with the `Request` before it starts.
   */
  async run({ watch, ...options }) {
    const stored = options.requestId === undefined ? undefined : await this.store?.load(String(options.requestId));
    if (stored && stored.status !== 'running') return outcome(stored);
    const request = stored ? this.#recovered(stored, options) : this.begin(options);
    watch?.(request);
    // Also keeps bpmn-engine from throwing an error that nobody listens to.
    request.engine.on('error', (error) => request.fail(error));
    const ended = new Promise((resolve) => request.once('end', resolve));
    await request.start();
    // Known only now that all its jobs are, so that no result of a resumed request is taken for a late one.
    if (!this.#ended.has(request.id)) this.#requests.set(request.id, request);
    return outcome(await ended);
  }

  /** Ids of the stored requests that have not ended; `run({requestId})` lets one go on. */
  async unfinished() {
    return (await this.store?.unfinished()) ?? [];
  }

  /**
   * Stops what is running, to be resumed from the store, and closes the connection. With `leave`, this engine does not come
   * back under its name: its result queue is deleted.
   */
  async close(options) {
    for (const { engine } of [...this.#requests.values()]) {
      if (engine.execution?.isRunning) await engine.stop();
    }
    for (const id of [...this.#parked.keys()]) this.#unpark(id);
    await Promise.allSettled(this.#settling);
    await this.#session.close(options);
  }

  /** Without a listener, Node prints it: a person has to learn of it. */
  warn = (text) => {
    if (!this.emit('warning', text)) process.emitWarning(text, 'DataConnectorWarning');
  };

  /** A request waits for the result of a job. */
  expect(id, request) {
    this.#jobs.set(id, request);
  }

  /** Nobody waits for it any more. */
  forget(id) {
    this.#jobs.delete(id);
    this.#outbox.remove(id);
  }

  /** Publishes a job, unless its result is already here. */
  publishJob(id, { queue, body }) {
    const parked = this.#parked.get(id);
    if (parked) {
      this.#unpark(id);
      this.#settle(id, parked);
      return;
    }
    this.#outbox.put(message(this.#names.jobs, `job.${queue}`, id, JOB, body));
  }

  /** Takes a job back (CONTRACT 4); `taken` is called when the broker has it. */
  publishCancel(id, taken) {
    const body = JSON.stringify({ id });
    this.#outbox.put(message(this.#names.control, '', `${id}.cancel`, CANCEL, body), taken);
  }

  /** A request has completed or failed. */
  ended(request) {
    this.left(request);
    this.#ended.add(request.id);
    if (this.#ended.size > REMEMBERED) this.#ended.delete(this.#ended.values().next().value);
  }

  /** A request goes on elsewhere, or not at all. */
  left(request) {
    this.#requests.delete(request.id);
  }

  #recovered(record, { source, ...engineOptions }) {
    // The stored state holds the model as it was.
    const options = { name: record.name, ...engineOptions, ...(!record.state && { source }) };
    const request = new Request(this, record, options);
    request.repeatCancels();
    return request;
  }

  #onDelivery({ message: { content, properties }, ack }) {
    const result = parsed(content);
    const wrongType = properties.type !== undefined && properties.type !== RESULT;
    if (wrongType || result?.job === undefined || !['completed', 'failed'].includes(result.status)) {
      this.warn(`a message on ${this.#names.resultQueue} is not a result and is dropped: ${content.subarray(0, 200)}`);
      ack();
      return;
    }
    const id = String(result.job);
    // A replay's job is not one of ours; its first result was the one that counted.
    if (result.replay !== undefined) ack();
    else if (this.#jobs.has(id)) this.#settle(id, { result, ack });
    else if (this.#isKnown(result.request?.id) || this.#parked.has(id)) ack();
    else this.#park(id, { result, ack });
  }

  #isKnown(requestId) {
    return this.#requests.has(String(requestId)) || this.#ended.has(String(requestId));
  }

  async #settle(id, { result, ack }) {
    const settled = this.#jobs.get(id).settle(id, result).then(ack);
    this.#settling.add(settled);
    await settled.finally(() => this.#settling.delete(settled));
  }

  /** A request that this process does not know yet: after a restart, results are faster than their requests. */
  #park(id, delivery) {
    const drop = () => {
      this.#unpark(id);
      delivery.ack();
      // Nothing is lost: a request that comes back publishes its jobs again, and the worker sends the result again.
      this.warn(`the result of job ${id} belongs to no request of this process and is dropped`);
    };
    const timer = setTimeout(drop, this.#parkFor);
    timer.unref();
    this.#parked.set(id, { ...delivery, timer, drop });
    if (this.#parked.size > PARKED) this.#parked.values().next().value.drop();
  }

  #unpark(id) {
    clearTimeout(this.#parked.get(id)?.timer);
    this.#parked.delete(id);
  }
}

function message(exchange, key, messageId, type, body) {
  const options = { messageId, type, contentType: 'application/json', persistent: true, mandatory: true };
  return { exchange, key, body: Buffer.from(body), options };
}

function parsed(content) {
  try {
    return JSON.parse(content);
  } catch {
    return undefined;
  }
}

/** What `run` hands out, or throws. */
function outcome({ request, status, before, after, path, error }) {
  const walked = { request, status, before, data: after, path: path.map(({ id }) => id) };
  if (status === 'completed') return walked;
  throw Object.assign(new Error(error.message), { name: 'RequestFailed', ...error, ...walked });
}
