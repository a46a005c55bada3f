/** Libraries without types of their own. */

declare module 'bpmn-js-differ' {
  export function diff(before: unknown, after: unknown): unknown;
}

declare module 'bpmn-js-create-append-anything' {
  export const CreateAppendAnythingModule: object;
}

declare module 'bpmn-js-properties-panel' {
  export const BpmnPropertiesPanelModule: object;
  export const BpmnPropertiesProviderModule: object;
}

declare module 'bpmn-moddle' {
  export const BpmnModdle: new (packages?: object) => { fromXML: (xml: string) => Promise<{ rootElement: object }> };
}

declare module '*/build/api.mjs' {
  export function isCurrent(): boolean;
}
