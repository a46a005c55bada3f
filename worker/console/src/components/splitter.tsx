import { useRef, useState } from 'preact/hooks';

export interface Split {
  name: string;
  size: number;
  min: number;
  max: number;
  set: (size: number) => void;
  /** Gives the size to the element whose grid it is, as `--NAME`. */
  apply: (element: HTMLElement | null) => void;
}

/** A width that people drag, remembered in this browser. */
export function useSplit(name: string, usual: number, min: number, max: number): Split {
  const key = `data-connector.split.${name}`;
  const [size, setSize] = useState(() => Number(localStorage.getItem(key)) || usual);
  return {
    name,
    size,
    min,
    max,
    set: (next) => {
      const fitting = Math.round(Math.min(max, Math.max(min, next)));
      localStorage.setItem(key, String(fitting));
      setSize(fitting);
    },
    apply: (element) => element?.style.setProperty(`--${name}`, `${size}px`),
  };
}

/** The bar between two panes: dragged, or moved with the arrows. `reverse`: it sizes the pane after it. */
export function Splitter({ split, label, reverse }: { split: Split; label: string; reverse?: boolean }) {
  const from = useRef<{ x: number; size: number } | null>(null);
  const direction = reverse ? -1 : 1;
  return (
    <div
      class="splitter"
      role="separator"
      aria-orientation="vertical"
      aria-label={label}
      tabIndex={0}
      aria-valuenow={split.size}
      aria-valuemin={split.min}
      aria-valuemax={split.max}
      onPointerDown={(event) => {
        from.current = { x: event.clientX, size: split.size };
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={(event) => from.current && split.set(from.current.size + direction * (event.clientX - from.current.x))}
      onPointerUp={() => (from.current = null)}
      onKeyDown={(event) => {
        const step = { ArrowLeft: -16, ArrowRight: 16 }[event.key];
        if (!step) return;
        event.preventDefault();
        split.set(split.size + direction * step);
      }}
    />
  );
}
