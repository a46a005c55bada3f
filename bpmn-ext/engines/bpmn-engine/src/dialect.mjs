// The connectors of a model and the configuration that their jobs carry (CONTRACT 2 and 5).
// Knows both dialects; must not know engines or brokers.

const IMPLEMENTATIONS = new Set([
  'package-data-sources/data-source-task-service',
  'package-data-sources/datasource-task-service',
]);
const CALLED_ELEMENT = 'data_source_callback-data_source_sub_process';

/**
 * `{config, errorHandling?}` of an element as bpmn-engine has read it, or undefined for any other element.
 * If an element is a connector in both dialects, our extension is used.
 */
export function connectorOf(element) {
  return extensionConnector(element) ?? processMakerConnector(element);
}

/** `config.queue`, or `default` if that is not a valid name of a queue. */
export function queueOf(config) {
  const queue = objectIn(config).queue;
  return typeof queue === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(queue) ? queue : 'default';
}

/** A configuration as an object; empty if it is not valid JSON, which the worker reports. */
export function objectIn(config) {
  if (typeof config !== 'string') return config ?? {};
  try {
    return JSON.parse(config) ?? {};
  } catch {
    return {};
  }
}

function extensionConnector({ $type, extensionElements }) {
  if ($type !== 'bpmn:ServiceTask' && $type !== 'bpmn:SendTask') return undefined;
  const found = extensionElements?.values?.find((value) => value.$type === 'conn:DataConnector');
  return found && { config: configOf(found) };
}

function processMakerConnector({ $type, implementation, calledElement, config, errorHandling }) {
  const implemented = IMPLEMENTATIONS.has(implementation?.trim());
  const called = $type === 'bpmn:CallActivity' && (implemented || calledElement?.trim() === CALLED_ELEMENT);
  if (!called && !($type === 'bpmn:ServiceTask' && implemented)) return undefined;
  // Unparsed: the worker reports invalid JSON.
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
    // An absent list is not an empty one: when it is absent, the headers of the resource are sent.
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
