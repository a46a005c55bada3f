// What can have happened before an element. Knows sequence flows, boundary events, links and sub-processes; must not know
// connectors. In doubt a path is assumed, so that no variable is hidden that may be there.

import type { ModdleElement } from '../call/moddle';

/** The flow nodes from which a token can come to an element, nearest first; the element itself when it is in a cycle. */
export function before(element: ModdleElement): ModdleElement[] {
  const found = new Set<ModdleElement>();
  const queue = predecessors(element);
  for (let next = queue.shift(); next; next = queue.shift()) {
    if (found.has(next)) continue;
    found.add(next);
    queue.push(...inside(next), ...predecessors(next));
  }
  return [...found];
}

function predecessors(of: ModdleElement): ModdleElement[] {
  const found: ModdleElement[] = (of.get('incoming') ?? []).map((flow: ModdleElement) => flow.get('sourceRef')).filter(Boolean);
  const host = of.$type === 'bpmn:BoundaryEvent' ? of.get('attachedToRef') : undefined;
  if (host) found.push(host);
  const container = of.$parent;
  if (!container) return found;
  const siblings: ModdleElement[] = container.get('flowElements') ?? [];
  const link = linkName(of);
  if (link !== undefined) {
    found.push(...siblings.filter((other) => other.$type === 'bpmn:IntermediateThrowEvent' && linkName(other) === link));
  }
  // An event sub-process can begin while any of its siblings has run.
  if (of.get('triggeredByEvent') === true) found.push(...siblings.filter((other) => other !== of && isNode(other)));
  if (found.length === 0 && isContainer(container)) found.push(...predecessors(container));
  return found;
}

function inside(of: ModdleElement): ModdleElement[] {
  return isContainer(of) ? (of.get('flowElements') ?? []).filter(isNode) : [];
}

function isContainer(of: ModdleElement): boolean {
  return ['bpmn:SubProcess', 'bpmn:AdHocSubProcess', 'bpmn:Transaction'].includes(of.$type);
}

function isNode(of: ModdleElement): boolean {
  return of.$type !== 'bpmn:SequenceFlow' && of.get('id') !== undefined && !of.$type.startsWith('bpmn:Data');
}

function linkName(of: ModdleElement): string | undefined {
  const definitions: ModdleElement[] = /Event$/.test(of.$type) ? (of.get('eventDefinitions') ?? []) : [];
  return definitions.find((definition) => definition.$type === 'bpmn:LinkEventDefinition')?.get('name');
}
