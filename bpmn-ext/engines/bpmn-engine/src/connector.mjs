// Connects requests with the broker: publishes jobs, and hands each result to the request that waits for it.
// Knows the duties of an engine (CONTRACT 2 to 4); must not know models.

import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';

import { namesOf } from './names.mjs';
import { Outbox } from './outbox.mjs';
import { Request, newRecord } from './request.mjs';
import { Session } from './session.mjs';
import { DirectoryStore } from './store.mjs';

const JOB = 'data-connector.job.v1';
const RESULT = 'data-connector.result.v1';
const CANCEL = 'data-connector.cancel.v1';
/** Ended requests that are remembered, so that their late results are recognized. */
const MAX_ENDED = 10_000;
/** Parked results, whose request is not known yet; well below the prefetch of the session. */
const MAX_PARKED = 500;

/**
 * An engine's connection to the workers. Emits `warning` (text), `connected`, `disconnected` (reason), and `returned`
 * ({id, exchange, key, wait}) for a job that the broker could not route to a queue.
 */
export class Connector extends EventEmitter {
  engineName;
  /** Whether jobs carry no configuration, so that workers use the deployed one. */
  omitConfig;
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
    this.omitConfig = config === 'deployed';
    this.store = typeof store === 'string' ? new DirectoryStore(store) : store;
    this.#parkFor = parkFor;
    this.#names = namesOf(prefix, engine);
    this.#session = new Session(url, this.#names, this.#outbox);
    this.#outbox.on('returned', (message) => this.emit('returned', message));
    this.#session.on('delivery', (delivery) => this.#onDelivery(delivery));
    this.#session.on('connected', () => this.emit('connected'));
    this.#session.on('disconnected', (reason) => {
      // The broker redelivers them, since they are not acknowledged.
      for (const id of [...this.#parked.keys()]) this.#unpark(id);
      this.emit('disconnected', reason);
    });
  }

  /** Connects; rejects after `patience` milliseconds without success. */
  async open(patience) {
    await this.#session.open(patience);
    return this;
  }

  /**
   * A bpmn-engine whose connector elements are run by workers. Accepts bpmn-engine's options and: `requestId`, which must
   * be new, `data`, the request's data, and `version` of the process.
   */
  createEngine(options = {}) {
    return this.createRequest(options).engine;
  }

  /** The same as a `Request`, which emits events. */
  createRequest({ requestId = randomUUID(), version, data = {}, ...engineOptions } = {}) {
    const record = newRecord({ requestId: String(requestId), version, data, name: engineOptions.name });
    const request = new Request(this, record, engineOptions);
    this.#requests.set(request.id, request);
    return request;
  }

  /**
   * Runs a model to its end: `{request, status, before, data, path}`; rejects with the error that ended it, which has the
   * same members. With a store, the outcome of a request that has ended is returned again, and an interrupted request is
   * resumed. `watch` is called with the `Request` before it starts.
   */
  async run({ watch, ...options }) {
    const stored = options.requestId === undefined ? undefined : await this.store?.load(String(options.requestId));
    if (stored && stored.status !== 'running') return outcome(stored);
    const request = stored ? this.#recovered(stored, options) : this.createRequest(options);
    watch?.(request);
    // Without a listener, bpmn-engine would throw the error.
    request.engine.on('error', (error) => request.fail(error));
    const ended = new Promise((resolve) => request.once('end', resolve));
    await request.start();
    // Registered only after all its jobs are, so that no result of a resumed request counts as a late one.
    if (!this.#ended.has(request.id)) this.#requests.set(request.id, request);
    return outcome(await ended);
  }

  /** Ids of the stored requests that have not ended; `run({requestId})` resumes one. */
  async unfinished() {
    return (await this.store?.unfinished()) ?? [];
  }

  /**
   * Stops all requests, which can be resumed from the store, and closes the connection. `deleteQueue` deletes the result
   * queue of this engine, for one that does not connect under this name again.
   */
  async close(options) {
    for (const { engine } of [...this.#requests.values()]) {
      if (engine.execution?.isRunning) await engine.stop();
    }
    for (const id of [...this.#parked.keys()]) this.#unpark(id);
    await Promise.allSettled(this.#settling);
    await this.#session.close(options);
  }

  /** Emits a warning; without a listener, Node prints it. */
  warn = (text) => {
    if (!this.emit('warning', text)) process.emitWarning(text, 'DataConnectorWarning');
  };

  /** Registers a request that waits for the result of a job. */
  awaitResult(id, request) {
    this.#jobs.set(id, request);
  }

  /** Removes a job: no request waits for its result. */
  forgetJob(id) {
    this.#jobs.delete(id);
    this.#outbox.remove(id);
  }

  /** Publishes a job, unless its result has arrived already. */
  publishJob(id, { queue, body }) {
    const parked = this.#parked.get(id);
    if (parked) {
      this.#unpark(id);
      this.#settle(id, parked);
      return;
    }
    this.#outbox.put(message(this.#names.jobs, `job.${queue}`, id, JOB, body));
  }

  /** Publishes the cancellation of a job (CONTRACT 4); `onConfirmed` is called after the confirm. */
  publishCancel(id, onConfirmed) {
    const body = JSON.stringify({ id });
    this.#outbox.put(message(this.#names.control, '', `${id}.cancel`, CANCEL, body), onConfirmed);
  }

  /** Removes a request that has completed or failed. */
  requestEnded(request) {
    this.requestStopped(request);
    this.#ended.add(request.id);
    if (this.#ended.size > MAX_ENDED) this.#ended.delete(this.#ended.values().next().value);
  }

  /** Removes a request that is not running in this process any more. */
  requestStopped(request) {
    this.#requests.delete(request.id);
  }

  #recovered(record, { source, ...engineOptions }) {
    // The stored state includes the model.
    const options = { name: record.name, ...engineOptions, ...(!record.state && { source }) };
    const request = new Request(this, record, options);
    request.republishCancels();
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
    // An operator replayed the job; the request has had its first result.
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

  /** Keeps a result for a request that is not known yet: after a restart, results can arrive before their requests resume. */
  #park(id, delivery) {
    const drop = () => {
      this.#unpark(id);
      delivery.ack();
      // It is not lost: a resumed request publishes its jobs again, and the worker sends the result again.
      this.warn(`the result of job ${id} belongs to no request of this process and is dropped`);
    };
    const timer = setTimeout(drop, this.#parkFor);
    timer.unref();
    this.#parked.set(id, { ...delivery, timer, drop });
    if (this.#parked.size > MAX_PARKED) this.#parked.values().next().value.drop();
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

/** What `run` returns, or throws. */
function outcome({ request, status, before, after, path, error }) {
  const ended = { request, status, before, data: after, path: path.map(({ id }) => id) };
  if (status === 'completed') return ended;
  throw Object.assign(new Error(error.message), { name: 'RequestFailed', ...error, ...ended });
}
