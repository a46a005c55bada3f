import { signal } from '@preact/signals';

import { paused } from '../api/load';
import { texts } from '../texts';
import { Icon } from './icon';

const now = signal(Date.now());
setInterval(() => !document.hidden && (now.value = Date.now()), 1_000);

/** When a list was read last, and whether it goes on asking. */
export function LiveBar({ at }: { at: number | null }) {
  if (at === null) return null;
  return (
    <span class="live">
      <span class="quiet small">{texts.live.updated(Math.max(0, Math.round((now.value - at) / 1000)))}</span>
      <button
        type="button"
        class="button button-plain button-icon"
        aria-pressed={paused.value}
        aria-label={texts.live.pause}
        title={texts.live.pause}
        onClick={() => (paused.value = !paused.value)}
      >
        <Icon name={paused.value ? 'play' : 'pause'} />
      </button>
    </span>
  );
}
