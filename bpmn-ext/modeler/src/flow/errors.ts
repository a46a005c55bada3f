// The error events that catch what an element throws. Knows boundary events and event sub-processes; not connectors.

import type { ModdleElement } from '../call/moddle';

/** An event that catches errors. */
export interface Catcher {
  event: ModdleElement;
  /** Undefined when it catches any. */
  code?: string;
}

/** The error events around an element, nearest first. */
export function catchers(element: ModdleElement): Catcher[] {
  const found: Catcher[] = [];
  for (let inner: ModdleElement | undefined = element; inner?.$parent; inner = inner.$parent) {
    const siblings: ModdleElement[] = inner.$parent.get('flowElements') ?? [];
    for (const other of siblings) {
      if (other.$type === 'bpmn:BoundaryEvent' && other.get('attachedToRef') === inner) found.push(...caught(other));
    }
    for (const other of siblings.filter((candidate) => candidate.$type === 'bpmn:SubProcess' && candidate.get('triggeredByEvent'))) {
      const starts: ModdleElement[] = (other.get('flowElements') ?? []).filter((event: ModdleElement) => event.$type === 'bpmn:StartEvent');
      found.push(...starts.flatMap(caught));
    }
  }
  return found;
}

/** The event that catches a code: one of the nearest element with that code, else one that catches any. */
export function catcherOf(element: ModdleElement, code: string): ModdleElement | undefined {
  const all = catchers(element);
  return (all.find((catcher) => catcher.code === code) ?? all.find((catcher) => catcher.code === undefined))?.event;
}

function caught(event: ModdleElement): Catcher[] {
  const definitions: ModdleElement[] = event.get('eventDefinitions') ?? [];
  return definitions.filter((definition) => definition.$type === 'bpmn:ErrorEventDefinition').map((definition) => {
    const code = definition.get('errorRef')?.get('errorCode') as string | undefined;
    return code ? { event, code } : { event };
  });
}
