import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

import { texts } from '../texts';

export interface Crumb {
  text: string;
  href: string;
}

/** Where one is, for the header of the frame. */
export const crumbs = signal<Crumb[]>([]);

let pagesShown = 0;

interface PageProps {
  title: string;
  /** The pages above this one. */
  above?: Crumb[];
  /** Next to the title. */
  trailing?: ComponentChildren;
  actions?: ComponentChildren;
  children?: ComponentChildren;
  class?: string;
}

/** One page: its only `h1`, the title of the window, and the focus on the `h1` after a change of page. */
export function Page({ title, above = [], trailing, actions, children, class: more }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} – ${texts.product}`;
  }, [title]);
  useEffect(() => {
    crumbs.value = above;
  }, [JSON.stringify(above)]);
  useEffect(() => {
    if (pagesShown++ > 0) heading.current?.focus({ preventScroll: true });
  }, []);
  return (
    <div class={`page ${more ?? ''}`}>
      <div class="page-header">
        <h1 tabIndex={-1} ref={heading}>
          {title}
        </h1>
        {trailing}
        <div class="page-actions">{actions}</div>
      </div>
      {children}
    </div>
  );
}
