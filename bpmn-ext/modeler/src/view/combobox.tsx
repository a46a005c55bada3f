/** @jsxImportSource @bpmn-io/properties-panel/preact */
// A text field with a list to choose from, searched as one types.

import { useRef, useState } from '@bpmn-io/properties-panel/preact/hooks';

import { Labelled, useField, type FieldProps } from './field';
import { atClick, useId } from './hooks';
import { OptionList, useListKeys } from './option-list';

export interface Choice {
  value: string;
  label: string;
  /** Said behind the label, and searched as well. */
  detail?: string;
}

interface Props extends FieldProps {
  /** What stands in the field. */
  text: string;
  choices: Choice[];
  onChoose(value: string): void;
  /** Whether a text that is no choice can be written. */
  isFree?: boolean;
  /** Whether the field is emptied after a choice. */
  isMenu?: boolean;
  placeholder?: string;
  empty?: string;
}

export function Combobox(props: Props) {
  const { text, choices, onChoose, isFree = false, isMenu = false, placeholder, empty } = props;
  const input = useRef<HTMLInputElement>(null);
  const [described, description] = useField(props, input);
  const [isOpen, setOpen] = useState(false);
  /** What is being typed; undefined while the field shows what the model has. */
  const [typed, setTyped] = useState<string | undefined>(undefined);
  const listId = useId();
  const wanted = (typed ?? '').trim().toLowerCase();
  const fits = ({ label, detail }: Choice): boolean => `${label} ${detail ?? ''}`.toLowerCase().includes(wanted);
  const options = wanted === '' ? choices : choices.filter(fits);
  const current = typed === undefined ? Math.max(choices.findIndex(({ label }) => label === text), 0) : 0;
  const close = (): void => {
    setOpen(false);
    setTyped(undefined);
  };
  const choose = ({ value }: Choice): void => {
    close();
    onChoose(value);
  };
  // A free text is written as it stands, unless an arrow chose something.
  const [hasMoved, setMoved] = useState(false);
  const list = useListKeys(options, isOpen, choose, close, current);
  const commitFree = (): void => {
    if (isFree && typed !== undefined && typed.trim() !== text) onChoose(typed.trim());
    close();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const isArrow = event.key === 'ArrowDown' || event.key === 'ArrowUp';
    if (isArrow) setMoved(true);
    if (isArrow && !isOpen) {
      setOpen(true);
      event.preventDefault();
      return;
    }
    if (event.key === 'Enter' && isFree && typed !== undefined && !hasMoved) {
      commitFree();
      event.preventDefault();
      return;
    }
    list.onKeyDown(event);
  };
  return (
    <Labelled label={props.label} description={description}>
      <div class="dc-combobox">
        <input
          {...described}
          ref={input}
          class="dc-input"
          role="combobox"
          aria-expanded={isOpen}
          aria-controls={isOpen ? listId : undefined}
          aria-autocomplete="list"
          aria-activedescendant={list.activeId}
          value={typed ?? (isMenu ? '' : text)}
          placeholder={placeholder}
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => {
            setTyped(event.currentTarget.value);
            setMoved(false);
            setOpen(true);
          }}
          onClick={() => setOpen(true)}
          onFocus={(event) => event.currentTarget.select()}
          onKeyDown={onKeyDown}
          onBlur={() => atClick(commitFree)}
        />
        <span class="dc-combobox-arrow" aria-hidden="true" />
      </div>
      {isOpen && (
        <OptionList
          id={listId}
          name={props.name}
          anchor={input}
          list={list}
          empty={empty ?? 'Nothing matches.'}
          render={({ label, detail }: Choice) => (
            <>
              <span class="dc-option-label">{label}</span>
              {detail && <span class="dc-option-detail"> – {detail}</span>}
            </>
          )}
        />
      )}
    </Labelled>
  );
}

interface SelectProps extends FieldProps {
  value: string;
  choices: Choice[];
  onChoose(value: string): void;
}

/** One of a few words. */
export function Select(props: SelectProps) {
  const { value, choices, onChoose } = props;
  const select = useRef<HTMLSelectElement>(null);
  const [described, description] = useField(props, select);
  const isKnown = choices.some((choice) => choice.value === value);
  return (
    <Labelled label={props.label} description={description}>
      <select {...described} ref={select} class="dc-input" value={value} onChange={(event) => onChoose(event.currentTarget.value)}>
        {!isKnown && <option value={value}>{value}</option>}
        {choices.map((choice) => <option key={choice.value} value={choice.value}>{choice.label}</option>)}
      </select>
    </Labelled>
  );
}
