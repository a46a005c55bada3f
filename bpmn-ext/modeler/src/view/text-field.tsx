/** @jsxImportSource @bpmn-io/properties-panel/preact */
// Text fields: plain ones, numbers, and those in which `{{` offers variables.

import { useRef, useState } from '@bpmn-io/properties-panel/preact/hooks';

import { suggested, typedVariable, withVariable } from '../answer/variables';
import type { Variable } from '../flow/variables';
import { Labelled, useField, type FieldProps } from './field';
import { useId, useTyped } from './hooks';
import { OptionList, useListKeys } from './option-list';

interface TextProps extends FieldProps {
  value: string;
  onCommit(text: string): void;
  placeholder?: string;
  type?: 'text' | 'number';
  /** Makes `{{` offer them. */
  variables?: () => Variable[];
  isDisabled?: boolean;
  class?: string;
}

export function TextField(props: TextProps) {
  const { subject, value, onCommit, placeholder, type = 'text', variables, isDisabled = false } = props;
  const input = useRef<HTMLInputElement>(null);
  const [described, description] = useField(props, input);
  const typed = useTyped(subject.injector.get('dataConnector'), value, onCommit);
  const [caret, setCaret] = useState<number | undefined>(undefined);
  const listId = useId();
  const word = variables && caret !== undefined ? typedVariable(typed.text, caret)?.word : undefined;
  const offered = word === undefined ? [] : suggested((variables as () => Variable[])(), word);
  const choose = (variable: Variable): void => {
    const next = withVariable(typed.text, caret as number, variable.name);
    typed.change(next.text);
    typed.flush();
    setCaret(undefined);
    // The caret can be set once the text is there.
    requestAnimationFrame(() => input.current?.setSelectionRange(next.caret, next.caret));
  };
  const list = useListKeys(offered, word !== undefined, choose, () => setCaret(undefined));
  const look = (): void => {
    if (variables) setCaret(input.current?.selectionStart ?? undefined);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (list.onKeyDown(event)) return;
    if (event.key === 'Enter') typed.flush();
    else if (event.key === 'Escape' && typed.text !== value) {
      typed.revert();
      event.stopPropagation();
    }
  };
  const isOpen = word !== undefined && offered.length > 0;
  return (
    <Labelled label={props.label} description={description} {...(props.class && { of: props.class })}>
      <input
        {...described}
        ref={input}
        class="dc-input"
        type={type}
        {...(type === 'number' && { min: 0, step: 'any' })}
        value={typed.text}
        placeholder={placeholder}
        disabled={isDisabled}
        autocomplete="off"
        spellcheck={false}
        {...(variables && { 'aria-autocomplete': 'list', 'aria-controls': isOpen ? listId : undefined, 'aria-activedescendant': isOpen ? list.activeId : undefined })}
        onInput={(event) => {
          typed.change(event.currentTarget.value);
          look();
        }}
        onClick={look}
        onKeyDown={onKeyDown}
        onBlur={() => {
          typed.leave();
          setCaret(undefined);
        }}
      />
      {word !== undefined && (
        <OptionList
          id={listId}
          name="Variables"
          anchor={input}
          list={list}
          empty={`Nothing before this element sets ${word || 'a variable'}.`}
          render={(variable: Variable) => (
            <>
              <span class="dc-option-label">{variable.name}</span>{' '}
              <span class="dc-option-detail">
                {'value' in variable && <code>{short(JSON.stringify(variable.value) ?? '')}</code>} {variable.origin}
              </span>
            </>
          )}
        />
      )}
    </Labelled>
  );
}

/** A text cut to what a line holds. */
export function short(text: string, length = 40): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}
