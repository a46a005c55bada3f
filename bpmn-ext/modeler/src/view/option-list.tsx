/** @jsxImportSource @bpmn-io/properties-panel/preact */
// A list of options below a text field, walked with the arrow keys while the focus stays in the field.

import type { ComponentChildren, RefObject } from '@bpmn-io/properties-panel/preact';
import { useEffect, useLayoutEffect, useRef, useState } from '@bpmn-io/properties-panel/preact/hooks';

import { useId } from './hooks';

export interface ListKeys<T> {
  options: T[];
  active: number;
  activeId: string | undefined;
  idOf(index: number): string;
  choose(option: T): void;
  setActive(index: number): void;
  /** Whether the key was the list's. */
  onKeyDown(event: KeyboardEvent): boolean;
}

/** The keys of an open list: arrows, Enter, Tab leaves, Escape closes. */
export function useListKeys<T>(options: T[], isOpen: boolean, choose: (option: T) => void, close: () => void, first = 0): ListKeys<T> {
  const id = useId();
  const [active, setActive] = useState(first);
  const last = options.length - 1;
  useLayoutEffect(() => setActive(Math.min(first, Math.max(last, 0))), [isOpen, options.length, first]);
  const idOf = (index: number): string => `${id}-${index}`;
  const bounded = Math.min(active, last);
  /** The option that keys act on: further keys can come before the next rendering. */
  const at = useRef(bounded);
  at.current = bounded;
  return {
    options, active: bounded, choose, setActive, idOf,
    activeId: isOpen && bounded >= 0 ? idOf(bounded) : undefined,
    onKeyDown(event) {
      if (!isOpen) return false;
      const here = at.current;
      const moves: { [key: string]: number } = {
        ArrowDown: here >= last ? 0 : here + 1,
        ArrowUp: here <= 0 ? last : here - 1,
        PageDown: Math.min(here + 8, last),
        PageUp: Math.max(here - 8, 0),
      };
      const option = options[here];
      if (event.key in moves) setActive((at.current = moves[event.key] as number));
      else if (event.key === 'Enter' && option !== undefined) choose(option);
      else if (event.key === 'Escape') close();
      else return false;
      event.preventDefault();
      event.stopPropagation();
      return true;
    },
  };
}

interface Props<T> {
  id: string;
  name: string;
  anchor: RefObject<HTMLElement>;
  list: ListKeys<T>;
  render(option: T): ComponentChildren;
  /** What is said when there is nothing to choose. */
  empty: string;
}

/** The list itself, placed below its field, or above where there is no room. */
export function OptionList<T>({ id, name, anchor, list, render, empty }: Props<T>) {
  const popup = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const [field, box] = [anchor.current?.getBoundingClientRect(), popup.current];
    if (!field || !box) return;
    const below = window.innerHeight - field.bottom;
    const isAbove = below < Math.min(box.scrollHeight, 200) && field.top > below;
    box.style.left = `${Math.max(8, Math.min(field.left, window.innerWidth - box.offsetWidth - 8))}px`;
    box.style.minWidth = `${field.width}px`;
    box.style.maxHeight = `${Math.min(280, (isAbove ? field.top : below) - 8)}px`;
    box.style.top = isAbove ? '' : `${field.bottom + 2}px`;
    box.style.bottom = isAbove ? `${window.innerHeight - field.top + 2}px` : '';
  });
  useEffect(() => {
    document.getElementById(list.idOf(list.active))?.scrollIntoView({ block: 'nearest' });
  }, [list.active]);
  return (
    <div class="dc-popup" ref={popup}>
      {list.options.length === 0 && <div class="dc-empty">{empty}</div>}
      <div id={id} role="listbox" aria-label={name} hidden={list.options.length === 0}>
        {list.options.map((option, index) => (
          <div
            key={index}
            id={list.idOf(index)}
            role="option"
            aria-selected={index === list.active}
            class="dc-option"
            onMouseMove={() => list.setActive(index)}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => list.choose(option)}
          >
            {render(option)}
          </div>
        ))}
      </div>
    </div>
  );
}
