/** @jsxImportSource @bpmn-io/properties-panel/preact */
// `tree "Answer"`: JSON, walked with the arrow keys, and searched. Shows 200 children of a list or object at a time.

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from '@bpmn-io/properties-panel/preact/hooks';

import { CHILDREN_AT_A_TIME, matching, type AnswerNode } from '../answer/json';
import { copyText } from './copy';

interface Props {
  root: AnswerNode;
  label: string;
  /** Enter or click on an item. */
  onPick?: ((node: AnswerNode) => void) | undefined;
  /** Whether a short tree has no search. */
  isQuiet?: boolean;
}

/** Lines from which a quiet tree has a search. */
const LONG = 20;

const WHOLE = 'Whole answer';

/** A line of the tree: an item, or the button that shows more of its parent's children. */
interface Line {
  node: AnswerNode;
  level: number;
  parent: number;
  more?: number;
}

export function AnswerTree({ root, label, onPick, isQuiet = false }: Props) {
  const [wanted, setWanted] = useState('');
  const [open, setOpen] = useState<ReadonlySet<AnswerNode>>(() => firstLevels(root));
  const [limits, setLimits] = useState<ReadonlyMap<AnswerNode, number>>(new Map());
  const [focused, setFocused] = useState<AnswerNode | undefined>(undefined);
  const tree = useRef<HTMLDivElement>(null);
  const isMoving = useRef(false);
  /** The item that keys act on: further keys can come before the next rendering. */
  const at = useRef<AnswerNode | undefined>(undefined);
  useEffect(() => setOpen(firstLevels(root)), [root]);
  const found = useMemo(() => (wanted === '' ? undefined : matching(root, wanted)), [root, wanted]);
  const lines = useMemo(() => linesOf(root, open, limits, found), [root, open, limits, found]);
  const indexOf = (item: AnswerNode | undefined): number => Math.max(lines.findIndex(({ node, more }) => node === item && more === undefined), 0);
  const current = indexOf(focused);
  useLayoutEffect(() => {
    if (isMoving.current) tree.current?.querySelector<HTMLElement>('[tabindex="0"]')?.focus();
    isMoving.current = false;
  });
  const isOpen = (node: AnswerNode): boolean => open.has(node) || (found?.has(node) ?? false);
  const toggle = (node: AnswerNode, to: boolean): void => {
    const next = new Set(open);
    if (to) next.add(node);
    else next.delete(node);
    setOpen(next);
  };
  const showMore = (node: AnswerNode): void => setLimits(new Map(limits).set(node, (limits.get(node) ?? CHILDREN_AT_A_TIME) + CHILDREN_AT_A_TIME));
  const move = (index: number): void => {
    const line = lines[Math.max(0, Math.min(index, lines.length - 1))];
    if (!line) return;
    isMoving.current = true;
    if (line.more !== undefined) {
      showMore(line.node);
      return;
    }
    at.current = line.node;
    setFocused(line.node);
  };
  const pick = (node: AnswerNode): void => {
    at.current = node;
    setFocused(node);
    onPick?.(node);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const here = indexOf(at.current);
    const line = lines[here];
    if (!line) return;
    const { node, parent } = line;
    const hasChildren = node.children.length > 0;
    switch (event.key) {
      case 'ArrowDown': move(here + 1); break;
      case 'ArrowUp': move(here - 1); break;
      case 'Home': move(0); break;
      case 'End': move(lines.length - 1); break;
      case 'ArrowRight':
        if (hasChildren && !isOpen(node)) toggle(node, true);
        else if (hasChildren) move(here + 1);
        break;
      case 'ArrowLeft':
        if (hasChildren && open.has(node) && !found) toggle(node, false);
        else if (parent >= 0) move(parent);
        break;
      case 'Enter': pick(node); break;
      case ' ': toggle(node, !isOpen(node)); break;
      default: return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  const shown = lines[current]?.node;
  return (
    <div class="dc-answer">
      {(!isQuiet || wanted !== '' || lines.length >= LONG) && (
        <input class="dc-input dc-search" type="search" aria-label="Find in answer" placeholder="Find in answer" value={wanted} onInput={(event) => setWanted(event.currentTarget.value)} />
      )}
      {lines.length === 0 && <p class="dc-empty">Nothing in the answer fits.</p>}
      <div ref={tree} role="tree" aria-label={label} class="dc-tree" hidden={lines.length === 0} onKeyDown={onKeyDown}>
        {lines.map(({ node, level, more }, index) =>
          more === undefined ? (
            <div
              key={`${node.path}/${node.key}`}
              role="treeitem"
              aria-level={level}
              aria-label={titleOf(node)}
              aria-expanded={node.children.length > 0 ? isOpen(node) : undefined}
              aria-selected={node === focused}
              tabIndex={index === current ? 0 : -1}
              class={`dc-tree-item dc-level-${Math.min(level, 12)}${onPick ? ' dc-pickable' : ''}`}
              title={onPick ? 'Click to keep it in a variable' : node.path}
              onClick={() => pick(node)}
            >
              <span
                class={`dc-arrow${node.children.length > 0 ? '' : ' dc-leaf'}`}
                aria-hidden="true"
                onClick={(event) => {
                  event.stopPropagation();
                  toggle(node, !isOpen(node));
                }}
              />
              {(node.key !== '' || node.scalar === undefined) && <span class="dc-key">{node.key || WHOLE}{node.scalar !== undefined && ': '}</span>}
              {node.scalar === undefined ? <span class="dc-summary" data-text={node.summary} /> : <span class={`dc-scalar dc-${kindOf(node.scalar)}`}>{node.scalar}</span>}
            </div>
          ) : (
            <div key={`${node.path}/more`} role="treeitem" aria-level={level} tabIndex={-1} class={`dc-tree-item dc-level-${Math.min(level, 12)} dc-show-more`} onClick={() => showMore(node)}>
              Show {Math.min(more, CHILDREN_AT_A_TIME)} more of {node.children.length}
            </div>
          ),
        )}
      </div>
      {shown && <Path node={shown} />}
    </div>
  );
}

/** The path of an item, to be copied. */
function Path({ node }: { node: AnswerNode }) {
  const path = node.path === '' ? '$' : node.path;
  const [copied, setCopied] = useState('');
  return (
    <p class="dc-path">
      <code title={path}>{path}</code>
      <span class="dc-actions">
        <span aria-live="polite" class="dc-note">{copied === path ? 'Copied.' : ''}</span>
        <button type="button" class="dc-button" onClick={() => void copyText(path).then(() => setCopied(path))}>Copy path</button>
      </span>
    </p>
  );
}

/** How an item is called: its key and the JSON of a scalar, or the key alone. */
export function titleOf({ key, scalar }: AnswerNode): string {
  const name = key === '' ? WHOLE : key;
  if (scalar === undefined) return name;
  return key === '' ? scalar : `${name}: ${scalar}`;
}

/** How many lines are open at first. */
const FIRST_LINES = 100;

/** The answer itself, and below it level by level as much as is looked through quickly. */
function firstLevels(root: AnswerNode): Set<AnswerNode> {
  const open = new Set([root]);
  let lines = root.children.length;
  for (const { children } of open) {
    for (const child of children) {
      if (child.children.length === 0 || lines + child.children.length > FIRST_LINES) continue;
      lines += child.children.length;
      open.add(child);
    }
  }
  return open;
}

function linesOf(root: AnswerNode, open: ReadonlySet<AnswerNode>, limits: ReadonlyMap<AnswerNode, number>, found: ReadonlySet<AnswerNode> | undefined): Line[] {
  const lines: Line[] = [];
  const visit = (node: AnswerNode, level: number, parent: number): void => {
    if (found && !found.has(node)) return;
    const own = lines.push({ node, level, parent }) - 1;
    if (!open.has(node) && !found?.has(node)) return;
    const children = found ? node.children.filter((child) => found.has(child)) : node.children;
    const limit = limits.get(node) ?? CHILDREN_AT_A_TIME;
    for (const child of children.slice(0, limit)) visit(child, level + 1, own);
    if (children.length > limit) lines.push({ node, level: level + 1, parent: own, more: children.length - limit });
  };
  visit(root, 1, -1);
  return lines;
}

function kindOf(scalar: string): string {
  if (scalar.startsWith('"')) return 'string';
  return /^[-\d]/.test(scalar) ? 'number' : 'word';
}
