import { useEffect, useMemo, useRef, useState } from 'preact/hooks';

import { Button } from '../components/button';
import { Icon } from '../components/icon';
import { TextField } from '../components/field';
import { copy } from '../copy';
import { texts } from '../texts';
import { find, nameOf, type Node } from './json-tree';

const t = texts.exchange;
const STEP = 200;

interface Line {
  node: Node;
  level: number;
  /** Stands for the children that are not shown yet. */
  more?: number;
}

interface AnswerTreeProps {
  root: Node;
  label: string;
  /** Short trees need no search. */
  quiet?: boolean;
}

/** Lines from which a quiet tree has a search. */
const LONG = 20;

/** A JSON answer: arrows walk, an item shows its path. */
export function AnswerTree({ root, label, quiet }: AnswerTreeProps) {
  const [closed, setClosed] = useState<Set<string>>(new Set());
  const [shown, setShown] = useState<Record<string, number>>({});
  const [word, setWord] = useState('');
  const [at, setAt] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  const found = useMemo(() => (word === '' ? null : find(root, word)), [root, word]);

  const lines = useMemo(() => {
    const result: Line[] = [];
    const walk = (node: Node, level: number) => {
      result.push({ node, level });
      if (node.children.length === 0 || (closed.has(node.path) && !found)) return;
      const children = found ? node.children.filter((child) => found.has(child)) : node.children;
      const limit = shown[node.path] ?? STEP;
      for (const child of children.slice(0, limit)) walk(child, level + 1);
      if (children.length > limit) result.push({ node, level: level + 1, more: children.length - limit });
    };
    if (root.kind === 'scalar') walk(root, 1);
    else
      for (const line of root.children.length ? [root] : []) {
        const children = found ? line.children.filter((child) => found.has(child)) : line.children;
        const limit = shown[line.path] ?? STEP;
        for (const child of children.slice(0, limit)) walk(child, 1);
        if (children.length > limit) result.push({ node: line, level: 1, more: children.length - limit });
      }
    return result;
  }, [root, closed, shown, found]);

  const focused = Math.min(at, lines.length - 1);
  const go = (to: number) => {
    const next = Math.max(0, Math.min(lines.length - 1, to));
    setAt(next);
    (list.current?.children[next] as HTMLElement | undefined)?.focus();
  };
  useEffect(() => setAt(0), [root]);

  const turn = (path: string, close: boolean) => {
    const next = new Set(closed);
    if (close) next.add(path);
    else next.delete(path);
    setClosed(next);
  };
  const act = (line: Line) => {
    if (line.more !== undefined) setShown({ ...shown, [line.node.path]: (shown[line.node.path] ?? STEP) + STEP });
    else if (line.node.children.length > 0) turn(line.node.path, !closed.has(line.node.path));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const line = lines[focused];
    if (!line || event.ctrlKey || event.metaKey || event.altKey) return;
    const open = line.node.children.length > 0 && !closed.has(line.node.path);
    const keys: Record<string, () => void> = {
      ArrowDown: () => go(focused + 1),
      ArrowUp: () => go(focused - 1),
      Home: () => go(0),
      End: () => go(lines.length - 1),
      ArrowRight: () => (line.node.children.length === 0 || open ? go(focused + 1) : turn(line.node.path, false)),
      ArrowLeft: () =>
        open
          ? turn(line.node.path, true)
          : go(lines.findLastIndex((other, index) => index < focused && other.level < line.level)),
      Enter: () => act(line),
      ' ': () => act(line),
    };
    if (!(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  };
  const chosen = lines[focused];
  return (
    <div class="answer-tree">
      {(!quiet || word !== '' || lines.length >= LONG) && (
        <TextField type="search" hidden label={t.find} placeholder={t.find} value={word} onInput={setWord} />
      )}
      <ul class="tree" role="tree" aria-label={label} ref={list} onKeyDown={onKeyDown}>
        {lines.map((line, index) => (
          <TreeLine
            key={`${line.node.path}${line.more === undefined ? '' : '+'}`}
            line={line}
            open={!closed.has(line.node.path) || found !== null}
            focused={index === focused}
            onFocus={() => setAt(index)}
            onAct={() => act(line)}
          />
        ))}
      </ul>
      {lines.length === 0 && <p class="quiet small">{word === '' ? t.emptyJson : t.notFound}</p>}
      {chosen && (
        <div class="tree-path">
          <code class="cut" title={chosen.node.path}>
            {chosen.node.path}
          </code>
          <Button icon="copy" kind="plain" onClick={() => copy(chosen.node.path)}>
            {t.copyPath}
          </Button>
        </div>
      )}
    </div>
  );
}

function TreeLine({
  line,
  open,
  focused,
  onFocus,
  onAct,
}: {
  line: Line;
  open: boolean;
  focused: boolean;
  onFocus: () => void;
  onAct: () => void;
}) {
  const { node, level, more } = line;
  const indent = (element: HTMLLIElement | null) => element?.style.setProperty('--level', String(level - 1));
  if (more !== undefined) {
    return (
      <li
        role="treeitem"
        aria-level={level}
        tabIndex={focused ? 0 : -1}
        ref={indent}
        class="tree-line tree-more"
        onFocus={onFocus}
        onClick={onAct}
      >
        {t.moreItems(more)}
      </li>
    );
  }
  const parent = node.children.length > 0;
  return (
    <li
      role="treeitem"
      aria-level={level}
      aria-expanded={parent ? open : undefined}
      aria-selected={focused}
      aria-label={nameOf(node)}
      tabIndex={focused ? 0 : -1}
      ref={indent}
      class="tree-line"
      onFocus={onFocus}
      onClick={(event) => {
        event.currentTarget.focus();
        if (parent) onAct();
      }}
    >
      {parent ? <Icon name={open ? 'chevron-down' : 'chevron-right'} /> : <span class="tree-space" />}
      {node.key !== '' && <span class="tree-key">{node.key}</span>}
      {node.kind === 'scalar' ? (
        <span class={`tree-value tree-${kindOf(node.text)}`} title={node.text}>
          {node.text}
        </span>
      ) : (
        <span class="quiet small">{node.kind === 'array' ? t.items(node.children.length) : t.members(node.children.length)}</span>
      )}
    </li>
  );
}

function kindOf(text: string): string {
  return text.startsWith('"') ? 'text' : /^[-\d]/.test(text) ? 'number' : 'word';
}
