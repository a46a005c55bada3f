// Which of several error events on the border of a connector catches an error: one, as BPMN wants it, and the one that
// names the error before one that takes any. bpmn-engine lets all of them catch. Knows error events; nothing of jobs.

import { ErrorEventDefinition } from 'bpmn-elements';

/** bpmn-engine's error event definition, which leaves an error to the event that fits best. */
export function FittingErrorEventDefinition(activity, eventDefinition, context) {
  const definition = new ErrorEventDefinition(activity, eventDefinition, context);
  if (!activity.attachedTo?.behaviour.dataConnector) return definition;
  const onErrorMessage = definition._onErrorMessage;
  definition._onErrorMessage = (routingKey, message) => {
    if (fittingEvent(activity, message.content.error) === activity.id) onErrorMessage.call(definition, routingKey, message);
  };
  return definition;
}

/** The id of the event, beside `activity` on the same border, that an error is for. */
function fittingEvent(activity, error) {
  const { attachedTo, context } = activity;
  let takesAny;
  for (const event of context.getActivities(activity.parent.id)) {
    if (event.attachedTo?.id !== attachedTo.id) continue;
    for (const { type, behaviour } of event.behaviour.eventDefinitions ?? []) {
      if (type !== 'bpmn:ErrorEventDefinition') continue;
      const named = behaviour?.errorRef && context.getActivityById(behaviour.errorRef.id);
      if (!named) takesAny ??= event.id;
      else if (String(named.resolve({}).code) === String(error?.code)) return event.id;
    }
  }
  return takesAny;
}
