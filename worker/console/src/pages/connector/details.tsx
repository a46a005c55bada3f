import { useState } from 'preact/hooks';

import { get, post } from '../../api/client';
import { useLoad } from '../../api/load';
import type { Category, List } from '../../api/types';
import { ErrorAlert } from '../../components/alert';
import { Checkbox, Select, TextField } from '../../components/field';
import { Icon } from '../../components/icon';
import { texts } from '../../texts';
import type { Editor } from './editor';
import { Retries } from './retries';

const t = texts.connector;
const NEW = '+';

export function Details({ editor, mayManage }: { editor: Editor; mayManage: boolean }) {
  const state = editor.state.value;
  return (
    <div class="stack page-narrow">
      <div class="card">
        <TextField
          label={t.name}
          value={state.name}
          disabled={!mayManage}
          error={editor.errorOf('name')}
          onInput={(name) => editor.change('name', (s) => ({ ...s, name }))}
        />
        <TextField
          label={t.description}
          value={state.description}
          disabled={!mayManage}
          error={editor.errorOf('description')}
          onInput={(description) => editor.change('description', (s) => ({ ...s, description }))}
        />
        <Categories editor={editor} mayManage={mayManage} />
        <Checkbox
          label={t.active}
          hint={t.activeHint}
          checked={state.active}
          disabled={!mayManage}
          onChange={(active) => editor.change('active', (s) => ({ ...s, active }))}
        />
      </div>
      <fieldset class="card field-group" disabled={!mayManage}>
        <legend class="field-group-title">{t.defaults}</legend>
        <Retries
          of={state.defaults}
          onChange={(what, change) => editor.change(`defaults.${what}`, (s) => ({ ...s, defaults: change(s.defaults) }))}
        />
      </fieldset>
    </div>
  );
}

/** A connector may be in several categories: the combobox adds one, the buttons remove one. */
function Categories({ editor, mayManage }: { editor: Editor; mayManage: boolean }) {
  const [turn, setTurn] = useState(0);
  const [name, setName] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const all = useLoad(
    (signal) => get<List<Category>>('/data_source_categories', { query: { per_page: 1000, order_by: 'name' }, signal }),
    [turn],
  );
  const categories = all.data?.data.data ?? [];
  const chosen = editor.state.value.categories;
  const add = (id: string) => editor.change('categories', (s) => ({ ...s, categories: [...s.categories, id] }));
  const drop = (id: string) =>
    editor.change('categories', (s) => ({ ...s, categories: s.categories.filter((one) => one !== id) }));
  const create = async () => {
    try {
      const { data } = await post<Category>('/data_source_categories', { name, status: 'ACTIVE' });
      setTurn(turn + 1);
      setName(null);
      setError(null);
      add(String(data.id));
    } catch (problem) {
      setError(problem);
    }
  };
  return (
    <div class="stack">
      <Select
        label={texts.connectors.category}
        value=""
        disabled={!mayManage}
        onChange={(id) => (id === NEW ? setName('') : id && add(id))}
        options={[
          { value: '', text: chosen.length === 0 ? t.noCategory : t.addCategory },
          ...categories
            .filter((one) => !chosen.includes(String(one.id)))
            .map((one) => ({ value: String(one.id), text: one.name })),
          { value: NEW, text: t.newCategory },
        ]}
      />
      {chosen.length > 0 && (
        <div class="row">
          {chosen.map((id) => {
            const text = categories.find((one) => String(one.id) === id)?.name ?? id;
            return (
              <button
                key={id}
                type="button"
                class="chip"
                disabled={!mayManage}
                aria-label={t.removeCategory(text)}
                onClick={() => drop(id)}
              >
                {text}
                <Icon name="x" />
              </button>
            );
          })}
        </div>
      )}
      {name !== null && (
        <div class="row">
          <div class="grow">
            <TextField label={t.categoryName} value={name} onInput={setName} onEnter={create} />
          </div>
          <button type="button" class="button button-quiet" disabled={name.trim() === ''} onClick={create}>
            {t.createCategory}
          </button>
        </div>
      )}
      <ErrorAlert error={error} />
    </div>
  );
}
