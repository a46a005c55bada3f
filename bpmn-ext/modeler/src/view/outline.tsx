/** @jsxImportSource @bpmn-io/properties-panel/preact */
// `tree "Outline"`: the model without a mouse. Arrows walk, Enter goes to the properties, A appends, C connects, Del removes.

import { useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState } from '@bpmn-io/properties-panel/preact/hooks';

import { countOf } from '../bpmn/lint';
import type { Canvas, Element, ElementRegistry, EventBus, Injector, Modeling, Selection } from '../bpmn/types';
import { outline, typeWord, type OutlineItem } from '../flow/outline';
import type { ModdleElement } from '../call/moddle';
import { useLinter, useStore } from './hooks';

/** The outline of a large model is made anew once for several changes. */
const DELAY_MS = 80;

export function Outline({ injector }: { injector: Injector }) {
  const store = useStore(injector);
  const linter = useLinter(injector);
  const items = useItems(injector);
  const [current, setCurrentState] = useState('');
  const [source, setSource] = useState<ModdleElement | undefined>(undefined);
  const [said, setSaid] = useState('');
  const tree = useRef<HTMLDivElement>(null);
  /** The element that is to have the focus once it is an item. */
  const wanted = useRef<string | undefined>(undefined);
  /** The element that keys act on: further keys can come before the next rendering. */
  const here = useRef('');
  const registry = injector.get<ElementRegistry>('elementRegistry');
  const setCurrent = (id: string): void => {
    here.current = id;
    setCurrentState(id);
  };
  const indexOf = (id: string): number => Math.max(items.findIndex(({ element }) => element.id === id), 0);
  const shapeOf = (element: ModdleElement | undefined): Element | undefined => (element?.id ? registry.get(element.id) : undefined);

  useLayoutEffect(() => {
    const id = wanted.current;
    if (id === undefined || !items.some(({ element }) => element.id === id)) return;
    wanted.current = undefined;
    tree.current?.querySelector<HTMLElement>(`[data-id="${CSS.escape(id)}"]`)?.focus();
  });
  useEffect(() => {
    const eventBus = injector.get<EventBus>('eventBus');
    const onSelection = ({ newSelection }: { newSelection: Element[] }): void => {
      const [selected] = newSelection;
      if (selected) setCurrent((selected.labelTarget ?? selected).id);
    };
    eventBus.on('selection.changed', onSelection);
    return () => eventBus.off('selection.changed', onSelection);
  }, [injector]);

  const focus = (index: number): void => {
    const item = items[Math.max(0, Math.min(index, items.length - 1))];
    if (!item?.element.id) return;
    wanted.current = item.element.id;
    setCurrent(item.element.id);
    if (item.element.id === current) setSaid('');
  };
  const select = (element: ModdleElement): Element | undefined => {
    const shape = shapeOf(element);
    if (!shape) return undefined;
    const canvas = injector.get<Canvas>('canvas');
    const root = canvas.findRoot(shape);
    if (root && root !== canvas.getRootElement()) canvas.setRootElement(root);
    injector.get<Selection>('selection').select(shape === root ? null : shape);
    if (shape !== root) canvas.scrollToElement(shape);
    return shape;
  };
  const enter = (element: ModdleElement): void => {
    if (source) {
      const [from, to] = [shapeOf(source), shapeOf(element)];
      if (from && to && from !== to && injector.get('rules').allowed('connection.create', { source: from, target: to })) {
        injector.get<Modeling>('modeling').connect(from, to);
        setSaid(`Connected ${title(source)} with ${title(element)}.`);
      } else setSaid(`${title(source)} cannot be connected with ${title(element)}.`);
      setSource(undefined);
      return;
    }
    const shape = select(element);
    if (shape && store.isConnector(shape)) store.focus(shape, 'connector');
    else requestAnimationFrame(() => focusPanel());
  };
  const append = (element: ModdleElement): void => {
    const shape = select(element);
    if (!shape) return;
    const canvas = injector.get<Canvas>('canvas');
    const popupMenu = injector.get('popupMenu');
    const isRoot = shape === canvas.getRootElement();
    const offset = canvas.getContainer().getBoundingClientRect();
    const box = isRoot ? { x: 100, y: 100, width: 0 } : canvas.getAbsoluteBBox(shape);
    const before = new Set(registry.getAll().map(({ id }) => id));
    const [menu, words] = isRoot ? ['bpmn-create', 'Create element'] : ['bpmn-append', 'Append element'];
    if (popupMenu.isEmpty(shape, menu)) {
      setSaid(`Nothing can follow ${title(element)}.`);
      return;
    }
    popupMenu.open(shape, menu, { x: offset.left + box.x + box.width + 12, y: offset.top + box.y }, { title: words, width: 300, search: true });
    // Back to the outline, on what was made.
    injector.get('eventBus').once('popupMenu.close', () => setTimeout(() => {
      const made = registry.filter(({ id, type }) => !before.has(id) && type !== 'bpmn:SequenceFlow' && type !== 'label')[0];
      wanted.current = made?.id ?? element.id;
      setCurrent(wanted.current as string);
      setSaid(made ? `Added ${title(made.businessObject)}.` : '');
    }, DELAY_MS + 20));
  };
  const remove = (element: ModdleElement): void => {
    const shape = shapeOf(element);
    if (!shape || shape === injector.get<Canvas>('canvas').getRootElement()) return;
    const at = indexOf(element.id as string);
    const neighbour = items[at + 1] ?? items[at - 1];
    wanted.current = neighbour?.element.id;
    setCurrent(neighbour?.element.id ?? '');
    injector.get<Modeling>('modeling').removeElements([shape]);
    setSaid(`Removed ${title(element)}.`);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const at = indexOf(here.current);
    const item = items[at];
    const stack = injector.get('commandStack');
    const key = event.key.toLowerCase();
    if ((event.ctrlKey || event.metaKey) && (key === 'z' || key === 'y')) {
      if (key === 'y' || event.shiftKey) stack.redo();
      else stack.undo();
      event.preventDefault();
      return;
    }
    if (!item || event.ctrlKey || event.metaKey || event.altKey) return;
    const moves: { [key: string]: number } = {
      ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1,
      ArrowRight: item.hasChildren ? at + 1 : at,
      ArrowLeft: items.findLastIndex(({ level }, index) => index < at && level < item.level),
    };
    if (event.key in moves) focus(moves[event.key] as number);
    else if (event.key === 'Enter') enter(item.element);
    else if (event.key === 'a' || event.key === 'A') append(item.element);
    else if (event.key === 'c' || event.key === 'C') {
      setSource(item.element);
      setSaid(`Choose what ${title(item.element)} leads to and press Enter; Escape stops.`);
    } else if (event.key === 'Delete' || event.key === 'Backspace') remove(item.element);
    else if (event.key === 'Escape' && source) {
      setSource(undefined);
      setSaid('');
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const at = indexOf(current);
  return (
    <div class="dc-outline">
      <div ref={tree} role="tree" aria-label="Outline" class="dc-tree" aria-describedby="dc-outline-keys" onKeyDown={onKeyDown}>
        {items.map((item, index) => {
          const { element } = item;
          const shape = shapeOf(element);
          return (
            <Item
              key={element.id}
              item={item}
              name={title(element)}
              word={store.isConnector(shape) ? OURS : typeWord(element)}
              count={shape ? countOf(linter.of(shape)) : ''}
              isSelected={element.id === current}
              isReached={index === at}
              isSource={source === element}
              onSelect={() => select(element)}
              onFocus={() => setCurrent(element.id as string)}
            />
          );
        })}
      </div>
      <p id="dc-outline-keys" class="dc-keys"><kbd>Enter</kbd> properties <kbd>A</kbd> append <kbd>C</kbd> connect <kbd>Del</kbd> remove</p>
      <p role="status" class="dc-note">{said}</p>
    </div>
  );
}

const OURS = 'Data Connector';

interface ItemProps {
  item: OutlineItem;
  name: string;
  /** What kind of element it is. */
  word: string;
  /** Its findings in words; empty without any. */
  count: string;
  isSelected: boolean;
  /** Whether Tab leads to it. */
  isReached: boolean;
  /** Whether a connection is being drawn from it. */
  isSource: boolean;
  onSelect(): void;
  onFocus(): void;
}

/** An item, drawn anew only where something about it changed: models have hundreds of them. */
function Item({ item: { element, level, hasChildren }, name, word, count, isSelected, isReached, isSource, onSelect, onFocus }: ItemProps) {
  const isOurs = word === OURS;
  return useMemo(
    () => (
      <div
        role="treeitem"
        data-id={element.id}
        aria-level={level}
        aria-expanded={hasChildren ? true : undefined}
        aria-selected={isSelected}
        aria-label={[name, word, count].filter(Boolean).join(', ')}
        tabIndex={isReached ? 0 : -1}
        class={`dc-tree-item dc-level-${Math.min(level, 12)}${isOurs ? ' dc-ours' : ''}${isSource ? ' dc-source' : ''}`}
        onClick={onSelect}
        onFocus={onFocus}
      >
        <span class={`dc-type ${isOurs ? 'dc-icon' : ''}`} aria-hidden="true" />
        <span class="dc-name">{name}</span>
        {!isOurs && element.name && <span class="dc-summary" data-text={word} />}
        {count !== '' && <span class={`dc-count ${/error/.test(count) ? 'dc-count-error' : 'dc-count-warning'}`} data-text={count} />}
      </div>
    ),
    [element, level, hasChildren, name, word, count, isSelected, isReached, isSource],
  );
}

/** The items, made anew shortly after elements came, went or were renamed. */
function useItems(injector: Injector): OutlineItem[] {
  const [version, changed] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const eventBus = injector.get<EventBus>('eventBus');
    let timer: ReturnType<typeof setTimeout> | undefined;
    const later = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => changed(undefined as never), DELAY_MS);
    };
    const events = ['import.done', 'commandStack.changed', 'root.set'];
    eventBus.on(events, later);
    later();
    return () => {
      clearTimeout(timer);
      eventBus.off(events, later);
    };
  }, [injector]);
  return useMemo(() => {
    const root = injector.get<Canvas>('canvas').getRootElement()?.businessObject;
    return root ? outline(containerOf(root)) : [];
  }, [version]);
}

/** The outermost element of the diagram, also while one looks into a collapsed sub-process. */
function containerOf(element: ModdleElement): ModdleElement {
  let found = element;
  while (found.$parent && found.$parent.$type !== 'bpmn:Definitions') found = found.$parent;
  return found;
}

function title(element: ModdleElement): string {
  return element.name || element.id || '';
}

function focusPanel(): void {
  document.querySelector<HTMLElement>('.bio-properties-panel input, .bio-properties-panel [contenteditable], .bio-properties-panel button')?.focus();
}
