/** JSON as a tree for people: every number keeps its digits, every node knows its path. Pure. */

export interface Node {
  /** The name of a member, or the index of an item; empty at the root. */
  key: string;
  kind: 'object' | 'array' | 'scalar';
  /** The JSON of a scalar as it was written. */
  text: string;
  children: Node[];
  /** How a mapping row names it: a dot path, or JSONPath where a name holds a dot. */
  path: string;
}

const DEPTH = 512;

/** The tree of a text, or null when the text is no JSON. */
export function parse(text: string): Node | null {
  let at = 0;

  const blanks = () => {
    while (at < text.length && ' \t\r\n'.includes(text[at])) at++;
  };
  const fail = (): never => {
    throw new SyntaxError(`no JSON at ${at}`);
  };
  const take = (character: string) => (text[at] === character ? at++ : fail());

  const string = (): string => {
    const start = at;
    take('"');
    while (text[at] !== '"') {
      if (at >= text.length) fail();
      at += text[at] === '\\' ? 2 : 1;
    }
    at++;
    return text.slice(start, at);
  };

  const value = (key: string, steps: string[], depth: number): Node => {
    if (depth > DEPTH) fail();
    blanks();
    const node: Node = { key, kind: 'scalar', text: '', children: [], path: pathOf(steps) };
    if (text[at] === '{') {
      node.kind = 'object';
      list('{', '}', () => {
        blanks();
        const name = JSON.parse(string()) as string;
        blanks();
        take(':');
        node.children.push(value(name, [...steps, name], depth + 1));
      });
    } else if (text[at] === '[') {
      node.kind = 'array';
      list('[', ']', () => {
        const index = String(node.children.length);
        node.children.push(value(index, [...steps, index], depth + 1));
      });
    } else if (text[at] === '"') {
      node.text = string();
    } else {
      const [word] = /^(?:-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/.exec(text.slice(at, at + 400)) ?? fail();
      at += word.length;
      node.text = word;
    }
    return node;
  };

  const list = (open: string, close: string, item: () => void) => {
    take(open);
    blanks();
    if (text[at] === close) return void at++;
    for (;;) {
      item();
      blanks();
      if (text[at] === close) return void at++;
      take(',');
    }
  };

  try {
    const root = value('', [], 0);
    blanks();
    return at === text.length ? root : null;
  } catch {
    return null;
  }
}

function pathOf(steps: string[]): string {
  if (steps.length === 0) return '$';
  if (steps.every((step) => step !== '' && !/[.\s{}$[\]'"]/.test(step))) return steps.join('.');
  return `$${steps.map((step) => (/^\d+$/.test(step) ? `[${step}]` : `['${step.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}']`)).join('')}`;
}

/** How a tree item is called: its key and the JSON of a scalar, or the key alone. */
export function nameOf(node: Node): string {
  return node.kind === 'scalar' ? (node.key === '' ? node.text : `${node.key}: ${node.text}`) : node.key;
}

/** The nodes that hold a word, with all that leads to them. */
export function find(root: Node, word: string): Set<Node> {
  const found = new Set<Node>();
  const wanted = word.toLowerCase();
  const walk = (node: Node): boolean => {
    let inside = nameOf(node).toLowerCase().includes(wanted);
    for (const child of node.children) inside = walk(child) || inside;
    if (inside) found.add(node);
    return inside;
  };
  walk(root);
  return found;
}

/** JSON with line breaks, digits kept. */
export function pretty(node: Node, indent = ''): string {
  if (node.kind === 'scalar') return node.text;
  const [open, close] = node.kind === 'object' ? ['{', '}'] : ['[', ']'];
  if (node.children.length === 0) return open + close;
  const inner = `${indent}  `;
  const lines = node.children.map(
    (child) => inner + (node.kind === 'object' ? `${JSON.stringify(child.key)}: ` : '') + pretty(child, inner),
  );
  return `${open}\n${lines.join(',\n')}\n${indent}${close}`;
}
