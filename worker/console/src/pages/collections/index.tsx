import { useLocation } from 'preact-iso';
import { useState } from 'preact/hooks';

import { post } from '../../api/client';
import { ApiError } from '../../api/errors';
import { useLive } from '../../api/load';
import { mayEverywhere } from '../../api/session';
import type { Collection, List } from '../../api/types';
import { useAddress } from '../../address';
import { ErrorAlert } from '../../components/alert';
import { Button } from '../../components/button';
import { Dialog } from '../../components/dialog';
import { TextField } from '../../components/field';
import { LiveBar } from '../../components/live-bar';
import { Loading } from '../../components/loading';
import { Page } from '../../components/page';
import { Pages } from '../../components/pages';
import { Search } from '../../components/search';
import { Empty, Table } from '../../components/table';
import { Time } from '../../components/time';
import { count } from '../../format';
import { texts } from '../../texts';

const t = texts.collections;

export default function Collections() {
  const { query, set } = useAddress();
  const [creating, setCreating] = useState(false);
  const page = useLive<List<Collection>>('/collections', {
    filter: query.q,
    order_by: 'name',
    per_page: 100,
    page: query.page ?? 1,
  });
  const create = mayEverywhere('manage') && (
    <Button kind="primary" icon="plus" onClick={() => setCreating(true)}>
      {t.new}
    </Button>
  );
  return (
    <Page
      title={t.title}
      actions={
        <>
          <LiveBar at={page.updatedAt} />
          {create}
        </>
      }
    >
      <div class="toolbar">
        <Search label={t.search} value={query.q ?? ''} onSearch={(q) => set({ q, page: null }, 'replace')} />
      </div>
      <Loading of={page} what={t.what}>
        {({ data, meta }) => (
          <>
            <Table
              label={t.title}
              rows={data}
              keyOf={(row) => row.uuid}
              columns={[
                {
                  id: 'name',
                  header: t.columns.name,
                  wide: true,
                  tooltip: (row) => row.description ?? row.name,
                  cell: (row) => (
                    <>
                      <a href={`/collections/${row.uuid}`}>{row.name}</a>
                      {row.description && <span class="quiet secondary">{row.description}</span>}
                    </>
                  ),
                },
                { id: 'columns', header: t.columns.columns, numeric: true, cell: (row) => count(row.columns.length) },
                { id: 'records', header: t.columns.records, numeric: true, cell: (row) => count(row.records_count) },
                { id: 'changed', header: t.columns.changed, cell: (row) => <Time at={row.updated_at} /> },
              ]}
              empty={
                query.q ? <Empty icon="search-x" text={t.noMatch} /> : <Empty icon="database" text={t.none} hint={t.noneHint} />
              }
            />
            <Pages meta={meta} onPage={(to) => set({ page: to === 1 ? null : String(to) })} />
          </>
        )}
      </Loading>
      {creating && <NewCollection onClose={() => setCreating(false)} />}
    </Page>
  );
}

function NewCollection({ onClose }: { onClose: () => void }) {
  const { route } = useLocation();
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  const [error, setError] = useState<unknown>(null);
  const create = async () => {
    try {
      const { data } = await post<Collection>('/collections', { name: name.trim(), description: description || null });
      onClose();
      route(`/collections/${data.uuid}?tab=columns`);
    } catch (problem) {
      setError(problem);
    }
  };
  return (
    <Dialog
      title={t.new}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{texts.act.cancel}</Button>
          <Button kind="primary" disabled={name.trim() === ''} onClick={create}>
            {t.create}
          </Button>
        </>
      }
    >
      <ErrorAlert error={error} shown={['name']} />
      <TextField
        label={t.name}
        value={name}
        error={error instanceof ApiError ? error.field('name') : undefined}
        onInput={setName}
        onEnter={create}
      />
      <TextField label={t.description} value={description} onInput={setDescription} />
    </Dialog>
  );
}
