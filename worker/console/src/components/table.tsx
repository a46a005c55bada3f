import type { ComponentChildren } from 'preact';

import { texts } from '../texts';
import { Checkbox } from './field';
import { Icon } from './icon';
import type { IconName } from './icon-names';

export interface ColumnOf<T> {
  id: string;
  header: string;
  cell: (row: T) => ComponentChildren;
  /** The whole text of a cell that may be cut. */
  tooltip?: (row: T) => string | null | undefined;
  numeric?: boolean;
  /** The server can sort by it. */
  sort?: string;
  /** Grows with the table. */
  wide?: boolean;
}

export interface Sorting {
  by: string;
  descending: boolean;
  onSort: (by: string, descending: boolean) => void;
}

export interface Selection<T> {
  selected: ReadonlySet<string>;
  onChange: (selected: Set<string>) => void;
  /** The row in "Select …". */
  name: (row: T) => string;
}

interface TableProps<T> {
  label: string;
  columns: ColumnOf<T>[];
  rows: T[];
  keyOf: (row: T) => string;
  sorting?: Sorting;
  selection?: Selection<T>;
  /** Acts of a row, at its end, visible on hover and focus. */
  acts?: (row: T) => ComponentChildren;
  empty?: ComponentChildren;
}

/** A table that fills the width; below 900 px each row is a card. */
export function Table<T>({ label, columns, rows, keyOf, sorting, selection, acts, empty }: TableProps<T>) {
  const all = rows.map(keyOf);
  const chosen = selection ? all.filter((key) => selection.selected.has(key)).length : 0;
  const choose = (keys: string[], on: boolean) => {
    const next = new Set(selection?.selected);
    for (const key of keys) {
      if (on) next.add(key);
      else next.delete(key);
    }
    selection?.onChange(next);
  };
  return (
    <div class="table-frame">
      <table class="table" aria-label={label}>
        <thead>
          <tr>
            {selection && (
              <th class="table-select">
                <Checkbox
                  hidden
                  label={texts.table.selectAll}
                  checked={chosen > 0 && chosen === all.length}
                  mixed={chosen > 0 && chosen < all.length}
                  onChange={(on) => choose(all, on)}
                />
              </th>
            )}
            {columns.map((column) => (
              <Header key={column.id} column={column} sorting={sorting} />
            ))}
            {acts && (
              <th class="table-acts">
                <span class="hidden">{texts.table.acts}</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => {
            const key = keyOf(row);
            return (
              <tr key={key} class={selection?.selected.has(key) ? 'selected' : undefined}>
                {selection && (
                  <td class="table-select">
                    <Checkbox
                      hidden
                      label={texts.table.select(selection.name(row))}
                      checked={selection.selected.has(key)}
                      onChange={(on) => choose([key], on)}
                    />
                  </td>
                )}
                {columns.map((column, index) => (
                  <td
                    key={column.id}
                    data-label={column.header}
                    class={index === 0 ? `lead ${classes(column)}` : classes(column)}
                    title={column.tooltip?.(row) ?? undefined}
                  >
                    {column.cell(row)}
                  </td>
                ))}
                {acts && (
                  <td class="table-acts">
                    <span class="row-acts">{acts(row)}</span>
                  </td>
                )}
              </tr>
            );
          })}
        </tbody>
      </table>
      {rows.length === 0 && empty}
    </div>
  );
}

function classes<T>(column: ColumnOf<T>): string {
  return [column.numeric && 'numeric', column.wide && 'wide'].filter(Boolean).join(' ');
}

function Header<T>({ column, sorting }: { column: ColumnOf<T>; sorting?: Sorting }) {
  const { sort } = column;
  if (!sort || !sorting)
    return (
      <th scope="col" class={classes(column)}>
        {column.header}
      </th>
    );
  const sorted = sorting.by === sort;
  return (
    <th scope="col" class={classes(column)} aria-sort={sorted ? (sorting.descending ? 'descending' : 'ascending') : undefined}>
      <button type="button" class="table-sort" onClick={() => sorting.onSort(sort, sorted && !sorting.descending)}>
        {column.header}
        {sorted && <Icon name={sorting.descending ? 'chevron-down' : 'chevron-up'} />}
      </button>
    </th>
  );
}

interface EmptyProps {
  text: string;
  hint?: ComponentChildren;
  children?: ComponentChildren;
  icon?: IconName;
}

/** What would be here, and the next step. */
export function Empty({ text, hint, children, icon = 'inbox' }: EmptyProps) {
  return (
    <div class="nothing">
      <Icon name={icon} />
      <p class="nothing-text">{text}</p>
      {hint && <p class="quiet">{hint}</p>}
      {children && <div class="nothing-acts">{children}</div>}
    </div>
  );
}
