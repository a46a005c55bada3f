// The little of moddle that spellings use.

/** An element of a model as bpmn-moddle reads it. */
export interface ModdleElement {
  $type: string;
  $attrs?: { [name: string]: unknown };
  $parent?: ModdleElement;
  id?: string;
  name?: string;
  get(name: string): any;
  set(name: string, value: unknown): void;
  [name: string]: any;
}

/** Makes an element, such as `bpmnFactory.create` of bpmn-js. */
export type Create = (type: string, properties?: object) => ModdleElement;

/** New properties of an element of the model. */
export interface Change {
  target: ModdleElement;
  properties: { [name: string]: unknown };
}

/** An attribute that no descriptor declares, whatever way it was read. */
export function attribute(of: ModdleElement, name: string): string | undefined {
  const value = of.get(name) ?? of.$attrs?.[name];
  return typeof value === 'string' ? value : undefined;
}

/** Children of an element's `extensionElements`. */
export function extensions(of: ModdleElement): ModdleElement[] {
  return of.get('extensionElements')?.get('values') ?? [];
}
