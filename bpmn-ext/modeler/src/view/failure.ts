// Where in a call a try failed.

import type { Store } from '../bpmn/store';
import type { Element } from '../bpmn/types';

/** The message of the last try, if it failed because of the member at a path of the call. */
export function failureAt(store: Store, element: Element, path: string): string | undefined {
  const error = store.outcomeOf(element)?.error;
  if (!error?.at) return undefined;
  const at = memberPath(error.at, store.callOf(element)?.inputs.map(({ key }) => key) ?? []);
  return at === path ? error.message : undefined;
}

/** `inputs.base` for `config.outboundConfig.0.value`, `outputs.1.source` for `config.dataMapping.1.value`. */
export function memberPath(at: string, inputKeys: string[]): string {
  const row = /^config\.(outboundConfig|dataMapping|errorMapping)\.(\d+)\.(\w+)$/.exec(at);
  if (!row) return at;
  const [, list, index, member] = row as unknown as [string, string, string, string];
  if (list === 'outboundConfig') return `inputs.${inputKeys[Number(index)] ?? ''}`;
  if (list === 'errorMapping') return `errors.${index}.${member}`;
  return `outputs.${index}.${member === 'key' ? 'variable' : 'source'}`;
}
