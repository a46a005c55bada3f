/** @jsxImportSource @bpmn-io/properties-panel/preact */
// A group of fields in the properties panel, open until somebody closes it.

import type { ComponentChildren } from '@bpmn-io/properties-panel/preact';
import { useEffect } from '@bpmn-io/properties-panel/preact/hooks';

import type { Subject } from './field';
import { useId, useLinter, useStore } from './hooks';

interface Props {
  subject: Subject;
  id: string;
  label: string;
  /** Beginnings of the paths of its fields, so that a finding opens it. */
  paths: string[];
  children: ComponentChildren;
}

export function Group({ subject: { injector, element }, id, label, paths, children }: Props) {
  const store = useStore(injector);
  const bodyId = useId();
  const own = (path: string): boolean => paths.some((begin) => path === begin || path.startsWith(`${begin}.`));
  const wanted = store.wanted?.element === element.id ? store.wanted.path : undefined;
  const isWanted = wanted !== undefined && own(wanted);
  const isOpen = store.isOpen(id);
  useEffect(() => {
    if (isWanted && !store.isOpen(id)) store.setOpen(id, true);
  }, [isWanted]);
  const count = useLinter(injector).of(element).filter(({ path }) => own(path ?? '')).length;
  return (
    <section class="bio-properties-panel-group dc-group" role="group" aria-label={label} data-group-id={`group-${id}`}>
      <div class={`bio-properties-panel-group-header${isOpen ? ' open' : ''}`}>
        <button type="button" class="dc-group-toggle" aria-expanded={isOpen} aria-controls={bodyId} onClick={() => store.setOpen(id, !isOpen)}>
          <span class="dc-arrow" aria-hidden="true" />
          {label}
          {count > 0 && !isOpen && <span class="dc-count"> {count}</span>}
        </button>
      </div>
      <div id={bodyId} class="dc-group-body" hidden={!isOpen}>
        {isOpen && children}
      </div>
    </section>
  );
}

/** What is rarely needed. */
export function More({ children, isOpen = false }: { children: ComponentChildren; isOpen?: boolean }) {
  return (
    <details class="dc-more" open={isOpen}>
      <summary>More</summary>
      {children}
    </details>
  );
}

/** A small button with an icon, named by what it does. */
export function IconButton({ name, icon, onClick }: { name: string; icon: 'remove' | 'close'; onClick(): void }) {
  return (
    <button type="button" class={`dc-icon-button dc-icon-${icon}`} aria-label={name} title={name} onClick={onClick} />
  );
}
