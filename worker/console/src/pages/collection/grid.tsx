import { useEffect, useRef, useState } from 'preact/hooks';

import { ApiError } from '../../api/errors';
import type { CollectionRecord } from '../../api/types';
import { Checkbox } from '../../components/field';
import { Icon } from '../../components/icon';
import { texts } from '../../texts';
import { type Field, shown, typed, valueAt } from './cells';

const t = texts.collections;

interface GridProps {
  fields: Field[];
  records: CollectionRecord[];
  mayWrite: boolean;
  onSave: (record: CollectionRecord, steps: string[], value: unknown) => Promise<void>;
  selected: Set<number>;
  onSelect: (selected: Set<number>) => void;
  sort: { by: string; descending: boolean };
  onSort: (by: string, descending: boolean) => void;
}

interface Editing {
  row: number;
  column: number;
  text: string;
  error?: string;
}

/** Records as a grid: arrows move, Enter edits and saves a cell, Esc restores it; a refused value stays with its error. */
export function Grid({ fields, records, mayWrite, onSave, selected, onSelect, sort, onSort }: GridProps) {
  const [at, setAt] = useState<[number, number]>([0, 0]);
  const [editing, setEditing] = useState<Editing | null>(null);
  const table = useRef<HTMLTableElement>(null);
  const refocus = useRef(false);

  useEffect(() => {
    if (editing) table.current?.querySelector<HTMLInputElement>('td input.grid-input')?.focus();
    else if (refocus.current) table.current?.querySelector<HTMLElement>('[data-at="true"]')?.focus();
    refocus.current = false;
  }, [editing?.row, editing?.column, editing === null, at[0], at[1]]);

  const move = (row: number, column: number) => {
    refocus.current = true;
    setAt([Math.max(0, Math.min(records.length - 1, row)), Math.max(0, Math.min(fields.length - 1, column))]);
  };
  const edit = () => {
    const field = fields[at[1]];
    if (mayWrite && field) setEditing({ row: at[0], column: at[1], text: shown(valueAt(records[at[0]].data, field.steps)) });
  };
  const save = async (of: Editing) => {
    const field = fields[of.column];
    const record = records[of.row];
    if (of.text === shown(valueAt(record.data, field.steps))) return leave();
    try {
      await onSave(record, field.steps, typed(of.text, field.type));
      leave();
    } catch (problem) {
      const text = problem instanceof ApiError ? (problem.field(field.path) ?? problem.message) : texts.errors.away;
      setEditing({ ...of, error: text });
    }
  };
  const leave = () => {
    refocus.current = true;
    setEditing(null);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target instanceof HTMLInputElement || event.ctrlKey || event.metaKey || event.altKey) return;
    const [row, column] = at;
    const keys: Record<string, () => void> = {
      ArrowDown: () => move(row + 1, column),
      ArrowUp: () => move(row - 1, column),
      ArrowRight: () => move(row, column + 1),
      ArrowLeft: () => move(row, column - 1),
      Home: () => move(row, 0),
      End: () => move(row, fields.length - 1),
      Enter: edit,
      F2: edit,
    };
    if (!(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  };
  return (
    <div class="table-frame grid-frame">
      <table class="table grid" role="grid" aria-label={t.records} ref={table} onKeyDown={onKeyDown}>
        <thead>
          <tr>
            <th class="table-select">
              <span class="hidden">{texts.table.selectAll}</span>
            </th>
            <SortHeader name={t.id} by="id" sort={sort} onSort={onSort} />
            {fields.map((field) => (
              <SortHeader key={field.path} name={field.label} by={field.path} sort={sort} onSort={onSort} />
            ))}
          </tr>
        </thead>
        <tbody>
          {records.map((record, row) => (
            <tr key={record.id} class={selected.has(record.id) ? 'selected' : undefined}>
              <td class="table-select">
                <Checkbox
                  hidden
                  label={texts.table.select(String(record.id))}
                  checked={selected.has(record.id)}
                  onChange={(on) =>
                    onSelect(new Set(on ? [...selected, record.id] : [...selected].filter((id) => id !== record.id)))
                  }
                />
              </td>
              <td class="lead quiet" data-label={t.id}>
                {record.id}
              </td>
              {fields.map((field, column) => {
                const here = at[0] === row && at[1] === column;
                const open = editing?.row === row && editing.column === column ? editing : null;
                const text = shown(valueAt(record.data, field.steps));
                return (
                  <td
                    key={field.path}
                    role="gridcell"
                    data-label={field.label}
                    data-at={here}
                    tabIndex={here && !open ? 0 : -1}
                    title={open ? undefined : text}
                    class={typeof valueAt(record.data, field.steps) === 'number' ? 'numeric' : undefined}
                    onFocus={() => !open && setAt([row, column])}
                    onDblClick={() => {
                      setAt([row, column]);
                      if (mayWrite) setEditing({ row, column, text });
                    }}
                  >
                    {open ? (
                      <CellInput
                        of={open}
                        label={t.cell(field.label, record.id)}
                        onInput={(next) => setEditing({ ...open, text: next, error: undefined })}
                        onSave={() => save(open)}
                        onLeave={leave}
                      />
                    ) : (
                      text
                    )}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface CellInputProps {
  of: Editing;
  label: string;
  onInput: (text: string) => void;
  onSave: () => void;
  onLeave: () => void;
}

function CellInput({ of, label, onInput, onSave, onLeave }: CellInputProps) {
  return (
    <>
      <input
        class="input grid-input"
        aria-label={label}
        value={of.text}
        aria-invalid={of.error ? 'true' : undefined}
        aria-describedby={of.error ? 'cell-error' : undefined}
        onInput={(event) => onInput(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') onSave();
          if (event.key === 'Escape') onLeave();
          if (event.key === 'Enter' || event.key === 'Escape') event.stopPropagation();
        }}
      />
      {of.error && (
        <div id="cell-error" class="field-error" role="alert">
          {of.error}
        </div>
      )}
    </>
  );
}

interface SortHeaderProps {
  name: string;
  by: string;
  sort: { by: string; descending: boolean };
  onSort: (by: string, descending: boolean) => void;
}

function SortHeader({ name, by, sort, onSort }: SortHeaderProps) {
  const sorted = sort.by === by;
  return (
    <th scope="col" aria-sort={sorted ? (sort.descending ? 'descending' : 'ascending') : undefined}>
      <button type="button" class="table-sort" onClick={() => onSort(by, sorted && !sort.descending)}>
        {name}
        {sorted && <Icon name={sort.descending ? 'chevron-down' : 'chevron-up'} />}
      </button>
    </th>
  );
}
