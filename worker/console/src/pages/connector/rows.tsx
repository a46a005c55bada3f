import type { Row } from '../../api/types';
import { Button, IconButton } from '../../components/button';
import { Checkbox, TextField } from '../../components/field';
import { texts } from '../../texts';

const t = texts.connector;

interface RowsProps {
  kind: 'parameter' | 'header';
  rows: Row[];
  onChange: (what: string, rows: Row[]) => void;
  errorOf: (index: number, member: 'key' | 'value') => string | undefined;
}

/** Parameters or headers: a row each, controls named by what they are and which one. */
export function Rows({ kind, rows, onChange, errorOf }: RowsProps) {
  const words = t.rows[kind];
  const set = (index: number, changes: Partial<Row>) =>
    onChange(
      `${index}.${Object.keys(changes)[0]}`,
      rows.map((row, at) => (at === index ? { ...row, ...changes } : row)),
    );
  const add = () => {
    onChange('add', [...rows, { key: '', value: '', required: false }]);
    setTimeout(() => document.querySelector<HTMLInputElement>(`[aria-label="${words.key(rows.length + 1)}"]`)?.focus(), 30);
  };
  return (
    <div class="rows">
      <div class="rows-header">
        <h3>{words.title}</h3>
        <Button kind="plain" icon="plus" onClick={add}>
          {words.add}
        </Button>
      </div>
      {rows.length > 0 && (
        <table class="rows-table" aria-label={words.title}>
          <thead>
            <tr>
              <th scope="col">{t.rows.keyHeader}</th>
              <th scope="col">{t.rows.valueHeader}</th>
              <th scope="col" class="rows-required">
                {t.rows.requiredHeader}
              </th>
              <th scope="col">
                <span class="hidden">{texts.table.acts}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row, index) => (
              <tr key={index}>
                <td>
                  <TextField
                    hidden
                    mono
                    label={words.key(index + 1)}
                    value={row.key}
                    error={errorOf(index, 'key')}
                    onInput={(key) => set(index, { key })}
                  />
                </td>
                <td>
                  <TextField
                    hidden
                    mono
                    label={words.value(index + 1)}
                    value={row.value ?? ''}
                    error={errorOf(index, 'value')}
                    onInput={(value) => set(index, { value })}
                  />
                </td>
                <td class="rows-required">
                  <Checkbox
                    hidden
                    label={words.required(index + 1)}
                    checked={row.required ?? false}
                    onChange={(required) => set(index, { required })}
                  />
                </td>
                <td class="rows-act">
                  <IconButton
                    icon="x"
                    label={words.remove(index + 1)}
                    onClick={() =>
                      onChange(
                        'remove',
                        rows.filter((_, at) => at !== index),
                      )
                    }
                  />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}
