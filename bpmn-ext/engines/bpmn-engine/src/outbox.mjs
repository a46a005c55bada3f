// Messages on their way to the broker: kept until it has confirmed that somebody will get them (CONTRACT 2).
// Knows confirms, returns and waits; nothing of what the messages say.

import { EventEmitter } from 'node:events';

import { waitAfter } from './backoff.mjs';

/** Emits `returned` ({id, exchange, key, wait}) for every message that nobody takes. */
export class Outbox extends EventEmitter {
  #messages = new Map();
  #channel;

  /** Sends a message until it is confirmed; `taken` is called then. A message_id that is on its way stays as it is. */
  put(message, taken = () => {}) {
    const id = message.options.messageId;
    if (this.#messages.has(id)) return;
    this.#messages.set(id, { id, ...message, taken, tries: 0, timer: undefined });
    this.#send(id);
  }

  /** No longer of interest; one that is on its way may still arrive. */
  remove(id) {
    clearTimeout(this.#messages.get(id)?.timer);
    this.#messages.delete(id);
  }

  /** A new channel: all that was not confirmed on the last one is sent again. */
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

  /** The channel is gone. */
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
      // A channel that closes under us: the next one sends it. Anything else is this message's own fault.
      if (error.name !== 'IllegalOperationError') throw error;
    }
  }

  #confirmed(message, error) {
    if (!error && !message.returned) {
      this.#messages.delete(message.id);
      message.taken();
      return;
    }
    const wait = waitAfter(message.tries);
    message.tries += 1;
    message.timer = setTimeout(() => this.#send(message.id), wait);
    const { id, exchange, key } = message;
    if (message.returned) this.emit('returned', { id, exchange, key, wait });
  }
}
