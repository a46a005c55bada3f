// The broker: one connection after the other, what an engine may declare (CONTRACT 1), and its own result queue.
// Knows AMQP; nothing of jobs or engines.

import { EventEmitter } from 'node:events';

import amqp from 'amqplib';

import { waitAfter } from './backoff.mjs';

/** Results that are being worked on at once. */
const PREFETCH = 1000;
/** Seconds; a broker that dies without a word is noticed after two of them. */
const HEARTBEAT = 10;
const DIAL_MS = 10_000;
const RESULT_QUEUE = {
  durable: true,
  // The delivery limit is the project's usual one; without it, some brokers drop a result after 20 deliveries.
  arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': 1000 },
};

/**
 * Emits `connected`, `disconnected` (reason) and `delivery` ({message, ack}).
 * Reconnects for as long as it is not closed, with waits of 0.2 to 30 s.
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

  /** Connects; rejects with the last problem when that takes more than `patience` milliseconds. */
  async open(patience) {
    const until = Date.now() + patience;
    for (let tries = 0; ; tries += 1) {
      try {
        await this.#connect();
        break;
      } catch (error) {
        const wait = waitAfter(tries);
        if (isFinal(error) || Date.now() + wait > until) throw readable(error, this.#url);
        await this.#pause(wait);
      }
    }
    this.#running = this.#keepConnected();
  }

  /** Closes; what is not confirmed or acknowledged stays so. With `leave`, the result queue goes as well. */
  async close({ leave = false } = {}) {
    this.#closed = true;
    this.#wake();
    const consumer = this.#channels.at(-1);
    if (leave && consumer) await consumer.deleteQueue(this.#names.resultQueue).catch(() => {});
    // Channels first: amqplib may close a connection before the last acknowledgements of its channels have left.
    for (const channel of this.#channels) await closed(channel);
    // Whether the broker says goodbye or not: this ends when the connection is gone.
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
      await this.#pause(waitAfter(tries));
      if (this.#closed) return;
      try {
        await this.#connect();
      } catch (error) {
        tries += 1;
        this.emit('disconnected', readable(error, this.#url));
      }
    }
  }

  async #connect() {
    const connection = await amqp.connect(this.#url, {
      timeout: DIAL_MS,
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
    // Two processes with one engine name would take each other's results. Brokers do not enforce exclusive consumers on
    // quorum queues, but they do enforce queues that belong to one connection and vanish with it.
    await channel.assertQueue(lock, { exclusive: true, durable: false });
    await channel.assertExchange(unrouted, 'fanout', { durable: true });
    await channel.assertExchange(jobs, 'topic', { durable: true, arguments: { 'alternate-exchange': unrouted } });
    await channel.assertExchange(results, 'topic', { durable: true });
    await channel.assertExchange(control, 'fanout', { durable: true });
    await channel.assertQueue(resultQueue, RESULT_QUEUE);
    await channel.bindQueue(resultQueue, results, resultPattern);
    await closed(channel);
  }

  async #channel(connection, kind) {
    const channel = await connection[kind]();
    channel.on('error', (error) => connection.emit('fault', error));
    // A closed channel is as good as a closed connection: all of it is built anew.
    channel.on('close', () => connection.close().catch(() => {}));
    return channel;
  }

  async #consume(connection, channel) {
    const onMessage = (message) => {
      if (message === null) {
        // Taken away by ourselves.
        if (this.#closed) return;
        connection.emit('fault', new Error(`the broker has taken away the queue ${this.#names.resultQueue}`));
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

/** Closes a channel, but not the connection with it. */
async function closed(channel) {
  channel.removeAllListeners('close');
  // amqplib forgets whoever waits for the end of a channel when its connection ends first.
  const gone = new Promise((resolve) => channel.once('close', resolve));
  await Promise.race([gone, channel.close().catch(() => {})]);
}

/** Resolves with the reason when a connection is gone. */
async function lost(connection) {
  let reason;
  const note = (error) => (reason ??= error);
  connection.on('error', note);
  connection.on('fault', note);
  await new Promise((resolve) => connection.on('close', resolve));
  return reason ?? new Error('the connection was closed');
}

/** On a channel that is gone, there is nothing to acknowledge: the broker delivers again. */
function acknowledge(channel, message) {
  try {
    channel.ack(message);
  } catch (error) {
    if (error.name !== 'IllegalOperationError') throw error;
  }
}

/** Whether a person has to change something first: wrong credentials, or a name that means something else already. */
function isFinal({ message }) {
  return /ACCESS-REFUSED|PRECONDITION[_-]FAILED/.test(message);
}

function withHeartbeat(url) {
  const address = new URL(url);
  if (!address.searchParams.has('heartbeat')) address.searchParams.set('heartbeat', String(HEARTBEAT));
  return address.href;
}

function readable(error, url) {
  const { hostname, port } = new URL(url);
  const place = `RabbitMQ at ${hostname}:${port || 5672}`;
  const message = error.message || error.code || String(error);
  if (/RESOURCE[_-]LOCKED/.test(message)) {
    return new Error(`${place}: another process is connected under this engine name; give each its own`, { cause: error });
  }
  return new Error(`${place}: ${message}`, { cause: error });
}
