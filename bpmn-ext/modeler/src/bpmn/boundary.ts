// "Add boundary event": an error event at an element that catches a code, as one step of Undo.

import type { ModdleElement } from '../call/moddle';
import type { Store } from './store';
import type { Canvas, Element, Injector, Modeling } from './types';

const EVENT_SIZE = 36;

/** Attaches an error event for a code, right of those that are there; the selection stays. */
export function addBoundaryEvent(injector: Injector, store: Store, element: Element, code: string): void {
  const selection = injector.get('selection');
  const modeling = injector.get<Modeling>('modeling');
  store.batch(() => {
    const shape = injector.get('elementFactory').createShape({
      type: 'bpmn:BoundaryEvent',
      eventDefinitionType: 'bpmn:ErrorEventDefinition',
    });
    const attached = ((element as any).attachers ?? []).length as number;
    const x = element.x + EVENT_SIZE / 2 + attached * (EVENT_SIZE + 8);
    const position = { x: Math.min(x, element.x + element.width), y: element.y + element.height };
    const event = modeling.createShape(shape, position, element, { attach: true });
    if (code !== '') {
      const definition = event.businessObject.get('eventDefinitions')[0] as ModdleElement;
      modeling.updateModdleProperties(event, definition, { errorRef: errorOf(injector, event, code) });
      modeling.updateProperties(event, { name: code });
    }
  });
  selection.select(element);
}

/** The error of a code among the model's, made when there is none. */
function errorOf(injector: Injector, event: Element, code: string): ModdleElement {
  const root = injector.get<Canvas>('canvas').getRootElement();
  let definitions: ModdleElement = root.businessObject;
  while (definitions.$type !== 'bpmn:Definitions' && definitions.$parent) definitions = definitions.$parent;
  const all = definitions.get('rootElements') as ModdleElement[];
  const known = all.find((element) => element.$type === 'bpmn:Error' && element.get('errorCode') === code);
  if (known) return known;
  const error = injector.get('bpmnFactory').create('bpmn:Error', { name: code, errorCode: code }) as ModdleElement;
  error.$parent = definitions;
  injector.get<Modeling>('modeling').updateModdleProperties(event, definitions, { rootElements: [...all, error] });
  return error;
}
