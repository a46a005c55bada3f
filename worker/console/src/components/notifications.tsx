import { signal } from '@preact/signals';

import { texts } from '../texts';
import { IconButton } from './button';
import { Icon } from './icon';

interface Notification {
  id: number;
  text: string;
  link?: { text: string; href: string };
}

const shown = signal<Notification[]>([]);
let last = 0;

/** Tells that something was done; it goes by itself. */
export function notify(text: string, link?: Notification['link']): void {
  const id = ++last;
  shown.value = [...shown.value, { id, text, link }];
  setTimeout(() => dismiss(id), 6_000);
}

function dismiss(id: number): void {
  shown.value = shown.value.filter((one) => one.id !== id);
}

/** Top centre, where it covers neither the canvas' corner nor a button. */
export function Notifications() {
  return (
    <section class="notifications" role="region" aria-label={texts.frame.notifications} aria-live="polite">
      {shown.value.map((one) => (
        <div key={one.id} class="notification" role="status">
          <Icon name="circle-check" />
          <span>{one.text}</span>
          {one.link && <a href={one.link.href}>{one.link.text}</a>}
          <IconButton icon="x" label={texts.act.dismiss} onClick={() => dismiss(one.id)} />
        </div>
      ))}
    </section>
  );
}
