import type { IconName } from './icon-names';
import sprite from './icons.svg?no-inline';

/** An icon of the sprite. Never the only way to say something. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" aria-hidden="true" focusable="false">
      <use href={`${sprite}#${name}`} />
    </svg>
  );
}
