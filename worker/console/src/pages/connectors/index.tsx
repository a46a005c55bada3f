import { useState } from 'preact/hooks';

import { get } from '../../api/client';
import { useLive, useLoad } from '../../api/load';
import { mayEverywhere } from '../../api/session';
import type { Category, Connector, List } from '../../api/types';
import { useAddress } from '../../address';
import { Badge, type Tone } from '../../components/badge';
import { Button, LinkButton } from '../../components/button';
import { Select } from '../../components/field';
import { LiveBar } from '../../components/live-bar';
import { Loading } from '../../components/loading';
import { Menu } from '../../components/menu';
import { notify } from '../../components/notifications';
import { Page } from '../../components/page';
import { Pages } from '../../components/pages';
import { Search } from '../../components/search';
import { type ColumnOf, Empty, Table } from '../../components/table';
import { Time } from '../../components/time';
import { authenticationName, type Status, statusOf } from '../../connector/authentication';
import { exportConnectors } from '../../connector/export';
import { count } from '../../format';
import { texts } from '../../texts';

const t = texts.connectors;
const PER_PAGE = 100;
const TONES: Record<Status, Tone> = { active: 'good', inactive: 'plain', missing: 'warn' };

export default function Connectors() {
  const { query, set } = useAddress();
  const [selected, setSelected] = useState<Set<string>>(new Set());
  const [by, direction] = (query.sort ?? 'name').split(':');
  const page = useLive<List<Connector>>('/data_sources', {
    filter: query.q,
    data_source_category_id: query.category,
    order_by: by,
    order_direction: direction,
    per_page: PER_PAGE,
    page: query.page ?? 1,
    fields: 'name,description,authtype,status,credentials_set,resources',
    include: 'used_by,last_call_at',
  });
  const categories = useLoad(
    (signal) => get<List<Category>>('/data_source_categories', { query: { per_page: 1000, order_by: 'name' }, signal }),
    [],
  );
  const mayCreate = mayEverywhere('manage');
  const filtered = Boolean(query.q || query.category);

  const runExport = async (as: 'json' | 'camunda7' | 'camunda8') => {
    try {
      await exportConnectors(as, [...selected]);
    } catch (error) {
      notify(error instanceof Error ? error.message : texts.errors.unexpected);
    }
  };
  const acts = mayCreate && (
    <>
      <LinkButton href="/connectors/import" icon="import">
        {t.import}
      </LinkButton>
      <LinkButton href="/connectors/new" icon="plus" kind="primary">
        {t.new}
      </LinkButton>
    </>
  );
  return (
    <Page
      title={t.title}
      actions={
        <>
          <LiveBar at={page.updatedAt} />
          <Menu
            label={t.export}
            text={t.export}
            icon="download"
            items={[
              { text: t.asJson, act: () => runExport('json') },
              { text: t.asCamunda7, act: () => runExport('camunda7') },
              { text: t.asCamunda8, act: () => runExport('camunda8') },
            ].map((item) => ({ ...item, icon: 'file-json' as const }))}
          />
          {acts}
        </>
      }
    >
      <div class="toolbar">
        <Search label={t.search} value={query.q ?? ''} onSearch={(q) => set({ q, page: null }, 'replace')} />
        <Select
          label={t.category}
          hidden
          value={query.category ?? ''}
          onChange={(category) => set({ category, page: null })}
          options={[
            { value: '', text: t.anyCategory },
            ...(categories.data?.data.data ?? []).map((one) => ({ value: String(one.id), text: one.name })),
          ]}
        />
      </div>
      <Loading of={page} what={t.what}>
        {(list) => (
          <>
            <Table
              label={t.title}
              rows={list.data}
              columns={COLUMNS}
              keyOf={(row) => row.uuid}
              sorting={{
                by,
                descending: direction === 'desc',
                onSort: (to, descending) => set({ sort: descending ? `${to}:desc` : to, page: null }),
              }}
              selection={{ selected, onChange: setSelected, name: (row) => row.name }}
              empty={
                filtered ? (
                  <Empty icon="search-x" text={t.noMatch} hint={t.noMatchHint}>
                    <Button onClick={() => set({ q: null, category: null, page: null })}>{t.clear}</Button>
                  </Empty>
                ) : (
                  <Empty icon="plug" text={t.none} hint={t.noneHint}>
                    <LinkButton href="/modeler?example=order" icon="workflow">
                      {t.example}
                    </LinkButton>
                  </Empty>
                )
              }
            />
            <Pages meta={list.meta} onPage={(to) => set({ page: to === 1 ? null : String(to) })} />
          </>
        )}
      </Loading>
    </Page>
  );
}

const COLUMNS: ColumnOf<Connector>[] = [
  {
    id: 'name',
    header: t.name,
    sort: 'name',
    wide: true,
    tooltip: (row) => row.description ?? row.name,
    cell: (row) => <NameCell row={row} />,
  },
  {
    id: 'resources',
    header: t.resources,
    numeric: true,
    cell: (row) => count(row.resources?.length ?? Object.keys(row.endpoints ?? {}).length),
  },
  { id: 'authentication', header: t.authentication, sort: 'authtype', cell: (row) => authenticationName(row.authtype) },
  { id: 'used_by', header: t.usedBy, numeric: true, tooltip: (row) => usedByTip(row), cell: (row) => <UsedByCell row={row} /> },
  { id: 'last_call', header: t.lastCall, cell: (row) => <Time at={row.last_call_at} /> },
  { id: 'status', header: t.status, sort: 'status', cell: (row) => <StatusBadge status={statusOf(row)} /> },
];

function NameCell({ row }: { row: Connector }) {
  return (
    <>
      <a href={`/connectors/${row.uuid}`}>{row.name}</a>
      {row.description && <span class="quiet secondary">{row.description}</span>}
    </>
  );
}

function usedByTip(row: Connector): string | null {
  const models = (row.used_by ?? []).map((one) => one.process);
  return models.length === 0 ? null : t.usedByTip(models.join(', '));
}

function UsedByCell({ row }: { row: Connector }) {
  const models = new Set((row.used_by ?? []).map((one) => one.process)).size;
  return models === 0 ? <span class="quiet">–</span> : <a href={`/connectors/${row.uuid}/used-by`}>{count(models)}</a>;
}

export function StatusBadge({ status }: { status: Status }) {
  return <Badge tone={TONES[status]} text={t[status]} icon={status === 'inactive' ? 'circle-pause' : undefined} />;
}
