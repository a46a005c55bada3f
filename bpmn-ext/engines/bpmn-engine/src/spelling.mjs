// Which elements of a model are connectors, and what their configuration is in a job (CONTRACT 2 and 5).
// Knows both spellings; nothing of engines or brokers.

const IMPLEMENTATIONS = new Set([
  'package-data-sources/data-source-task-service',
  'package-data-sources/datasource-task-service',
]);
const CALLED = 'data_source_callback-data_source_sub_process';

/**
 * `{config, errorHandling?}` of an element as bpmn-engine has read it, or undefined for any other element.
 * Where an element is a connector in both spellings, ours is used.
 */
export function connectorOf(element) {
  return ownSpelling(element) ?? processMakerSpelling(element);
}

/** `config.queue`, or `default` when there is none that can name a queue. */
export function queueOf(config) {
  const queue = objectIn(config).queue;
  return typeof queue === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(queue) ? queue : 'default';
}

/** A configuration as an object; one that is broken is empty here, and the worker says what is wrong with it. */
export function objectIn(config) {
  if (typeof config !== 'string') return config ?? {};
  try {
    return JSON.parse(config) ?? {};
  } catch {
    return {};
  }
}

function ownSpelling({ $type, extensionElements }) {
  if ($type !== 'bpmn:ServiceTask' && $type !== 'bpmn:SendTask') return undefined;
  const found = extensionElements?.values?.find((value) => value.$type === 'conn:DataConnector');
  return found && { config: configOf(found) };
}

function processMakerSpelling({ $type, implementation, calledElement, config, errorHandling }) {
  const implemented = IMPLEMENTATIONS.has(implementation?.trim());
  const called = $type === 'bpmn:CallActivity' && (implemented || calledElement?.trim() === CALLED);
  if (!called && !($type === 'bpmn:ServiceTask' && implemented)) return undefined;
  // As it stands, broken or not: the worker names the mistake.
  const connector = { config: config ?? {} };
  if (!['', 'null'].includes(errorHandling?.trim() ?? '')) connector.errorHandling = errorHandling;
  return connector;
}

function configOf(connector) {
  const { inputs, outputs, retry, errorMappings } = connector;
  return defined({
    dataSource: connector.connector,
    endpoint: connector.resource,
    queue: connector.queue,
    repeat: connector.repeat,
    // An absent list is not an empty one: without rows the resource's own headers are sent.
    outboundConfig: inputs?.map(inputRow),
    dataMapping: outputs?.map(outputRow),
    retry: retry && retryPolicy(retry),
    timeout: connector.timeout?.value,
    errorMapping: errorMappings?.map(({ when, code, message }) => defined({ when, code, message })),
    success: connector.success?.statuses,
  });
}

function inputRow({ type, key, value, format = 'mustache' }) {
  return defined({ type: type?.trim().toUpperCase(), key, value, format });
}

function outputRow({ variable, source = '', format = 'dotNotation' }) {
  return defined({ key: variable, value: source, format });
}

function retryPolicy({ attempts, wait, backoff, maxWait, budget, statuses }) {
  const number = /^\s*\d+\s*$/.test(attempts ?? '') ? Number(attempts) : attempts;
  return defined({ attempts: number, wait, backoff, maxWait, budget, statuses });
}

function defined(members) {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
