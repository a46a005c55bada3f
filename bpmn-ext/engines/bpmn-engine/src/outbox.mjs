// Unconfirmed messages: each is published again until the broker confirms it and has routed it to a queue (CONTRACT 2).
// Knows confirms, returns and backoff; must not know what the messages hold.

import { EventEmitter } from 'node:events';

import { backoffMs } from './backoff.mjs';

/** Emits `returned` ({id, exchange, key, wait}) for each message that the broker returns as unroutable. */
export class Outbox extends EventEmitter {
  #messages = new Map();
  #channel;

  /** Publishes a message until it is confirmed, then calls `onConfirmed`. Does nothing for a message_id that is pending. */
  put(message, onConfirmed = () => {}) {
    const id = message.options.messageId;
    if (this.#messages.has(id)) return;
    this.#messages.set(id, { id, ...message, onConfirmed, tries: 0, timer: undefined });
    this.#send(id);
  }

  /** Stops publishing a message; it may have been delivered already. */
  remove(id) {
    clearTimeout(this.#messages.get(id)?.timer);
    this.#messages.delete(id);
  }

  /** Uses a new channel, and publishes all unconfirmed messages again. */
  attach(channel) {
    this.#channel = channel;
    channel.on('return', ({ properties }) => {
      const message = this.#messages.get(properties.messageId);
      if (message) message.returned = true;
    });
    for (const message of this.#messages.values()) {
      clearTimeout(message.timer);
      this.#send(message.id);
    }
  }

  /** Stops publishing until there is a new channel. */
  detach() {
    this.#channel = undefined;
    for (const message of this.#messages.values()) clearTimeout(message.timer);
  }

  #send(id) {
    const channel = this.#channel;
    const message = this.#messages.get(id);
    if (!channel || !message) return;
    message.returned = false;
    try {
      channel.publish(message.exchange, message.key, message.body, message.options, (error) => {
        if (channel === this.#channel && message === this.#messages.get(id)) this.#confirmed(message, error);
      });
    } catch (error) {
      // The channel is closing; the message is published on the next one.
      if (error.name !== 'IllegalOperationError') throw error;
    }
  }

  #confirmed(message, error) {
    if (!error && !message.returned) {
      this.#messages.delete(message.id);
      message.onConfirmed();
      return;
    }
    const wait = backoffMs(message.tries);
    message.tries += 1;
    message.timer = setTimeout(() => this.#send(message.id), wait);
    const { id, exchange, key } = message;
    if (message.returned) this.emit('returned', { id, exchange, key, wait });
  }
}
