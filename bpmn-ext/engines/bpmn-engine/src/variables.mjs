// The request's data, which bpmn-engine stores as variables of its environments.
// Knows those environments and which names are not data; must not know jobs.

/** Variables that belong to the engine: a result never carries them (CONTRACT 3). */
const RESERVED = new Set([
  '_user',
  '_request',
  '_parent',
  'loopCounter',
  'numberOfInstances',
  'numberOfActiveInstances',
  'numberOfCompletedInstances',
  'numberOfTerminatedInstances',
  'loopCharacteristics',
]);

/** bpmn-engine overwrites variables of these names with its own message whenever a process starts or resumes. */
const OVERWRITTEN = ['fields', 'content', 'properties'];

/** The variables that bpmn-engine would overwrite, so that they can be restored. */
export function overwrittenVariables(data) {
  return Object.fromEntries(OVERWRITTEN.filter((name) => name in data).map((name) => [name, data[name]]));
}

/** Removes bpmn-engine's message from an environment's variables, and restores the request's values. */
export function restoreVariables(environment, saved) {
  const { variables } = environment;
  const isOverwritten = variables.content?.executionId !== undefined && variables.fields?.routingKey !== undefined;
  if (!isOverwritten) return;
  for (const name of OVERWRITTEN) {
    if (name in saved) variables[name] = saved[name];
    else delete variables[name];
  }
}

/** The data without the variables that belong to the engine. */
export function withoutReserved(data) {
  return Object.fromEntries(Object.entries(data ?? {}).filter(([name]) => !RESERVED.has(name)));
}

/** Merges data into the scope of an activity and its parent scopes, since sub-processes work on copies. */
export function merge(activity, data, saved) {
  for (const environment of scopesOf(activity)) Object.assign(environment.variables, data);
  Object.assign(saved, overwrittenVariables(data));
}

/** The request's data when a request has ended. */
export function dataOf(execution, saved) {
  const data = {};
  for (const definition of execution.definitions) {
    for (const process of definition.getExecutableProcesses()) {
      restoreVariables(process.environment, saved);
      Object.assign(data, process.environment.variables);
    }
  }
  return data;
}

function* scopesOf(activity) {
  let { context } = activity;
  yield context.environment;
  // The instances of a multi-instance sub-process do not share their data.
  while (context.owner?.isSubProcess && !context.owner.isMultiInstance) {
    context = context.owner.context;
    yield context.environment;
  }
}
