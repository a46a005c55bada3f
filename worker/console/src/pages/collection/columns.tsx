import { useState } from 'preact/hooks';

import { put, segment } from '../../api/client';
import { ApiError } from '../../api/errors';
import { mayEverywhere } from '../../api/session';
import type { Collection, Column } from '../../api/types';
import { ErrorAlert } from '../../components/alert';
import { Button, IconButton } from '../../components/button';
import { Checkbox, Select, TextField } from '../../components/field';
import { notify } from '../../components/notifications';
import { useCtrl } from '../../frame/shortcuts';
import { texts } from '../../texts';

const t = texts.collections;

export function Columns({ collection, onSaved }: { collection: Collection; onSaved: () => void }) {
  const [columns, setColumns] = useState<Column[]>(collection.columns);
  const [error, setError] = useState<unknown>(null);
  const mayManage = mayEverywhere('manage');
  const changed = JSON.stringify(columns) !== JSON.stringify(collection.columns);
  const set = (index: number, changes: Partial<Column>) =>
    setColumns(columns.map((one, at) => (at === index ? { ...one, ...changes } : one)));
  const save = async () => {
    if (!changed || !mayManage) return;
    try {
      await put(`/collections/${segment(collection.uuid)}`, { columns });
      setError(null);
      notify(t.columnsSaved);
      onSaved();
    } catch (problem) {
      setError(problem);
    }
  };
  useCtrl('s', () => void save());
  const errorOf = (index: number, part: string) =>
    error instanceof ApiError ? error.field(`columns.${index}.${part}`) : undefined;
  return (
    <fieldset class="card" disabled={!mayManage}>
      <ErrorAlert error={error} />
      <table class="rows-table columns-table" aria-label={t.columnsTab}>
        <thead>
          <tr>
            {[t.label, t.field, t.type, t.required, t.unique, t.indexed].map((header) => (
              <th key={header} scope="col">
                {header}
              </th>
            ))}
            <th scope="col">
              <span class="hidden">{texts.table.acts}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {columns.map((column, index) => (
            <tr key={index}>
              <td>
                <TextField
                  hidden
                  label={t.columnPart(t.label, index + 1)}
                  value={column.label ?? ''}
                  error={errorOf(index, 'label')}
                  onInput={(label) => set(index, { label })}
                />
              </td>
              <td>
                <TextField
                  hidden
                  mono
                  label={t.columnPart(t.field, index + 1)}
                  value={column.field}
                  placeholder="data.name"
                  error={errorOf(index, 'field')}
                  onInput={(field) => set(index, { field })}
                />
              </td>
              <td>
                <Select
                  hidden
                  label={t.columnPart(t.type, index + 1)}
                  value={column.type ?? 'json'}
                  error={errorOf(index, 'type')}
                  onChange={(type) => set(index, { type: type as Column['type'] })}
                  options={t.types.map(([value, text]) => ({ value, text }))}
                />
              </td>
              <td>
                <Checkbox
                  hidden
                  label={t.columnPart(t.required, index + 1)}
                  checked={column.required ?? false}
                  onChange={(required) => set(index, { required })}
                />
              </td>
              <td>
                <Checkbox
                  hidden
                  label={t.columnPart(t.unique, index + 1)}
                  checked={column.unique ?? false}
                  onChange={(unique) => set(index, { unique })}
                />
              </td>
              <td>
                <Checkbox
                  hidden
                  label={t.columnPart(t.indexed, index + 1)}
                  checked={column.indexed ?? false}
                  onChange={(indexed) => set(index, { indexed })}
                />
              </td>
              <td class="rows-act">
                <IconButton
                  icon="x"
                  label={t.removeColumn(index + 1)}
                  onClick={() => setColumns(columns.filter((_, at) => at !== index))}
                />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <div class="row">
        <Button
          icon="plus"
          onClick={() =>
            setColumns([
              ...columns,
              { label: '', field: 'data.', type: 'string', required: false, unique: false, indexed: false },
            ])
          }
        >
          {t.addColumn}
        </Button>
        <Button kind="primary" icon="save" disabled={!changed} onClick={save}>
          {t.saveColumns}
        </Button>
      </div>
    </fieldset>
  );
}
