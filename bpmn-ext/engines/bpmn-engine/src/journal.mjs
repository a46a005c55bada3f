// Saves the record of a request: after the engine has finished its current turn, and one write at a time.
// Knows the order of snapshots and saves; must not know what a record holds.

import { setImmediate, setTimeout } from 'node:timers/promises';

import { backoffMs } from './backoff.mjs';

export class Journal {
  #save;
  #warn;
  #writing = Promise.resolve();
  #next;

  /** `save` takes a snapshot when it is called and resolves when that is stored; undefined without a store. */
  constructor(save, warn) {
    this.#save = save;
    this.#warn = warn;
  }

  /** Resolves when everything that happened before the call is stored. Calls of one turn share one write. */
  commit() {
    if (!this.#save) return Promise.resolve();
    this.#next ??= this.#writing.then(async () => {
      // bpmn-engine works synchronously; before the end of its turn, its state is inconsistent.
      await setImmediate();
      this.#next = undefined;
      await this.#write();
    });
    this.#writing = this.#next;
    return this.#next;
  }

  async #write() {
    for (let tries = 0; ; tries += 1) {
      try {
        return await this.#save();
      } catch (error) {
        // Continuing would publish jobs that are unknown after a restart.
        this.#warn(`the request cannot be stored, trying again: ${error.message}`);
        await setTimeout(backoffMs(tries));
      }
    }
  }
}
