// Data Connector for bpmn-engine: the public interface.

import { Connector } from './connector.mjs';

export { conn, pm } from './moddle.mjs';
export { DirectoryStore } from './store.mjs';

/**
 * Connects an engine to the workers behind a RabbitMQ.
 *
 * - `url`: of the broker, `amqp://…`
 * - `prefix`: the prefix of the names of exchanges, the same as the workers' (`data-connector`)
 * - `engine`: this process's name among engines, `[A-Za-z0-9_-]{1,64}` (`default`); no two processes may share one
 * - `store`: a directory, or `{load(id), save(id, record), unfinished()}`; without one, requests are in memory only
 * - `config`: `model` sends each element's configuration with its jobs (the default), `deployed` lets the workers look it up
 * - `parkFor`: milliseconds that a result waits for a request that this process does not know yet (15 minutes)
 * - `patience`: milliseconds to wait for the first connection (30 seconds); later, reconnecting has no limit
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
