import { useEffect, useRef, useState } from 'preact/hooks';

import { call, get, post, remove, segment } from '../../api/client';
import { ApiError } from '../../api/errors';
import { useLoad } from '../../api/load';
import { mayEverywhere } from '../../api/session';
import type { Collection, CollectionRecord, List } from '../../api/types';
import { useAddress } from '../../address';
import { Alert, ErrorAlert } from '../../components/alert';
import { Button } from '../../components/button';
import { Question } from '../../components/dialog';
import { TextField } from '../../components/field';
import { Loading } from '../../components/loading';
import { Menu } from '../../components/menu';
import { Pages } from '../../components/pages';
import { Empty } from '../../components/table';
import { download } from '../../download';
import { texts } from '../../texts';
import { fieldsOf, patch } from './cells';
import { Grid } from './grid';
import { ImportDialog } from './import-dialog';

const t = texts.collections;

interface PmqlError {
  pmql?: { at: number };
}

export function Records({ collection }: { collection: Collection }) {
  const { query, set } = useAddress();
  const path = `/collections/${segment(collection.uuid)}/records`;
  const [by, direction] = (query.sort ?? 'id').split(':');
  const [typed, setTyped] = useState(query.pmql ?? '');
  const [selected, setSelected] = useState<Set<number>>(new Set());
  const [asking, setAsking] = useState(false);
  const [importing, setImporting] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const filter = useRef<HTMLDivElement>(null);
  const loaded = useLoad(
    async (signal) =>
      (
        await get<List<CollectionRecord>>(path, {
          query: { pmql: query.pmql, order_by: by, order_direction: direction, per_page: 100, page: query.page ?? 1 },
          signal,
        })
      ).data,
    [collection.uuid, query.pmql, query.sort, query.page],
  );
  const refusal = loaded.error instanceof ApiError ? loaded.error : null;
  const at = refusal ? (refusal.body as unknown as PmqlError).pmql?.at : undefined;
  const mayWrite = mayEverywhere('execute');
  const refused = mayWrite ? false : texts.frame.notCall;

  useEffect(() => {
    if (at === undefined) return;
    const input = filter.current?.querySelector('input');
    const place = [...typed].slice(0, at - 1).join('').length;
    input?.focus();
    input?.setSelectionRange(place, place);
  }, [at, loaded.error]);

  const act = async (what: () => Promise<unknown>) => {
    try {
      setError(null);
      await what();
      loaded.reload();
    } catch (problem) {
      setError(problem);
    }
  };
  const save = async (record: CollectionRecord, steps: string[], value: unknown) => {
    await call('PATCH', `${path}/${record.id}`, { body: { data: patch(steps, value) } });
    loaded.reload();
  };
  const runExport = (format: string) =>
    act(async () => {
      const { data } = await get<unknown>(`${path}/export`, { query: { format, pmql: query.pmql, order_by: by } });
      download(
        `${collection.name}.${format}`,
        typeof data === 'string' ? data : JSON.stringify(data, null, 2),
        'application/octet-stream',
      );
    });
  const fields = fieldsOf(collection.columns, loaded.data?.data ?? []);
  return (
    <div class="stack">
      <div class="toolbar">
        <div class="pmql" ref={filter}>
          <TextField
            hidden
            mono
            label={t.filter}
            placeholder={t.filterHint}
            value={typed}
            list={fields.map((field) => field.path)}
            error={at === undefined ? undefined : t.filterError(at, refusal?.field('pmql') ?? '')}
            onInput={setTyped}
            onEnter={() => set({ pmql: typed.trim(), page: null })}
          />
        </div>
        <span class="grow" />
        <Button icon="trash-2" disabled={selected.size === 0} refused={refused} onClick={() => setAsking(true)}>
          {t.deleteSelected}
        </Button>
        <Menu
          label={t.export}
          text={t.export}
          icon="download"
          items={t.formats.map(([format, text]) => ({ text, icon: 'file-json' as const, act: () => void runExport(format) }))}
        />
        <Button icon="file-up" refused={!mayEverywhere('manage') && texts.frame.readOnly} onClick={() => setImporting(true)}>
          {t.importCsv}
        </Button>
        <Button kind="primary" icon="plus" refused={refused} onClick={() => act(() => post(path, { data: {} }))}>
          {t.addRecord}
        </Button>
      </div>
      {at !== undefined && (
        <Alert what={t.filterError(at, refusal?.field('pmql') ?? refusal?.message ?? '')} code={refusal?.code} />
      )}
      <ErrorAlert error={error} />
      <Loading of={at === undefined ? loaded : { ...loaded, error: null }} what={t.records}>
        {({ data, meta }) => (
          <>
            <Grid
              fields={fields}
              records={data}
              mayWrite={mayWrite}
              onSave={save}
              selected={selected}
              onSelect={setSelected}
              sort={{ by, descending: direction === 'desc' }}
              onSort={(to, descending) => set({ sort: descending ? `${to}:desc` : to, page: null })}
            />
            {data.length === 0 && <Empty icon="database" text={query.pmql ? t.noRecordsMatch : t.noRecords} />}
            <Pages meta={meta} onPage={(to) => set({ page: to === 1 ? null : String(to) })} />
          </>
        )}
      </Loading>
      {asking && (
        <Question
          title={t.deleteTitle(selected.size)}
          text={t.deleteText(selected.size)}
          act={t.deleteTitle(selected.size)}
          onClose={() => setAsking(false)}
          onAct={async () => {
            for (const id of selected) await remove(`${path}/${id}`);
            setSelected(new Set());
            loaded.reload();
          }}
        />
      )}
      {importing && <ImportDialog collection={collection} onClose={() => setImporting(false)} onImported={loaded.reload} />}
    </div>
  );
}
