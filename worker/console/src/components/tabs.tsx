import type { ComponentChildren } from 'preact';
import { useId, useRef } from 'preact/hooks';

export interface Tab {
  id: string;
  text: string;
  /** The tab is part of the address. */
  href?: string;
  count?: number;
}

interface TabsProps {
  label: string;
  tabs: Tab[];
  selected: string;
  onSelect?: (id: string) => void;
  children: ComponentChildren;
  /** At the end of the row of tabs. */
  trailing?: ComponentChildren;
  small?: boolean;
}

/** Tabs and the panel of the selected one; arrows walk. */
export function Tabs({ label, tabs, selected, onSelect, children, trailing, small }: TabsProps) {
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const all = [...(list.current?.querySelectorAll<HTMLElement>('[role=tab]') ?? [])];
    const next = all[(all.indexOf(document.activeElement as HTMLElement) + step + all.length) % all.length];
    event.preventDefault();
    next?.focus();
    next?.click();
  };
  return (
    <div class={small ? 'tabs tabs-small' : 'tabs'}>
      <div class="tabs-row">
        <div role="tablist" aria-label={label} class="tabs-list" ref={list} onKeyDown={onKeyDown}>
          {tabs.map((tab) => {
            const on = tab.id === selected;
            const common = {
              role: 'tab',
              id: `${id}-${tab.id}`,
              class: 'tab',
              'aria-selected': on,
              'aria-controls': on ? `${id}-panel` : undefined,
              tabIndex: on ? 0 : -1,
            } as const;
            const inside = (
              <>
                {tab.text}
                {tab.count !== undefined && (
                  <span class="tab-count" aria-hidden="true">
                    {tab.count}
                  </span>
                )}
              </>
            );
            return tab.href ? (
              <a key={tab.id} {...common} href={tab.href}>
                {inside}
              </a>
            ) : (
              <button key={tab.id} type="button" {...common} onClick={() => onSelect?.(tab.id)}>
                {inside}
              </button>
            );
          })}
        </div>
        {trailing}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${selected}`} class="tabs-panel" tabIndex={-1}>
        {children}
      </div>
    </div>
  );
}
