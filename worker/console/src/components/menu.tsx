import { useEffect, useId, useRef, useState } from 'preact/hooks';

import { Icon } from './icon';
import type { IconName } from './icon-names';

export interface MenuItem {
  text: string;
  icon?: IconName;
  href?: string;
  act?: () => void;
  /** For a choice among several. */
  checked?: boolean;
  refused?: string | false | null;
  danger?: boolean;
}

interface MenuProps {
  label: string;
  icon: IconName;
  items: MenuItem[];
  /** Text next to the icon; without it the label is for screen readers and the tooltip. */
  text?: string;
  header?: preact.ComponentChildren;
  disabled?: boolean;
}

/** A button that opens a menu: arrows walk, Enter acts, Esc closes and gives the focus back. */
export function Menu({ label, icon, items, text, header, disabled }: MenuProps) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();
  const shown = () => [...(root.current?.querySelectorAll<HTMLElement>('[role^=menuitem]:not([aria-disabled=true])') ?? [])];

  useEffect(() => {
    if (!open) return;
    shown()[0]?.focus();
    const outside = (event: PointerEvent) => !root.current?.contains(event.target as Node) && setOpen(false);
    addEventListener('pointerdown', outside);
    return () => removeEventListener('pointerdown', outside);
  }, [open]);

  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (!open) {
      if (event.key === 'ArrowDown') {
        event.preventDefault();
        setOpen(true);
      }
      return;
    }
    const all = shown();
    const at = all.indexOf(document.activeElement as HTMLElement);
    const to: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 };
    if (event.key in to) {
      event.preventDefault();
      all[(to[event.key] + all.length) % all.length]?.focus();
    } else if (event.key === 'Escape') {
      event.preventDefault();
      event.stopPropagation();
      close();
    } else if (event.key === 'Tab') {
      setOpen(false);
    }
  };
  const act = (item: MenuItem) => {
    if (item.refused) return;
    close();
    item.act?.();
  };

  return (
    <div class="menu" ref={root} onKeyDown={onKeyDown}>
      <button
        ref={button}
        type="button"
        class={text ? 'button button-quiet' : 'button button-plain button-icon'}
        disabled={disabled}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        aria-label={text === label ? undefined : label}
        title={text ? undefined : label}
        onClick={() => setOpen(!open)}
      >
        <Icon name={icon} />
        {text}
      </button>
      {open && (
        <div class="menu-popup">
          {header}
          <div role="menu" id={id} aria-label={label}>
            {items.map((item) => {
              const common = {
                role: item.checked === undefined ? 'menuitem' : 'menuitemradio',
                'aria-checked': item.checked,
                'aria-disabled': item.refused ? true : undefined,
                title: item.refused || undefined,
                tabIndex: -1,
                class: item.danger ? 'menu-item menu-danger' : 'menu-item',
              } as const;
              const inside = (
                <>
                  <Icon name={item.checked === undefined ? (item.icon ?? 'dot') : item.checked ? 'check' : 'dot'} />
                  {item.text}
                </>
              );
              return item.href ? (
                <a key={item.text} {...common} href={item.href} onClick={() => setOpen(false)}>
                  {inside}
                </a>
              ) : (
                <button key={item.text} type="button" {...common} onClick={() => act(item)}>
                  {inside}
                </button>
              );
            })}
          </div>
        </div>
      )}
    </div>
  );
}
