// The connection to the broker: reconnects, declares the topology of an engine (CONTRACT 1) and consumes its result queue.
// Knows AMQP; must not know jobs or bpmn-engine.

import { EventEmitter } from 'node:events';

import amqp from 'amqplib';

import { backoffMs } from './backoff.mjs';

/** Unacknowledged results. */
const PREFETCH = 1000;
/** Seconds; an unresponsive broker is detected after two missed heartbeats. */
const HEARTBEAT = 10;
const CONNECT_TIMEOUT_MS = 10_000;
const RESULT_QUEUE = {
  durable: true,
  // The same delivery limit as on the worker's queues; RabbitMQ 4 would drop a result after 20 deliveries without it.
  arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': 1000 },
};

/**
 * Emits `connected`, `disconnected` (reason) and `delivery` ({message, ack}).
 * Reconnects until it is closed, with waits of 0.2 to 30 s.
 */
export class Session extends EventEmitter {
  #url;
  #names;
  #outbox;
  #connection;
  #channels = [];
  #closed = false;
  #wake = () => {};
  #running;

  constructor(url, names, outbox) {
    super();
    this.#url = withHeartbeat(url);
    this.#names = names;
    this.#outbox = outbox;
  }

  /** Connects; rejects with the last error after `patience` milliseconds without success. */
  async open(patience) {
    const until = Date.now() + patience;
    for (let tries = 0; ; tries += 1) {
      try {
        await this.#connect();
        break;
      } catch (error) {
        const wait = backoffMs(tries);
        if (isFinal(error) || Date.now() + wait > until) throw describedError(error, this.#url);
        await this.#pause(wait);
      }
    }
    this.#running = this.#keepConnected();
  }

  /** Closes the connection; unacknowledged results stay in the queue, unless `deleteQueue` deletes that. */
  async close({ deleteQueue = false } = {}) {
    this.#closed = true;
    this.#wake();
    const consumer = this.#channels.at(-1);
    if (deleteQueue && consumer) await consumer.deleteQueue(this.#names.resultQueue).catch(() => {});
    // Channels first: amqplib may close a connection before the last acknowledgements of its channels are sent.
    for (const channel of this.#channels) await closeChannel(channel);
    // Not awaited, since an unresponsive broker never replies; `#running` ends when the connection is closed.
    this.#connection?.close().catch(() => {});
    await this.#running;
  }

  async #keepConnected() {
    for (let tries = 0; !this.#closed; ) {
      if (this.#connection) {
        const reason = await this.#connection.lost;
        this.#connection = undefined;
        this.#outbox.detach();
        tries = 0;
        if (this.#closed) return;
        this.emit('disconnected', reason);
      }
      await this.#pause(backoffMs(tries));
      if (this.#closed) return;
      try {
        await this.#connect();
      } catch (error) {
        tries += 1;
        this.emit('disconnected', describedError(error, this.#url));
      }
    }
  }

  async #connect() {
    const connection = await amqp.connect(this.#url, {
      timeout: CONNECT_TIMEOUT_MS,
      clientProperties: { connection_name: `bpmn-engine ${this.#names.resultQueue}` },
    });
    connection.lost = lost(connection);
    try {
      await this.#declare(connection);
      const publisher = await this.#channel(connection, 'createConfirmChannel');
      const consumer = await this.#channel(connection, 'createChannel');
      await consumer.prefetch(PREFETCH);
      await this.#consume(connection, consumer);
      this.#outbox.attach(publisher);
      this.#channels = [publisher, consumer];
    } catch (error) {
      await connection.close().catch(() => {});
      throw error;
    }
    this.#connection = connection;
    this.emit('connected');
  }

  /** On a channel of its own, since a refused declaration closes the channel that it happens on. */
  async #declare(connection) {
    const { jobs, unrouted, results, control, resultQueue, resultPattern, lock } = this.#names;
    const channel = await this.#channel(connection, 'createChannel');
    // Two processes with one engine name would consume each other's results. Brokers do not enforce exclusive consumers on
    // quorum queues, but they enforce exclusive queues, which are deleted with their connection.
    await channel.assertQueue(lock, { exclusive: true, durable: false });
    await channel.assertExchange(unrouted, 'fanout', { durable: true });
    await channel.assertExchange(jobs, 'topic', { durable: true, arguments: { 'alternate-exchange': unrouted } });
    await channel.assertExchange(results, 'topic', { durable: true });
    await channel.assertExchange(control, 'fanout', { durable: true });
    await channel.assertQueue(resultQueue, RESULT_QUEUE);
    await channel.bindQueue(resultQueue, results, resultPattern);
    await closeChannel(channel);
  }

  async #channel(connection, kind) {
    const channel = await connection[kind]();
    channel.on('error', (error) => connection.emit('fault', error));
    // After a channel error, everything is set up again on a new connection.
    channel.on('close', () => connection.close().catch(() => {}));
    return channel;
  }

  async #consume(connection, channel) {
    const onMessage = (message) => {
      if (message === null) {
        // `close` has deleted the queue.
        if (this.#closed) return;
        connection.emit('fault', new Error(`the broker has deleted the queue ${this.#names.resultQueue}`));
        connection.close().catch(() => {});
        return;
      }
      this.emit('delivery', { message, ack: () => acknowledge(channel, message) });
    };
    await channel.consume(this.#names.resultQueue, onMessage);
  }

  async #pause(milliseconds) {
    if (this.#closed) return;
    let timer;
    await new Promise((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, milliseconds);
    });
    clearTimeout(timer);
  }
}

/** Closes a channel without closing its connection. */
async function closeChannel(channel) {
  channel.removeAllListeners('close');
  // amqplib never settles the promise of `close` when the connection ends first.
  const gone = new Promise((resolve) => channel.once('close', resolve));
  await Promise.race([gone, channel.close().catch(() => {})]);
}

/** Resolves with the reason when a connection is closed. */
async function lost(connection) {
  let reason;
  const note = (error) => (reason ??= error);
  connection.on('error', note);
  connection.on('fault', note);
  await new Promise((resolve) => connection.on('close', resolve));
  return reason ?? new Error('the connection was closed');
}

/** Acknowledges a message; on a closed channel that is not possible, and the broker redelivers it. */
function acknowledge(channel, message) {
  try {
    channel.ack(message);
  } catch (error) {
    if (error.name !== 'IllegalOperationError') throw error;
  }
}

/** Whether connecting again cannot help: wrong credentials, or a queue or exchange with other arguments. */
function isFinal({ message }) {
  return /ACCESS-REFUSED|PRECONDITION[_-]FAILED/.test(message);
}

function withHeartbeat(url) {
  const address = new URL(url);
  if (!address.searchParams.has('heartbeat')) address.searchParams.set('heartbeat', String(HEARTBEAT));
  return address.href;
}

function describedError(error, url) {
  const { hostname, port } = new URL(url);
  const broker = `RabbitMQ at ${hostname}:${port || 5672}`;
  const message = error.message || error.code || String(error);
  if (/RESOURCE[_-]LOCKED/.test(message)) {
    return new Error(`${broker}: another process is connected under this engine name; give each its own`, { cause: error });
  }
  return new Error(`${broker}: ${message}`, { cause: error });
}
