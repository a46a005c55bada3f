import { useEffect, useRef, useState } from 'preact/hooks';

import { TextField } from './field';

interface SearchProps {
  label: string;
  value: string;
  onSearch: (value: string) => void;
}

/** A search that follows what is typed, a moment later. */
export function Search({ label, value, onSearch }: SearchProps) {
  const [typed, setTyped] = useState(value);
  const timer = useRef(0);
  useEffect(() => setTyped(value), [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const onInput = (next: string) => {
    setTyped(next);
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => onSearch(next.trim()), 250);
  };
  const now = () => {
    clearTimeout(timer.current);
    onSearch(typed.trim());
  };
  return <TextField type="search" label={label} hidden placeholder={label} value={typed} onInput={onInput} onEnter={now} />;
}
