// The parts of bpmn-js and diagram-js that the plug-in uses.

import type { ModdleElement } from '../call/moddle';

/** Fired on bpmn-js's event bus when something of the plug-in changed that is not part of the model. */
export const CHANGED = 'dataConnector.changed';

/** A shape or connection of a diagram. */
export interface Element {
  id: string;
  type: string;
  businessObject: ModdleElement;
  parent?: Element;
  labelTarget?: Element;
  x: number;
  y: number;
  width: number;
  height: number;
}

/** The services of one modeler by name, as didi's `injector` gives them. */
export interface Injector {
  get<T = any>(name: string, strict?: boolean): T;
}

export interface EventBus {
  on(events: string | string[], priorityOrListener: number | ((event: any) => unknown), listener?: (event: any) => unknown): void;
  off(events: string | string[], listener: (event: any) => unknown): void;
  fire(event: string, payload?: object): unknown;
}

export interface Modeling {
  updateModdleProperties(element: Element, target: ModdleElement, properties: object): void;
  updateProperties(element: Element, properties: object): void;
  createShape(shape: object, position: { x: number; y: number }, target: Element, hints?: object): Element;
  removeElements(elements: Element[]): void;
  connect(source: Element, target: Element): Element;
}

export interface ElementRegistry {
  get(id: string): Element | undefined;
  getGraphics(element: Element | string): SVGElement;
  filter(test: (element: Element) => boolean): Element[];
  getAll(): Element[];
}

export interface Selection {
  get(): Element[];
  select(elements: Element | Element[] | null): void;
}

export interface Canvas {
  getContainer(): HTMLElement;
  getRootElement(): Element;
  setRootElement(root: Element): void;
  findRoot(element: Element | string): Element | undefined;
  getAbsoluteBBox(element: Element): { x: number; y: number; width: number; height: number };
  resized(): void;
  scrollToElement(element: Element | string, padding?: number): void;
  viewbox(): { x: number; y: number; width: number; height: number };
}
