// Hooks that tie views to one modeler.

import { useEffect, useMemo, useReducer, useRef, useState } from '@bpmn-io/properties-panel/preact/hooks';

import type { Linter } from '../bpmn/lint';
import type { Store } from '../bpmn/store';
import { CHANGED, type EventBus, type Injector } from '../bpmn/types';

/** The store, and a new rendering whenever the model or what belongs to it changes. */
export function useStore(injector: Injector, more: string[] = []): Store {
  useEvents(injector, ['elements.changed', 'commandStack.changed', 'import.done', CHANGED, ...more]);
  return injector.get<Store>('dataConnector');
}

/** The linter, and a new rendering whenever its findings change. */
export function useLinter(injector: Injector): Linter {
  return injector.get<Linter>('dataConnectorLint');
}

/** Renders anew at events of bpmn-js; several in one turn are one. */
export function useEvents(injector: Injector, events: string[]): void {
  const [, render] = useReducer((count: number) => count + 1, 0);
  const names = events.join(' ');
  useEffect(() => {
    const eventBus = injector.get<EventBus>('eventBus');
    const listener = (): void => void render(undefined as never);
    eventBus.on(names.split(' '), listener);
    return () => eventBus.off(names.split(' '), listener);
  }, [injector, names]);
}

let count = 0;

/** An id that no other element of the page has. */
export function useId(): string {
  return useMemo(() => `dc-${(count += 1)}`, []);
}

const TYPING_MS = 300;

/** Whether a button of a pointer is pressed. */
let isPressed = false;
if (typeof document !== 'undefined') {
  document.addEventListener('pointerdown', () => (isPressed = true), true);
  for (const end of ['pointerup', 'pointercancel']) document.addEventListener(end, () => (isPressed = false), true);
}

/**
 * Runs when the click that took the focus away arrives, before its target gets it: what runs may move things, and a
 * target that moves between press and release gets no click.
 */
export function atClick(run: () => void): void {
  if (!isPressed) {
    run();
    return;
  }
  let isDone = false;
  const done = (): void => {
    if (isDone) return;
    isDone = true;
    document.removeEventListener('click', done, true);
    document.removeEventListener('pointerup', later, true);
    run();
  };
  const later = (): void => void setTimeout(done, 50);
  document.addEventListener('click', done, true);
  document.addEventListener('pointerup', later, true);
}

/** A text that is typed: it goes into the model when typing pauses, at Enter, when the field is left, and at saving. */
export interface Typed {
  text: string;
  change(text: string): void;
  flush(): void;
  /** The field is left. */
  leave(): void;
  /** Forgets what was typed. */
  revert(): void;
}

/** See `Typed`. `value` is the model's. */
export function useTyped(store: Store, value: string, commit: (text: string) => void): Typed {
  const [text, setText] = useState(value);
  const latest = useRef({ commit, value });
  latest.current = { commit, value };
  const typed = useRef<{ pending: string | undefined; timer?: ReturnType<typeof setTimeout> }>({ pending: undefined });
  const flush = useMemo(() => () => {
    const { pending, timer } = typed.current;
    clearTimeout(timer);
    typed.current = { pending: undefined };
    store.typed(flush);
    if (pending !== undefined && pending !== latest.current.value) latest.current.commit(pending);
  }, [store]);
  useEffect(() => {
    if (typed.current.pending === undefined) setText(value);
  }, [value]);
  useEffect(() => flush, [flush]);
  return {
    text,
    flush,
    leave: () => atClick(flush),
    change(next) {
      setText(next);
      clearTimeout(typed.current.timer);
      typed.current = { pending: next, timer: setTimeout(flush, TYPING_MS) };
      store.typing(flush);
    },
    revert() {
      typed.current.pending = undefined;
      flush();
      setText(latest.current.value);
    },
  };
}
