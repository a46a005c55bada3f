// Makes Data Connector shapes: new ones, appended ones, and ones in the place of others. Knows how bpmn-js creates; must
// not know where it is asked from.

import { emptyCall, type Call } from '../call/types';
import { propertiesFor, type Spelling } from '../call/spelling';
import type { Connector, Resource } from '../host/types';
import type { Store } from './store';
import type { Canvas, Element, Injector, Modeling, Selection } from './types';

/** A connector and its resource, with which an element comes configured. */
export interface Choice {
  connector: Connector;
  resource: Resource;
}

export class Elements {
  static $inject = ['injector', 'dataConnector'];

  readonly #injector: Injector;
  readonly #store: Store;

  constructor(injector: Injector, store: Store) {
    this.#injector = injector;
    this.#store = store;
  }

  /** Begins to drag a new shape, or puts it where there is room when no pointer asked. */
  create(event: Event, choice?: Choice): void {
    const shape = this.#shape(choice);
    if (isByPointer(event)) this.#injector.get('create').start(event, shape);
    else this.#place(shape);
  }

  /** Puts a new shape behind another. */
  append(source: Element, choice?: Choice): void {
    this.#injector.get('autoPlace').append(source, this.#shape(choice));
  }

  /** Begins to drag a new shape that follows another. */
  dragFrom(event: Event, source: Element, choice?: Choice): void {
    this.#injector.get('create').start(event, this.#shape(choice), { source });
  }

  /** Makes an element a connector; its name and flows stay. */
  replace(element: Element, choice?: Choice): void {
    const spelling = this.#store.majority();
    this.#store.batch(() => {
      const { businessObject } = element;
      const isServiceTask = businessObject.$type === 'bpmn:ServiceTask';
      const target = isServiceTask ? element : this.#injector.get('bpmnReplace').replaceElement(element, { type: 'bpmn:ServiceTask' });
      const modeling = this.#injector.get<Modeling>('modeling');
      const create = this.#create;
      const properties = propertiesFor(this.#call(spelling, choice), spelling, create);
      const made = properties['extensionElements'] as ReturnType<typeof create> | undefined;
      const present = target.businessObject.get('extensionElements');
      if (made && present) {
        const connector = made.get('values')[0];
        connector.$parent = present;
        const others = present.get('values').filter(({ $type }: { $type: string }) => $type !== 'conn:DataConnector');
        modeling.updateModdleProperties(target, present, { values: [...others, connector] });
      } else {
        if (made) made.$parent = target.businessObject;
        modeling.updateModdleProperties(target, target.businessObject, properties);
      }
      if (!target.businessObject.name) modeling.updateProperties(target, { name: nameOf(choice) });
      this.#injector.get<Selection>('selection').select(target);
    });
  }

  #shape(choice: Choice | undefined): Element {
    const spelling = this.#store.majority();
    const properties = propertiesFor(this.#call(spelling, choice), spelling, this.#create);
    const businessObject = this.#create('bpmn:ServiceTask', { name: nameOf(choice), ...properties });
    const extensionElements = properties['extensionElements'] as typeof businessObject | undefined;
    if (extensionElements) extensionElements.$parent = businessObject;
    return this.#injector.get('elementFactory').createShape({ type: 'bpmn:ServiceTask', businessObject });
  }

  #call(spelling: Spelling, choice: Choice | undefined): Call {
    const call = emptyCall();
    if (!choice) return call;
    return { ...call, connector: this.#store.referenceTo(choice.connector, spelling), resource: choice.resource.name };
  }

  #create = (type: string, properties?: object): any => this.#injector.get('bpmnFactory').create(type, properties);

  /** Right of all that is there. */
  #place(shape: Element): void {
    const canvas = this.#injector.get<Canvas>('canvas');
    const root = canvas.getRootElement();
    const target = root.type === 'bpmn:Collaboration' ? ((root as any).children.find(({ type }: Element) => type === 'bpmn:Participant') ?? root) : root;
    const others: Element[] = (target as any).children?.filter((child: any) => !child.waypoints && !child.labelTarget) ?? [];
    const view = canvas.viewbox();
    const right = Math.max(...others.map(({ x, width }) => x + width), view.x + 80);
    const last = others.find(({ x, width }) => x + width === right);
    const y = last ? last.y + last.height / 2 : view.y + view.height / 2;
    const made = this.#injector.get<Modeling>('modeling').createShape(shape, { x: right + 110, y }, target);
    this.#injector.get<Selection>('selection').select(made);
  }
}

function nameOf(choice: Choice | undefined): string {
  return choice ? `${choice.connector.name}: ${choice.resource.name}` : 'Data Connector';
}

function isByPointer(event: Event): boolean {
  // A click that the keyboard made has no place.
  return event instanceof MouseEvent ? event.detail > 0 || event.type !== 'click' || event.clientX !== 0 : 'pointerType' in event;
}
