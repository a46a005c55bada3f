/** @jsxImportSource @bpmn-io/properties-panel/preact */
// The frame of a field: what is printed next to it, its findings, and the focus that it is to get.

import type { ComponentChildren, RefObject } from '@bpmn-io/properties-panel/preact';
import { useEffect } from '@bpmn-io/properties-panel/preact/hooks';

import type { Element, Injector } from '../bpmn/types';
import type { Diagnostic } from '../host/types';
import { failureAt } from './failure';
import { useId, useLinter, useStore } from './hooks';

/** The element whose fields are shown. */
export interface Subject {
  injector: Injector;
  element: Element;
}

export interface FieldProps {
  subject: Subject;
  /** The accessible name. */
  name: string;
  /** What is printed; nothing where a column says it already. */
  label?: ComponentChildren;
  /** The place in the call that findings refer to. */
  path: string;
  /** A text below the field. */
  hint?: ComponentChildren;
}

/** What the control of a field needs. */
export interface Described {
  'aria-label': string;
  'aria-describedby': string | undefined;
  'aria-invalid': 'true' | undefined;
  'data-dc-path': string;
}

/** The attributes of a field's control, and what is printed below it. */
export function useField({ subject, name, path, hint }: FieldProps, control: RefObject<HTMLElement>): [Described, ComponentChildren] {
  const { injector, element } = subject;
  const store = useStore(injector);
  const id = useId();
  const findings = useLinter(injector).of(element).filter((finding) => finding.path === path);
  const failure = failureAt(store, element, path);
  useEffect(() => {
    if (store.wanted?.element !== element.id || store.wanted.path !== path || !control.current) return;
    store.wanted = undefined;
    control.current.focus();
    control.current.scrollIntoView({ block: 'nearest' });
  });
  const isInvalid = failure !== undefined || findings.some(({ severity }) => severity === 'error');
  const isDescribed = isInvalid || findings.length > 0 || hint !== undefined;
  const description = isDescribed && (
    <div id={id} class="dc-description">
      {hint !== undefined && <div>{hint}</div>}
      {findings.map((finding) => <FindingText key={finding.message} finding={finding} />)}
      {failure !== undefined && <div class="dc-error-text">{failure}</div>}
    </div>
  );
  return [
    {
      'aria-label': name,
      'aria-describedby': isDescribed ? id : undefined,
      'aria-invalid': isInvalid ? 'true' : undefined,
      'data-dc-path': path,
    },
    description,
  ];
}

/** A finding at its field: what is wrong, then what to do. */
export function FindingText({ finding }: { finding: Diagnostic }) {
  const { severity, message, help } = finding;
  const text = message.replace(/^`[^`]*`: /, '');
  return (
    <div class={severity === 'error' ? 'dc-error-text' : 'dc-warning-text'}>
      {text[0]?.toUpperCase()}{text.slice(1)}{help ? ` (${help})` : ''}.
    </div>
  );
}

/** A label above its control. */
export function Labelled({ label, children, description, of }: { label?: ComponentChildren; children: ComponentChildren; description?: ComponentChildren; of?: string }) {
  return (
    <div class={`dc-field${of ? ` dc-field-${of}` : ''}`}>
      {label !== undefined && <span class="dc-label" aria-hidden="true">{label}</span>}
      {children}
      {description}
    </div>
  );
}
