import { get } from '../../api/client';
import { useLive, useLoad } from '../../api/load';
import { mayEverywhere } from '../../api/session';
import type { Queue, Setting, Worker } from '../../api/types';
import { Badge, type Tone } from '../../components/badge';
import { LiveBar } from '../../components/live-bar';
import { Loading } from '../../components/loading';
import { Page } from '../../components/page';
import { Empty, Table } from '../../components/table';
import { Time } from '../../components/time';
import { count, duration } from '../../format';
import { texts } from '../../texts';

const t = texts.workers;

export default function Workers() {
  const loaded = useLive<{ data: Worker[]; queues: Queue[] }>('/workers');
  return (
    <Page title={t.title} actions={<LiveBar at={loaded.updatedAt} />}>
      <Loading of={loaded} what={t.what}>
        {({ data, queues }) => (
          <>
            <Table
              label={t.title}
              rows={data}
              keyOf={(row) => row.id}
              empty={<Empty icon="server" text={t.none} hint={t.noneHint} />}
              columns={[
                {
                  id: 'name',
                  header: t.columns.name,
                  wide: true,
                  tooltip: (row) => row.id,
                  cell: (row) => (
                    <>
                      {row.host}
                      <span class="quiet secondary mono">{row.id.slice(0, 8)}</span>
                    </>
                  ),
                },
                {
                  id: 'state',
                  header: t.columns.state,
                  tooltip: (row) => row.reasons.join(' '),
                  cell: (row) => (
                    <>
                      <Badge tone={toneOf(row)} text={row.state} />
                      {row.reasons.length > 0 && <span class="secondary small">{row.reasons.join(' ')}</span>}
                    </>
                  ),
                },
                { id: 'seen', header: t.columns.seen, cell: (row) => <Time at={row.seen_at} /> },
                {
                  id: 'in_flight',
                  header: t.columns.inFlight,
                  numeric: true,
                  cell: (row) => t.inFlight(row.in_flight, row.concurrency),
                },
                {
                  id: 'queues',
                  header: t.columns.queues,
                  tooltip: (row) => row.queues.join(', '),
                  cell: (row) => row.queues.join(', '),
                },
                { id: 'version', header: t.columns.version, cell: (row) => row.version },
              ]}
            />
            <h2>{t.queues}</h2>
            <Table
              label={t.queues}
              rows={queues}
              keyOf={(row) => row.queue}
              empty={<Empty icon="inbox" text={t.noQueues} />}
              columns={[
                { id: 'queue', header: t.queueColumns.queue, wide: true, cell: (row) => row.queue },
                { id: 'waiting', header: t.queueColumns.waiting, numeric: true, cell: (row) => count(row.messages) },
                {
                  id: 'oldest',
                  header: t.queueColumns.oldest,
                  numeric: true,
                  cell: (row) => (row.oldest_s === null ? texts.jobs.missing : duration(row.oldest_s * 1000)),
                },
                {
                  id: 'workers',
                  header: t.queueColumns.workers,
                  numeric: true,
                  cell: (row) => (row.workers === 0 ? <Badge tone="warn" text={t.noWorker} /> : count(row.workers)),
                },
              ]}
            />
          </>
        )}
      </Loading>
      {mayEverywhere('admin') && <Settings />}
    </Page>
  );
}

/** How the process that answers is set up; workers elsewhere have settings of their own. */
function Settings() {
  const loaded = useLoad(async (signal) => (await get<{ data: Setting[] }>('/settings', { signal })).data.data, []);
  return (
    <>
      <h2>{t.settings}</h2>
      <p class="quiet">{t.settingsHint}</p>
      <Loading of={loaded} what={t.settingsWhat}>
        {(settings) => (
          <Table
            label={t.settings}
            rows={settings}
            keyOf={(row) => row.name}
            columns={[
              { id: 'name', header: t.settingColumns.name, cell: (row) => <span class="mono">{row.name}</span> },
              {
                id: 'value',
                header: t.settingColumns.value,
                wide: true,
                cell: (row) => <span class="mono">{shown(row.value)}</span>,
              },
              { id: 'origin', header: t.settingColumns.origin, cell: (row) => t.origins[row.origin] },
            ]}
          />
        )}
      </Loading>
    </>
  );
}

function shown(value: unknown): string {
  if (value === '' || (Array.isArray(value) && value.length === 0)) return t.notSet;
  return Array.isArray(value) ? value.join(', ') : String(value);
}

function toneOf(worker: Worker): Tone {
  if (worker.reasons.length > 0) return 'warn';
  return worker.state === 'ready' ? 'good' : 'plain';
}
