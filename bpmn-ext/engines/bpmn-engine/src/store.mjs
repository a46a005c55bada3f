// Stores requests on disk, one file for each. Knows files; must not know what a record holds.

import { createHash } from 'node:crypto';
import { mkdir, open, readFile, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';

/** A store in a directory, which is created if needed. Any object with the same three methods is a store as well. */
export class DirectoryStore {
  #directory;

  constructor(directory) {
    this.#directory = directory;
  }

  /** The record of a request, or undefined. */
  async load(requestId) {
    return this.#read(fileName(requestId));
  }

  /** Replaces the record of a request; resolves when it is on disk. */
  async save(requestId, record) {
    // Before the first `await`, since the record changes meanwhile.
    const text = JSON.stringify(record);
    await mkdir(this.#directory, { recursive: true });
    const path = join(this.#directory, fileName(requestId));
    const file = await open(`${path}.tmp`, 'w');
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${path}.tmp`, path);
    const directory = await open(this.#directory, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }

  /** Ids of the requests that have not ended. */
  async unfinished() {
    const found = [];
    for (const name of await this.#names()) {
      const record = await this.#read(name);
      if (record?.status === 'running') found.push(record.request);
    }
    return found;
  }

  async #names() {
    try {
      return (await readdir(this.#directory)).filter((name) => name.startsWith('request-') && name.endsWith('.json'));
    } catch (error) {
      if (error.code === 'ENOENT') return [];
      throw error;
    }
  }

  async #read(name) {
    const path = join(this.#directory, name);
    let text;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    }
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new Error(`${path} is not a stored request: ${error.message}`, { cause: error });
    }
  }
}

function fileName(requestId) {
  const readable = encodeURIComponent(requestId);
  const short = readable.length <= 150 ? readable : createHash('sha256').update(requestId).digest('hex');
  return `request-${short}.json`;
}
