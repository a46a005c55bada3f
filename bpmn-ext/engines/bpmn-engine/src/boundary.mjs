// The one error boundary event of a connector that catches an error, as BPMN requires: the one with the error's code, else
// one without a code. bpmn-engine lets all of them catch. Knows error events; must not know jobs.

import { ErrorEventDefinition } from 'bpmn-elements';

/** bpmn-engine's error event definition, which ignores an error that another event of the connector catches. */
export function BestMatchErrorEventDefinition(activity, eventDefinition, context) {
  const definition = new ErrorEventDefinition(activity, eventDefinition, context);
  if (!activity.attachedTo?.behaviour.dataConnector) return definition;
  const onErrorMessage = definition._onErrorMessage;
  definition._onErrorMessage = (routingKey, message) => {
    if (matchingEvent(activity, message.content.error) === activity.id) onErrorMessage.call(definition, routingKey, message);
  };
  return definition;
}

/** The id of the boundary event, of those attached to the same element as `activity`, that catches an error. */
function matchingEvent(activity, error) {
  const { attachedTo, context } = activity;
  let catchAll;
  for (const event of context.getActivities(activity.parent.id)) {
    if (event.attachedTo?.id !== attachedTo.id) continue;
    for (const { type, behaviour } of event.behaviour.eventDefinitions ?? []) {
      if (type !== 'bpmn:ErrorEventDefinition') continue;
      const named = behaviour?.errorRef && context.getActivityById(behaviour.errorRef.id);
      if (!named) catchAll ??= event.id;
      else if (String(named.resolve({}).code) === String(error?.code)) return event.id;
    }
  }
  return catchAll;
}
