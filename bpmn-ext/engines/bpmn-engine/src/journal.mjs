// When a request's record is written: as it is after the engine has come to rest, and never twice at once.
// Knows the order of snapshots and saves; nothing of what is in them.

import { setImmediate, setTimeout } from 'node:timers/promises';

import { waitAfter } from './backoff.mjs';

export class Journal {
  #save;
  #warn;
  #writing = Promise.resolve();
  #next;

  /** `save` takes a snapshot when it is called and resolves when that is stored; undefined when nothing is stored. */
  constructor(save, warn) {
    this.#save = save;
    this.#warn = warn;
  }

  /** Resolves when everything that has happened before the call is stored. Calls of one turn share one write. */
  commit() {
    if (!this.#save) return Promise.resolve();
    this.#next ??= this.#writing.then(async () => {
      // bpmn-engine works in one go; before it has come to rest, its state is that of a task half done.
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
        // Going on would publish jobs that a restart knows nothing of.
        this.#warn(`the request cannot be stored, trying again: ${error.message}`);
        await setTimeout(waitAfter(tries));
      }
    }
  }
}
