import { useState } from 'preact/hooks';

import { get } from '../../api/client';
import { ApiError } from '../../api/errors';
import { useLoad } from '../../api/load';
import type { Connector, Converted, List } from '../../api/types';
import { Method } from '../../components/badge';
import { Button } from '../../components/button';
import { Checkbox, Select, TextField } from '../../components/field';
import { texts } from '../../texts';
import { consequences, countOf, type Group, type Plan } from './plan';

const t = texts.import;

interface PreviewProps {
  read: Converted;
  plan: Plan;
  error: unknown;
  onChange: (plan: Plan) => void;
  onImport: () => void;
  busy: boolean;
}

/** What was read, what of it is taken, and where it goes. */
export function Preview({ read, plan, error, onChange, onImport, busy }: PreviewProps) {
  const [word, setWord] = useState('');
  const connectors = useLoad(
    async (signal) =>
      (
        await get<List<Connector>>('/data_sources', {
          query: { per_page: 10_000, order_by: 'name', fields: 'name,resources' },
          signal,
        })
      ).data.data,
    [],
  );
  const several = plan.groups.length > 1;
  const number = countOf(plan);
  const change = (index: number, changes: Partial<Group>) =>
    onChange({ ...plan, groups: plan.groups.map((group, at) => (at === index ? { ...group, ...changes } : group)) });

  const followUps = plan.groups.map((group) =>
    consequences(
      group,
      connectors.data?.find((one) => one.uuid === group.into),
    ),
  );
  const changed = [...read.changed, ...followUps.flatMap((one) => one.changed)];
  const leftOut = [...read.left_out, ...followUps.flatMap((one) => one.leftOut)];
  const fresh = plan.groups.filter((group) => group.into === '');
  const kind = t.kinds.find(([value]) => value === read.kind)?.[1] ?? read.kind;
  return (
    <section class="stack" role="region" aria-label={t.preview}>
      <div class="card-header">
        <h2>{t.preview}</h2>
        <span class="quiet">{t.recognised(kind)}</span>
        <Button
          kind="primary"
          icon="import"
          disabled={busy || number === 0 || fresh.some((group) => group.name.trim() === '')}
          onClick={onImport}
        >
          {t.importAll(number)}
        </Button>
      </div>
      {(changed.length > 0 || leftOut.length > 0) && (
        <div class="import-notes">
          {changed.length > 0 && <Notes title={t.changed} lines={changed} />}
          {leftOut.length > 0 && <Notes title={t.leftOut} lines={leftOut.map((one) => `${one.what}: ${one.why}`)} />}
        </div>
      )}
      <TextField type="search" hidden label={t.search} placeholder={t.search} value={word} onInput={setWord} />
      {plan.groups.map((group, index) => {
        const refused = error instanceof ApiError && group.into === '' ? error.field(`${fresh.indexOf(group)}.name`) : undefined;
        return (
          <fieldset key={index} class="card">
            <div class="fields">
              <TextField
                label={t.numbered(t.name, index + 1, several)}
                value={group.name}
                disabled={group.into !== ''}
                error={refused}
                onInput={(name) => change(index, { name })}
              />
              <Select
                label={t.numbered(t.into, index + 1, several)}
                value={group.into}
                onChange={(into) => change(index, { into })}
                options={[
                  { value: '', text: t.newConnector },
                  ...(connectors.data ?? []).map((one) => ({ value: one.uuid, text: one.name })),
                ]}
              />
            </div>
            <Resources group={group} word={word} onChange={(chosen) => change(index, { chosen })} />
          </fieldset>
        );
      })}
    </section>
  );
}

function Notes({ title, lines }: { title: string; lines: string[] }) {
  return (
    <div class="card">
      <h3>{title}</h3>
      <ul class="plain-list" aria-label={title}>
        {lines.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </div>
  );
}

function Resources({ group, word, onChange }: { group: Group; word: string; onChange: (chosen: Set<string>) => void }) {
  const all = Object.entries(group.record.endpoints ?? {});
  const rows = all.filter(([name, resource]) =>
    `${resource.method} ${name} ${resource.url}`.toLowerCase().includes(word.toLowerCase()),
  );
  const chosen = rows.filter(([name]) => group.chosen.has(name)).length;
  const choose = (names: string[], on: boolean) => {
    const next = new Set(group.chosen);
    for (const name of names) {
      if (on) next.add(name);
      else next.delete(name);
    }
    onChange(next);
  };
  return (
    <div class="table-frame">
      <table class="table" aria-label={t.resources}>
        <thead>
          <tr>
            <th class="table-select">
              <Checkbox
                hidden
                label={texts.table.selectAll}
                checked={chosen > 0 && chosen === rows.length}
                mixed={chosen > 0 && chosen < rows.length}
                onChange={(on) =>
                  choose(
                    rows.map(([name]) => name),
                    on,
                  )
                }
              />
            </th>
            <th scope="col">{t.method}</th>
            <th scope="col">{t.resource}</th>
            <th scope="col">{t.url}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(([name, resource]) => (
            <tr key={name}>
              <td class="table-select">
                <Checkbox
                  hidden
                  label={t.importOne(resource.method, importName(name, resource.method))}
                  checked={group.chosen.has(name)}
                  onChange={(on) => choose([name], on)}
                />
              </td>
              <td data-label={t.method}>
                <Method method={resource.method} />
              </td>
              <td data-label={t.resource} title={resource.description ?? name}>
                {name}
              </td>
              <td data-label={t.url} class="mono wide" title={resource.url}>
                {resource.url}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A name that begins with its method ("GET /pets") is not said twice. */
function importName(name: string, method: string): string {
  return name.startsWith(`${method} `) ? name.slice(method.length + 1) : name;
}
