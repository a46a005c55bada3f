/** In what two JSON values differ, member by member. */

export interface Difference {
  path: string;
  before: string;
  after: string;
}

export function differences(before: unknown, after: unknown, path = ''): Difference[] {
  if (isTree(before) && isTree(after) && Array.isArray(before) === Array.isArray(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return keys.flatMap((key) => differences((before as Tree)[key], (after as Tree)[key], path === '' ? key : `${path}.${key}`));
  }
  const [one, other] = [shown(before), shown(after)];
  return one === other ? [] : [{ path, before: one, after: other }];
}

type Tree = Record<string, unknown>;

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null;

function shown(value: unknown): string {
  return value === undefined || value === null ? '–' : typeof value === 'string' ? value : JSON.stringify(value);
}
