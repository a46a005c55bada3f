import type { ComponentChildren, JSX } from 'preact';

import { Icon } from './icon';
import type { IconName } from './icon-names';

type Kind = 'primary' | 'accent' | 'quiet' | 'plain' | 'danger';

interface ButtonProps extends Omit<JSX.HTMLAttributes<HTMLButtonElement>, 'icon'> {
  kind?: Kind;
  icon?: IconName;
  /** Why it cannot be used; the button stays visible and says so. */
  refused?: string | null | false;
  disabled?: boolean;
  type?: 'button' | 'submit';
  children?: ComponentChildren;
}

export function Button({ kind = 'quiet', icon, refused, disabled, children, class: more, title, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      class={`button button-${kind} ${more ?? ''}`}
      disabled={disabled || Boolean(refused)}
      title={refused || title}
    >
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

interface IconButtonProps extends Omit<ButtonProps, 'children' | 'label'> {
  icon: IconName;
  label: string;
}

/** A button that shows an icon; its name is in the tooltip and for screen readers. */
export function IconButton({ label, icon, kind = 'plain', refused, disabled, class: more, ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      class={`button button-${kind} button-icon ${more ?? ''}`}
      aria-label={label}
      title={refused || label}
      disabled={disabled || Boolean(refused)}
    >
      <Icon name={icon} />
    </button>
  );
}

interface LinkButtonProps {
  href: string;
  kind?: Kind;
  icon?: IconName;
  children: ComponentChildren;
}

/** A link that looks like a button: it leads somewhere. */
export function LinkButton({ href, kind = 'quiet', icon, children }: LinkButtonProps) {
  return (
    <a class={`button button-${kind}`} href={href}>
      {icon && <Icon name={icon} />}
      {children}
    </a>
  );
}
