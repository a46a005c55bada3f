// Packages without declarations.
declare module 'bpmn-moddle' {
  export class BpmnModdle {
    constructor(packages?: object);
    fromXML(xml: string): Promise<{ rootElement: any; elementsById: { [id: string]: any }; warnings: { message: string }[] }>;
    toXML(element: any, options?: { format?: boolean }): Promise<{ xml: string }>;
    create(type: string, properties?: object): any;
  }
}
declare module '*.css';
declare module '*.bpmn?raw' {
  const text: string;
  export default text;
}
declare module 'bpmn-js-properties-panel';
declare module 'bpmn-js-create-append-anything';
