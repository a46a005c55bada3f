// A JSON text as a tree whose numbers keep their digits, and the paths into it. Knows JSON; must not know views.

import { applyEdits, format, parseTree, type Node, type ParseError } from 'jsonc-parser';

/** A value inside an answer. */
export interface AnswerNode {
  /** The name in its object, or the index in its list; empty for the answer itself. */
  key: string;
  /** The JSON of a scalar; undefined for an object or a list. */
  scalar?: string;
  /** How a list or object is summed up. */
  summary?: string;
  /** The source of a mapping row that gives this value. */
  path: string;
  children: AnswerNode[];
}

/** How deep a tree may be. */
const DEPTH = 512;

/** The tree of a JSON text; undefined when it is none, or too deep to be walked. */
export function answerTree(text: string): AnswerNode | undefined {
  const errors: ParseError[] = [];
  try {
    const root = parseTree(text, errors, { disallowComments: true, allowTrailingComma: false });
    return root && errors.length === 0 ? node(root, '', [], text) : undefined;
  } catch (error) {
    // The parser calls itself at each level.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** JSON with line breaks; numbers keep their digits. */
export function indented(text: string): string {
  return applyEdits(text, format(text, undefined, { tabSize: 2, insertSpaces: true, eol: '\n' }));
}

function node(of: Node, key: string, steps: string[], text: string): AnswerNode {
  if (steps.length > DEPTH) throw new RangeError(`deeper than ${DEPTH}`);
  const path = pathOf(steps);
  const entries = of.children ?? [];
  if (of.type === 'array') {
    const children = entries.map((child, index) => node(child, String(index), [...steps, String(index)], text));
    return { key, path, children, summary: children.length === 1 ? '1 item' : `${children.length} items` };
  }
  if (of.type === 'object') {
    const children = entries.flatMap((property) => {
      const [name, value] = property.children ?? [];
      return name && value ? [node(value, String(name.value), [...steps, String(name.value)], text)] : [];
    });
    return { key, path, children, summary: children.length === 1 ? '1 member' : `${children.length} members` };
  }
  return { key, path, children: [], scalar: text.slice(of.offset, of.offset + of.length) };
}

/** A dot path, or a JSONPath where a name would be misread in a dot path; empty for the whole. */
export function pathOf(steps: string[]): string {
  const isPlain = steps.every((step) => /^[\p{L}\p{N}_-]+$/u.test(step)) && steps.join('.') !== '0';
  if (isPlain) return steps.join('.');
  return `$${steps.map((step) => (/^\d+$/.test(step) ? `[${step}]` : `['${step.replace(/[\\']/g, '\\$&')}']`)).join('')}`;
}

/** Children that are shown of one list or object before "Show more". */
export const CHILDREN_AT_A_TIME = 200;

/** Nodes whose name or scalar holds a text, with all that lead to them. */
export function matching(root: AnswerNode, wanted: string): Set<AnswerNode> {
  const found = new Set<AnswerNode>();
  const needle = wanted.toLowerCase();
  const visit = (of: AnswerNode): boolean => {
    const own = of.key.toLowerCase().includes(needle) || (of.scalar ?? '').toLowerCase().includes(needle);
    const below = of.children.map(visit).some(Boolean);
    if (own || below) found.add(of);
    return own || below;
  };
  visit(root);
  return found;
}

const RESERVED = new Set([
  'loopCounter', 'numberOfInstances', 'numberOfActiveInstances', 'numberOfCompletedInstances', 'numberOfTerminatedInstances',
  'loopCharacteristics', '_user', '_request', '_parent',
]);

/** A name for the variable that a value goes into: the last name of its path, made free. */
export function variableFor(path: string, used: Iterable<string>): string {
  const names = path.split(/[.[\]'$]+/).filter((step) => step !== '' && !/^\d+$/.test(step));
  const word = (names.at(-1) ?? 'answer').replace(/[^\p{L}\p{N}_]+/gu, '_').replace(/^(\d)/, '_$1');
  const taken = new Set([...RESERVED, ...used]);
  if (!taken.has(word)) return word;
  let number = 2;
  while (taken.has(`${word}${number}`)) number += 1;
  return `${word}${number}`;
}
