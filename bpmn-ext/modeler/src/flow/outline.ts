// The elements of a diagram as a tree in the order of the flow. Knows BPMN; must not know views.

import type { ModdleElement } from '../call/moddle';

/** A line of the outline. */
export interface OutlineItem {
  element: ModdleElement;
  level: number;
  hasChildren: boolean;
}

/** The items of a process, or of a collaboration with its pools, in flow order. */
export function outline(root: ModdleElement): OutlineItem[] {
  const items: OutlineItem[] = [];
  const visit = (element: ModdleElement, level: number): void => {
    const children = childrenOf(element);
    items.push({ element, level, hasChildren: children.length > 0 });
    for (const child of children) visit(child, level + 1);
  };
  visit(root, 1);
  return items;
}

/** What an element is called in the outline. */
export function typeWord(element: ModdleElement): string {
  const words = element.$type.slice(element.$type.indexOf(':') + 1).replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
  const definition = /Event$/.test(element.$type) ? (element.get('eventDefinitions') ?? [])[0] : undefined;
  const kind = definition ? `${definition.$type.slice(5).replace(/EventDefinition$/, '').toLowerCase()} ` : '';
  const text = kind + words;
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function childrenOf(element: ModdleElement): ModdleElement[] {
  if (element.$type === 'bpmn:Collaboration') return element.get('participants') ?? [];
  const container = element.$type === 'bpmn:Participant' ? element.get('processRef') : element;
  const nodes: ModdleElement[] = (container?.get('flowElements') ?? []).filter(isNode);
  const hosts = nodes.filter((node) => node.$type !== 'bpmn:BoundaryEvent');
  const attached = (host: ModdleElement): ModdleElement[] => nodes.filter((node) => node.$type === 'bpmn:BoundaryEvent' && node.get('attachedToRef') === host);
  if (element.$type !== 'bpmn:Process' && element.$type !== 'bpmn:Participant' && element.$type !== 'bpmn:Collaboration') {
    const siblings: ModdleElement[] = (element.$parent?.get('flowElements') ?? []).filter((node: ModdleElement) => node.$type === 'bpmn:BoundaryEvent');
    return [...siblings.filter((node) => node.get('attachedToRef') === element), ...inFlowOrder(hosts, attached)];
  }
  return inFlowOrder(hosts, attached);
}

/** From the starts along the flows; what no start reaches follows in the file's order. */
function inFlowOrder(nodes: ModdleElement[], attached: (host: ModdleElement) => ModdleElement[]): ModdleElement[] {
  const among = new Set(nodes);
  const seen = new Set<ModdleElement>();
  const starts = nodes.filter((node) => (node.get('incoming') ?? []).length === 0);
  const isStart = (node: ModdleElement): boolean => node.$type === 'bpmn:StartEvent';
  const walk = (from: ModdleElement): void => {
    const stack = [from];
    for (let node = stack.pop(); node; node = stack.pop()) {
      if (seen.has(node) || !among.has(node)) continue;
      seen.add(node);
      const sources = [node, ...attached(node)];
      const next = sources.flatMap((source) => (source.get('outgoing') ?? []).map((flow: ModdleElement) => flow.get('targetRef')).filter(Boolean));
      stack.push(...next.reverse());
    }
  };
  for (const start of [...starts.filter(isStart), ...starts, ...nodes]) walk(start);
  return [...seen];
}

function isNode(element: ModdleElement): boolean {
  return /(Task|Activity|SubProcess|Transaction|Gateway|Event)$/.test(element.$type);
}
