import { Icon } from './icon';
import type { IconName } from './icon-names';

export type Tone = 'good' | 'warn' | 'bad' | 'plain' | 'accent';

const ICONS: Record<Tone, IconName> = {
  good: 'circle-check',
  warn: 'triangle-alert',
  bad: 'circle-x',
  plain: 'circle',
  accent: 'loader',
};

/** A state: an icon, a word, and a colour that only repeats them. */
export function Badge({ tone, text, icon }: { tone: Tone; text: string; icon?: IconName }) {
  return (
    <span class={`badge badge-${tone}`}>
      <Icon name={icon ?? ICONS[tone]} />
      {text}
    </span>
  );
}

/** The method of a request. */
export function Method({ method }: { method: string }) {
  return <span class={`method method-${method.toLowerCase()}`}>{method.toUpperCase()}</span>;
}
