import { get } from '../../api/client';
import { useLive, useLoad } from '../../api/load';
import type { AuditEntry, Cursor } from '../../api/types';
import { useAddress } from '../../address';
import { Alert, ErrorAlert } from '../../components/alert';
import { Icon } from '../../components/icon';
import { LiveBar } from '../../components/live-bar';
import { Loading } from '../../components/loading';
import { NewerOlder } from '../../components/newer-older';
import { Page } from '../../components/page';
import { Empty, Table } from '../../components/table';
import { Time } from '../../components/time';
import { count } from '../../format';
import { texts } from '../../texts';

const t = texts.audit;

interface Verified {
  ok: boolean;
  entries: number;
  broken_at: number | null;
}

export default function Audit() {
  const { query } = useAddress();
  const page = useLive<Cursor<AuditEntry>>('/audit', { after: query.after, per_page: 100 }, 10_000);
  const verified = useLoad(async (signal) => (await get<Verified>('/audit/verify', { signal })).data, []);
  return (
    <Page title={t.title} actions={<LiveBar at={page.updatedAt} />}>
      {verified.data?.ok === false ? (
        <Alert what={t.broken(verified.data.broken_at ?? 0)} next={t.brokenNext} />
      ) : (
        <p role="status" class="verified">
          {verified.data ? (
            <>
              <Icon name="shield" />
              {t.verified(verified.data.entries)}
            </>
          ) : verified.error ? null : (
            t.verifying
          )}
        </p>
      )}
      <ErrorAlert error={verified.error} />
      <Loading of={page} what={t.what} rows={12}>
        {({ data, meta }) => (
          <>
            <Table
              label={t.title}
              rows={data}
              keyOf={(row) => String(row.seq)}
              empty={<Empty icon="scroll-text" text={t.none} />}
              columns={[
                { id: 'number', header: t.columns.number, numeric: true, cell: (row) => count(row.seq) },
                { id: 'time', header: t.columns.time, cell: (row) => <Time at={row.at} /> },
                { id: 'actor', header: t.columns.actor, cell: (row) => row.actor },
                { id: 'action', header: t.columns.action, cell: (row) => <span class="mono">{row.action}</span> },
                {
                  id: 'target',
                  header: t.columns.target,
                  tooltip: (row) => row.target,
                  cell: (row) => <span class="mono">{row.target}</span>,
                },
                {
                  id: 'detail',
                  header: t.columns.detail,
                  wide: true,
                  tooltip: (row) => detailOf(row),
                  cell: (row) => <span class="mono quiet">{detailOf(row)}</span>,
                },
              ]}
            />
            <NewerOlder meta={meta} />
          </>
        )}
      </Loading>
    </Page>
  );
}

function detailOf(entry: AuditEntry): string {
  if (entry.detail === null || entry.detail === undefined) return '';
  return typeof entry.detail === 'string' ? entry.detail : JSON.stringify(entry.detail);
}
