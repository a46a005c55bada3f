// The request's data, which bpmn-engine keeps as variables of its environments.
// Knows where variables live and which names are not data; nothing of jobs.

/** Names that a result never writes (CONTRACT 3). */
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

/** Variables of these names are overwritten by bpmn-engine with its own message, whenever a process begins or resumes. */
const TAKEN_BY_ENGINE = ['fields', 'content', 'properties'];

/** The variables that bpmn-engine would overwrite, so that they can be put back. */
export function endangered(data) {
  return Object.fromEntries(TAKEN_BY_ENGINE.filter((name) => name in data).map((name) => [name, data[name]]));
}

/** Takes bpmn-engine's own message out of an environment's variables, and puts the request's own values back. */
export function tidy(environment, saved) {
  const { variables } = environment;
  const intruded = variables.content?.executionId !== undefined && variables.fields?.routingKey !== undefined;
  if (!intruded) return;
  for (const name of TAKEN_BY_ENGINE) {
    if (name in saved) variables[name] = saved[name];
    else delete variables[name];
  }
}

/** Without the names that no result may write. */
export function writable(data) {
  return Object.fromEntries(Object.entries(data ?? {}).filter(([name]) => !RESERVED.has(name)));
}

/** Merges into the scope of an activity and into those around it, since sub-processes work on copies. */
export function merge(activity, data, saved) {
  for (const environment of scopesOf(activity)) Object.assign(environment.variables, data);
  Object.assign(saved, endangered(data));
}

/** The request's data when a request has ended. */
export function dataOf(execution, saved) {
  const data = {};
  for (const definition of execution.definitions) {
    for (const process of definition.getExecutableProcesses()) {
      tidy(process.environment, saved);
      Object.assign(data, process.environment.variables);
    }
  }
  return data;
}

function* scopesOf(activity) {
  let { context } = activity;
  yield context.environment;
  // The instances of a repeated sub-process keep their data to themselves.
  while (context.owner?.isSubProcess && !context.owner.isMultiInstance) {
    context = context.owner.context;
    yield context.environment;
  }
}
