/** Whether the server answers. */

import { signal } from '@preact/signals';

/** Since when nobody has answered; null while the server does. */
export const awaySince = signal<Date | null>(null);

export function answered(): void {
  awaySince.value = null;
}

export function unanswered(): void {
  awaySince.value ??= new Date();
}
