import { signal } from '@preact/signals';

import { exactTime, relativeTime } from '../format';

/** Now, for relative times; moves once a second while anything shows it. */
const now = signal(Date.now());
setInterval(() => !document.hidden && (now.value = Date.now()), 1_000);

/** A relative time, with the exact one in the tooltip. */
export function Time({ at }: { at: string | number | null | undefined }) {
  if (at == null) return <span class="quiet">–</span>;
  const date = new Date(at);
  return (
    <time dateTime={date.toISOString()} title={exactTime(date)}>
      {relativeTime(date, now.value)}
    </time>
  );
}
