// Data Connector for bpmn-engine: what an application imports.

import { Connector } from './connector.mjs';

export { conn, pm } from './moddle.mjs';
export { DirectoryStore } from './store.mjs';

/**
 * Connects an engine to the workers behind a RabbitMQ.
 *
 * - `url`: of the broker, `amqp://…`
 * - `prefix`: what the names of exchanges begin with, the same as the workers' (`data-connector`)
 * - `engine`: this process's name among engines, `[A-Za-z0-9_-]{1,64}` (`default`); no two processes may share one
 * - `store`: a directory, or `{load(id), save(id, record), unfinished()}`; without one, requests live in memory
 * - `config`: `model` sends each element's configuration along (the default), `deployed` lets the workers look it up
 * - `parkFor`: milliseconds that a result waits for a request that this process does not know yet (15 minutes)
 * - `patience`: milliseconds to wait for the broker at first (30 seconds); later it is waited for as long as it takes
 */
export async function connect({
  url = 'amqp://guest:guest@127.0.0.1:5672',
  prefix = 'data-connector',
  engine = 'default',
  store,
  config = 'model',
  parkFor = 15 * 60_000,
  patience = 30_000,
} = {}) {
  if (config !== 'model' && config !== 'deployed') throw new TypeError(`config: \`${config}\` is not model or deployed`);
  return new Connector({ url, prefix, engine, store, config, parkFor }).open(patience);
}
