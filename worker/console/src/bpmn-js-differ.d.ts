declare module 'bpmn-js-differ' {
  export function diff(before: unknown, after: unknown): unknown;
}
