import '../../job/job.css';

import { useLive } from '../../api/load';
import type { Cursor, DeadLetter } from '../../api/types';
import { useAddress } from '../../address';
import { Checkbox } from '../../components/field';
import { LiveBar } from '../../components/live-bar';
import { Loading } from '../../components/loading';
import { NewerOlder } from '../../components/newer-older';
import { Page } from '../../components/page';
import { Badge } from '../../components/badge';
import { useSettled } from '../../components/newer';
import { Empty, Table } from '../../components/table';
import { Time } from '../../components/time';
import { texts } from '../../texts';

const t = texts.deadLetters;

export default function DeadLetters() {
  const { query, set } = useAddress();
  const page = useLive<Cursor<DeadLetter>>('/dead_letters', { all: query.all, after: query.after, per_page: 100 });
  const settled = useSettled(
    page.isCurrent ? page.data?.data : undefined,
    (row) => String(row.id),
    JSON.stringify([query.all, query.after]),
  );
  return (
    <Page title={t.title} actions={<LiveBar at={page.updatedAt} />}>
      <Checkbox
        label={t.showPublished}
        checked={query.all === '1'}
        onChange={(on) => set({ all: on ? '1' : null, after: null })}
      />
      <Loading of={page} what={t.what}>
        {({ meta }) => (
          <>
            {settled.newer > 0 && (
              <button
                type="button"
                class="newer"
                onClick={() => {
                  settled.show();
                  page.reload();
                }}
              >
                {texts.live.newer(settled.newer, 'message')}
              </button>
            )}
            <Table
              label={t.title}
              rows={settled.rows}
              keyOf={(row) => String(row.id)}
              columns={[
                {
                  id: 'number',
                  header: t.columns.number,
                  cell: (row) => (
                    <>
                      <a href={`/dead-letters/${row.id}`}>{row.id}</a>
                      {row.replayed_at && (
                        <span class="secondary">
                          <Badge tone="plain" icon="send" text={t.publishedAlready} />
                        </span>
                      )}
                    </>
                  ),
                },
                { id: 'arrived', header: t.columns.arrived, cell: (row) => <Time at={row.arrived_at} /> },
                {
                  id: 'reason',
                  header: t.columns.reason,
                  cell: (row) =>
                    row.reason ? (
                      <a class="code" href={`/codes/${row.reason}`}>
                        {row.reason}
                      </a>
                    ) : (
                      texts.jobs.missing
                    ),
                },
                {
                  id: 'job',
                  header: t.columns.job,
                  tooltip: (row) => row.job,
                  cell: (row) =>
                    row.job ? (
                      <a class="mono job-id" href={`/jobs/${encodeURIComponent(row.job)}`}>
                        {row.job}
                      </a>
                    ) : (
                      texts.jobs.missing
                    ),
                },
                { id: 'detail', header: t.columns.detail, wide: true, tooltip: (row) => row.detail, cell: (row) => row.detail },
              ]}
              empty={<Empty icon="inbox" text={t.none} hint={t.noneHint} />}
            />
            <NewerOlder meta={meta} />
          </>
        )}
      </Loading>
    </Page>
  );
}
