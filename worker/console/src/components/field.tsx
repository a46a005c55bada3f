import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

interface Common {
  label: string;
  /** The eye sees a column header or a neighbour instead. */
  hidden?: boolean;
  error?: string | null;
  hint?: ComponentChildren;
  disabled?: boolean;
  /** Why it is disabled, in the tooltip. */
  title?: string;
}

interface TextFieldProps extends Common {
  value: string;
  onInput: (value: string) => void;
  type?: 'text' | 'password' | 'search' | 'number' | 'url';
  placeholder?: string;
  /** Suggestions. */
  list?: readonly string[];
  autoComplete?: string;
  min?: number;
  mono?: boolean;
  onEnter?: () => void;
  id?: string;
}

/** The parts that every field has: a label, its control, a hint and its error, which describe the control. */
function Labelled({ id, label, hidden, error, hint, children }: Common & { id: string; children: ComponentChildren }) {
  return (
    <div class={error ? 'field field-bad' : 'field'}>
      {!hidden && <label for={id}>{label}</label>}
      {children}
      {hint && (
        <div class="field-hint" id={`${id}-hint`}>
          {hint}
        </div>
      )}
      {error && (
        <div class="field-error" id={`${id}-error`}>
          {error}
        </div>
      )}
    </div>
  );
}

function described(id: string, { error, hint }: Common): Record<string, string | undefined> {
  const by = [error && `${id}-error`, hint && `${id}-hint`].filter(Boolean).join(' ');
  return { 'aria-describedby': by || undefined, 'aria-invalid': error ? 'true' : undefined };
}

export function TextField({
  value,
  onInput,
  type = 'text',
  placeholder,
  list,
  autoComplete = 'off',
  min,
  mono,
  onEnter,
  id: given,
  ...common
}: TextFieldProps) {
  const made = useId();
  const id = given ?? made;
  return (
    <Labelled id={id} {...common}>
      <input
        id={id}
        type={type}
        value={value}
        placeholder={placeholder}
        autoComplete={autoComplete}
        min={min}
        disabled={common.disabled}
        title={common.title}
        class={mono ? 'input mono' : 'input'}
        list={list ? `${id}-list` : undefined}
        // Suggestions alone would make it a combobox: what is typed need not be one of them.
        role={list && type === 'text' ? 'textbox' : undefined}
        spellcheck={false}
        aria-label={common.hidden ? common.label : undefined}
        {...described(id, common)}
        onInput={(event) => onInput(event.currentTarget.value)}
        onKeyDown={onEnter && ((event) => event.key === 'Enter' && !event.isComposing && onEnter())}
      />
      {list && (
        <datalist id={`${id}-list`}>
          {list.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      )}
    </Labelled>
  );
}

interface TextAreaProps extends Common {
  value: string;
  onInput: (value: string) => void;
  rows?: number;
  placeholder?: string;
  mono?: boolean;
  id?: string;
}

export function TextArea({ value, onInput, rows = 4, placeholder, mono = true, id: given, ...common }: TextAreaProps) {
  const made = useId();
  const id = given ?? made;
  return (
    <Labelled id={id} {...common}>
      <textarea
        id={id}
        rows={rows}
        value={value}
        placeholder={placeholder}
        disabled={common.disabled}
        spellcheck={false}
        title={common.title}
        class={mono ? 'input textarea mono' : 'input textarea'}
        aria-label={common.hidden ? common.label : undefined}
        {...described(id, common)}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </Labelled>
  );
}

export type Option = { value: string; text: string };

interface SelectProps extends Common {
  value: string;
  onChange: (value: string) => void;
  options: readonly Option[];
}

/** A combobox over few, known values. */
export function Select({ value, onChange, options, ...common }: SelectProps) {
  const id = useId();
  return (
    <Labelled id={id} {...common}>
      <select
        id={id}
        class="input select"
        value={value}
        disabled={common.disabled}
        title={common.title}
        aria-label={common.hidden ? common.label : undefined}
        {...described(id, common)}
        onChange={(event) => onChange(event.currentTarget.value)}
      >
        {options.map((one) => (
          <option key={one.value} value={one.value}>
            {one.text}
          </option>
        ))}
      </select>
    </Labelled>
  );
}

interface CheckboxProps extends Common {
  checked: boolean;
  onChange: (checked: boolean) => void;
  /** Some, but not all. */
  mixed?: boolean;
}

export function Checkbox({ checked, onChange, label, hidden, disabled, title, mixed, hint }: CheckboxProps) {
  const id = useId();
  return (
    <div class="check">
      <input
        id={id}
        type="checkbox"
        checked={checked}
        indeterminate={mixed}
        disabled={disabled}
        title={title ?? (hidden ? label : undefined)}
        aria-label={hidden ? label : undefined}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      {!hidden && <label for={id}>{label}</label>}
      {hint && (
        <div class="field-hint" id={`${id}-hint`}>
          {hint}
        </div>
      )}
    </div>
  );
}

interface RadioGroupProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  options: readonly (Option & { hint?: string })[];
  /** Side by side, as one control. */
  segmented?: boolean;
}

export function RadioGroup({ label, value, onChange, options, segmented }: RadioGroupProps) {
  const name = useId();
  return (
    <fieldset class={segmented ? 'radios radios-segmented' : 'radios'} role="radiogroup" aria-label={label}>
      {!segmented && <legend>{label}</legend>}
      {options.map((one) => (
        <label key={one.value}>
          <input type="radio" name={name} checked={one.value === value} onChange={() => onChange(one.value)} />
          <span>{one.text}</span>
        </label>
      ))}
    </fieldset>
  );
}
