// A job as an engine publishes it (CONTRACT 2). Pure.

import { createHash } from 'node:crypto';

import { iterationData } from './loop.mjs';
import { objectIn, queueOf } from './dialect.mjs';

/**
 * The id of an activation: the same for the same execution of an element, before and after a restart, so that it need
 * not be stored before the job is published. A UUID of version 8 (RFC 9562) from a SHA-256.
 */
export function jobId(...activation) {
  const bytes = createHash('sha256').update(JSON.stringify(activation)).digest().subarray(0, 16);
  bytes[6] = (bytes[6] & 0x0f) | 0x80;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** `{queue, body}` of an activation; the body is text, so that it is the same each time it is sent. */
export function job({ id, engine, request, activity, content, omitConfig, batchSize }) {
  const { config, errorHandling, loop } = activity.behaviour.dataConnector;
  const requestData = activity.environment.variables;
  const visible =
    loop && content.isMultiInstance
      ? iterationData({ content, loop, config: objectIn(config), requestData, batchSize })
      : { data: requestData, variables: content.isMultiInstance ? { loopCounter: content.index + 1 } : undefined };
  const body = {
    id,
    engine,
    process: { id: processOf(activity).id, version: request.version },
    request: { id: request.id },
    element: { id: activity.id, name: activity.name, token: content.executionId },
    ...(!omitConfig && { config, errorHandling }),
    ...visible,
  };
  return { queue: queueOf(config), body: JSON.stringify(body) };
}

/** The innermost process around an activity. */
function processOf(activity) {
  let { owner } = activity.context;
  while (owner.isSubProcess) owner = owner.context.owner;
  return owner;
}
