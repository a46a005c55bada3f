#!/usr/bin/env node
// Runs a model with bpmn-engine and prints what happens; workers make its connectors' calls.

import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';

import { connect } from './src/index.mjs';

const USAGE = `Runs a BPMN model with bpmn-engine; Data Connector workers make its connectors' calls.

Usage: node walk.mjs [options] MODEL

  MODEL             a BPMN file
  --data FILE       the request's data, a JSON object; a list of them runs one instance each
  --url AMQP        the broker (AMQP_URL, else amqp://guest:guest@127.0.0.1:5672)
  --prefix NAME     the prefix of the names of exchanges, as for the workers (data-connector)
  --engine NAME     this process's name among engines; no two may share one (default)
  --instances N     runs N instances at once and prints one JSON line for each
  --state DIR       stores the requests there; the same command again resumes interrupted ones
  --request ID      the request's id, or the prefix of the ids of the instances
  --deployed        sends no configuration with jobs: the workers have it from \`data-connector deploy\`
  --json            prints one JSON object with the data before and after, and the path

Exit codes: 0 completed, 1 a request failed, 2 wrong usage, 69 no broker.
`;

class Usage extends Error {}

function parsedOptions() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      url: { type: 'string', default: process.env.AMQP_URL || 'amqp://guest:guest@127.0.0.1:5672' },
      prefix: { type: 'string', default: 'data-connector' },
      engine: { type: 'string', default: 'default' },
      data: { type: 'string' },
      instances: { type: 'string' },
      state: { type: 'string' },
      request: { type: 'string' },
      deployed: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (positionals.length !== 1 && !values.help) throw new Usage('one model is needed');
  return { ...values, model: positionals[0] };
}

/** The data of each instance. */
async function dataOf({ data: file, instances }) {
  const data = file === undefined ? {} : JSON.parse(await readFile(file, 'utf8'));
  const count = instances === undefined ? undefined : Number(instances);
  if (count !== undefined && !(Number.isInteger(count) && count > 0)) throw new Usage(`--instances ${instances}: a number is needed`);
  const list = Array.isArray(data) ? data : Array.from({ length: count ?? 1 }, () => data);
  if (count !== undefined && list.length !== count) {
    throw new Usage(`--instances ${count}: ${file} holds the data of ${list.length}`);
  }
  if (list.some((one) => one === null || typeof one !== 'object' || Array.isArray(one))) {
    throw new Usage(`--data ${file}: each request's data is a JSON object`);
  }
  return list;
}

/** The ids of the instances; the same ones when a run with a state directory is repeated. */
async function requestIds({ state, model, request }, count) {
  const name = basename(model).replace(/\.[^.]*$/, '');
  let base = request ?? `${name}-${randomBytes(4).toString('hex')}`;
  if (state !== undefined) base = await storedRequest(state, { request: base, model: basename(model), instances: count });
  return Array.from({ length: count }, (_, index) => (count === 1 ? base : `${base}-${index + 1}`));
}

/** The request id in a state directory, which is stored there by the first run. */
async function storedRequest(directory, walk) {
  const path = join(directory, 'walk.json');
  await mkdir(directory, { recursive: true });
  try {
    await writeFile(path, JSON.stringify(walk), { flag: 'wx' });
    return walk.request;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  const earlier = JSON.parse(await readFile(path, 'utf8'));
  if (earlier.model !== walk.model || earlier.instances !== walk.instances) {
    throw new Usage(`--state ${directory}: holds ${earlier.instances} of ${earlier.model}; take another directory`);
  }
  return earlier.request;
}

/** Prints the progress of a request. */
function printProgress(request) {
  const names = new Map();
  console.log(`request ${request.id}`);
  for (const { id } of request.record.path) console.log(`  ${id} (earlier)`);
  request.on('element', ({ id, name, type }) => {
    names.set(id, name || id);
    console.log(`  ${name || id}  [${type.replace('bpmn:', '')} ${id}]`);
  });
  request.on('result', ({ element, result }) => {
    const of = names.get(element) ?? element;
    if (result.status === 'failed') console.log(`    ${of}: failed with ${(result.bpmnError ?? result.error).code}`);
    for (const [variable, value] of Object.entries(result.data ?? {})) {
      console.log(`    ${of}: ${variable} = ${JSON.stringify(value)}`);
    }
  });
}

/** The outcome of a request, whether it completed or failed. */
async function runRequest(connector, request) {
  try {
    return await connector.run(request);
  } catch (error) {
    if (error.name !== 'RequestFailed') throw error;
    return error;
  }
}

/** The outcome as a JSON line. */
function line({ request, status, before, data, path, message, code, element, job }) {
  const error = status === 'failed' ? { error: { message, code, element, job } } : {};
  return { request, status, before, after: data, path, ...error };
}

/** Prints the outcome of a single request. */
function report(options, outcome) {
  const { request, status, error, ...rest } = line(outcome);
  if (options.json) {
    const head = { model: basename(options.model), engine: 'bpmn-engine', broker: 'rabbitmq' };
    console.log(JSON.stringify({ ...head, ...rest, ...(error && { error }) }));
    return;
  }
  console.log(error ? `failed: ${error.message}` : `completed at ${rest.path.at(-1)}`);
  console.log(`before: ${JSON.stringify(rest.before)}`);
  console.log(`after:  ${JSON.stringify(rest.after)}`);
}

async function main() {
  const options = parsedOptions();
  if (options.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const source = await readFile(options.model, 'utf8');
  const data = await dataOf(options);
  const ids = await requestIds(options, data.length);
  const several = data.length > 1 || options.instances !== undefined;

  const { url, prefix, engine, state: store, deployed } = options;
  const connector = await connect({ url, prefix, engine, store, config: deployed ? 'deployed' : 'model' }).catch((error) => {
    throw error instanceof TypeError ? new Usage(error.message) : error;
  });
  connector.on('warning', (text) => console.error(`warning: ${text}`));
  connector.on('disconnected', (reason) => console.error(`waiting for the broker: ${reason.message}`));
  for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143]]) {
    process.once(signal, () => connector.close().finally(() => process.exit(code)));
  }
  connector.once('returned', ({ key }) => console.error(`waiting for a worker: no queue is bound to ${prefix}.jobs for ${key} yet`));

  const watch = several || options.json ? undefined : printProgress;
  const walks = ids.map(async (requestId, index) => {
    const outcome = await runRequest(connector, { name: options.model, source, requestId, data: data[index], watch });
    if (several) console.log(JSON.stringify(line(outcome)));
    else report(options, outcome);
    return outcome.status;
  });
  const statuses = await Promise.all(walks);
  // Without a state directory, no later run needs the result queue.
  await connector.close({ deleteQueue: store === undefined });
  return statuses.every((status) => status === 'completed') ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  const usage = error instanceof Usage || error.code?.startsWith('ERR_PARSE_ARGS');
  console.error(`error: ${error.message}`);
  if (usage) console.error("try 'node walk.mjs --help'");
  process.exit(usage ? 2 : error.message.startsWith('RabbitMQ at ') ? 69 : 1);
}
