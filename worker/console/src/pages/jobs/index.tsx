import '../../job/job.css';

import { useMemo, useState } from 'preact/hooks';

import { get } from '../../api/client';
import { useLive, useLoad } from '../../api/load';
import { may, mayEverywhere } from '../../api/session';
import type { Cursor, Job, ModelRow } from '../../api/types';
import { useAddress } from '../../address';
import { Button } from '../../components/button';
import { Select } from '../../components/field';
import { Icon } from '../../components/icon';
import { LiveBar } from '../../components/live-bar';
import { Loading } from '../../components/loading';
import { Menu } from '../../components/menu';
import { useSettled } from '../../components/newer';
import { NewerOlder } from '../../components/newer-older';
import { Page } from '../../components/page';
import { Search } from '../../components/search';
import { type ColumnOf, Empty, Table } from '../../components/table';
import { Time } from '../../components/time';
import { nameOf, useConnectors } from '../../connector/names';
import { duration, longTime } from '../../format';
import { BulkActions, countBulk, startBulk } from '../../job/bulk';
import { CancelQuestion, ReplayQuestion } from '../../job/questions';
import { WORDS } from '../../job/state';
import { StateBadge } from '../../job/state-badge';
import { texts } from '../../texts';
import { active, apiQuery, inWords, startOf } from './filters';

const t = texts.jobs;
const PER_PAGE = 100;

/** What is asked about: the selected jobs, or all that match. */
interface Asked {
  action: 'replay' | 'cancel';
  all: boolean;
  count: number | null;
  to?: string;
}

export default function Jobs() {
  const { query, set, href } = useAddress();
  const [selected, setSelected] = useState<Set<string>>(new Set());
  const [asked, setAsked] = useState<Asked | null>(null);
  const from = useMemo(() => startOf(query.period, Date.now()), [query.period]);
  const filter = apiQuery(query, from);
  const list = JSON.stringify([filter, query.after]);
  const page = useLive<Cursor<Job>>('/jobs', { ...filter, after: query.after, per_page: PER_PAGE });
  const settled = useSettled(page.isCurrent ? page.data?.data : undefined, (row) => row.id, list, page.serverTime);
  const filters = active(query);
  const choices = useChoices();
  const connectors = useConnectors();
  const columns = useMemo(() => columnsOf((reference) => nameOf(connectors, reference)), [connectors]);
  const mayManage = may('manage');

  const ask = (action: Asked['action'], all: boolean) => {
    const to = settled.at ?? undefined;
    setAsked({ action, all, count: all ? null : selected.size, to });
    if (!all) return;
    const given = Object.fromEntries(Object.entries(filter).filter(([, value]) => value));
    countBulk({ action, filter: given, to }).then(
      (number) => setAsked((now) => now && { ...now, count: number }),
      () => setAsked(null),
    );
  };
  const run = async (choice: { new_execution?: boolean; send?: boolean }) => {
    if (!asked) return;
    const given = Object.fromEntries(Object.entries(filter).filter(([, value]) => value));
    await startBulk(
      { action: asked.action, ...choice, ...(asked.all ? { filter: given, to: asked.to } : { ids: [...selected] }) },
      href({ after: null }),
    );
    setSelected(new Set());
  };
  const which = asked?.all
    ? t.matching(
        filters.map(([name, value]) => inWords(name, value)).join(', ') || t.everything,
        longTime(new Date(asked.to ?? Date.now())),
      )
    : undefined;
  const unknown = settled.rows.some((row) => row.code === 'OUTCOME_UNKNOWN' && (asked?.all || selected.has(row.id)));
  const refused = !mayManage && texts.frame.readOnly;
  return (
    <Page
      title={t.title}
      actions={
        <>
          <LiveBar at={page.updatedAt} />
          {selected.size === 0 && mayManage && settled.rows.length > 0 && (
            <Menu
              label={t.allThatMatch}
              text={t.allThatMatch}
              icon="layers"
              items={[
                { text: t.replay, icon: 'rotate-ccw', act: () => ask('replay', true) },
                { text: t.cancel, icon: 'circle-slash', act: () => ask('cancel', true) },
              ]}
            />
          )}
        </>
      }
    >
      <div class="toolbar">
        <Search label={t.search} value={query.q ?? ''} onSearch={(q) => set({ q, after: null }, 'replace')} />
        <Filter name="state" query={query} set={set} options={WORDS.map((word) => [word, t.words[word]])} />
        <Filter name="code" query={query} set={set} options={choices.codes.map((code) => [code, code])} />
        <Filter name="connector" query={query} set={set} options={connectors.map(({ name }) => [name, name])} />
        <Filter name="process" query={query} set={set} options={choices.processes.map((name) => [name, name])} />
        <Filter name="period" query={query} set={set} options={Object.entries(t.periods)} />
      </div>
      {filters.length > 0 && (
        <div class="row">
          {filters.map(([name, value]) => (
            <button
              key={name}
              type="button"
              class="chip"
              aria-label={t.removeFilter(inWords(name, value))}
              onClick={() => set({ [name]: null, after: null })}
            >
              {inWords(name, value)}
              <Icon name="x" />
            </button>
          ))}
          <button
            type="button"
            class="link small"
            onClick={() => set({ ...Object.fromEntries(filters.map(([name]) => [name, null])), after: null })}
          >
            {t.clear}
          </button>
        </div>
      )}
      <BulkActions />
      {selected.size > 0 && (
        <div class="selection" role="toolbar" aria-label={t.selected}>
          <span class="grow">{t.selectedCount(selected.size)}</span>
          <Button icon="rotate-ccw" refused={refused} onClick={() => ask('replay', false)}>
            {t.replay}
          </Button>
          <Button icon="circle-slash" refused={refused} onClick={() => ask('cancel', false)}>
            {t.cancel}
          </Button>
        </div>
      )}
      <Loading of={page} what={t.what} rows={12}>
        {({ meta }) => (
          <>
            {settled.newer > 0 && !query.after && (
              <button
                type="button"
                class="newer"
                onClick={() => {
                  settled.show();
                  page.reload();
                }}
              >
                {texts.live.newer(settled.newer, t.newer)}
              </button>
            )}
            <Table
              label={t.title}
              rows={settled.rows}
              columns={columns}
              keyOf={(row) => row.id}
              selection={{ selected, onChange: setSelected, name: (row) => row.id }}
              empty={
                filters.length > 0 ? (
                  <Empty icon="search-x" text={t.noMatch} hint={t.noMatchHint} />
                ) : (
                  <Empty icon="history" text={t.none} hint={t.noneHint} />
                )
              }
            />
            <NewerOlder meta={meta} />
          </>
        )}
      </Loading>
      {asked?.action === 'replay' && (
        <ReplayQuestion number={asked.count} which={which} unknown={unknown} onReplay={run} onClose={() => setAsked(null)} />
      )}
      {asked?.action === 'cancel' && (
        <CancelQuestion number={asked.count} which={which} onCancel={() => run({})} onClose={() => setAsked(null)} />
      )}
    </Page>
  );
}

interface FilterProps {
  name: 'state' | 'code' | 'connector' | 'process' | 'period';
  query: Record<string, string>;
  set: (changes: Record<string, string | null>) => void;
  options: [string, string][];
}

/** A filter of few values; what the address has stays, known or not. */
function Filter({ name, query, set, options }: FilterProps) {
  const value = query[name] ?? '';
  const all =
    value === '' || options.some(([known]) => known === value) ? options : [...options, [value, value] as [string, string]];
  return (
    <Select
      label={t[name]}
      hidden
      value={value}
      onChange={(next) => set({ [name]: next, after: null })}
      options={[{ value: '', text: t.any[name] }, ...all.map(([one, text]) => ({ value: one, text }))]}
    />
  );
}

/** What filters offer: codes that are described, processes that are there. */
function useChoices() {
  const loaded = useLoad(async (signal) => {
    const [models, codes] = await Promise.all([
      mayEverywhere('read')
        ? get<{ data: ModelRow[] }>('/models', { signal }).then(
            (answer) => answer.data.data,
            () => [],
          )
        : [],
      import('virtual:codes'),
    ]);
    return {
      processes: [...new Set(models.map((one) => one.process))],
      codes: codes.pages.filter((page) => page.kind === 'job').map((page) => page.code),
    };
  }, []);
  return loaded.data ?? { processes: [], codes: [] };
}

const columnsOf = (nameOfConnector: (reference: string) => string): ColumnOf<Job>[] => [
  { id: 'state', header: t.columns.state, cell: (row) => <StateBadge job={row} /> },
  {
    id: 'job',
    header: t.columns.job,
    tooltip: (row) => row.id,
    cell: (row) => (
      <a class="mono job-id" href={`/jobs/${encodeURIComponent(row.id)}`}>
        {row.id}
      </a>
    ),
  },
  { id: 'element', header: t.columns.element, tooltip: (row) => row.element, cell: (row) => row.element },
  {
    id: 'connector',
    header: t.columns.connector,
    tooltip: (row) => row.connector,
    cell: (row) => (row.connector === null ? t.missing : nameOfConnector(row.connector)),
  },
  { id: 'attempts', header: t.columns.attempts, numeric: true, cell: (row) => row.attempt },
  {
    id: 'code',
    header: t.columns.code,
    cell: (row) =>
      row.code ? (
        <a class="code" href={`/codes/${row.code}`}>
          {row.code}
        </a>
      ) : (
        <span class="quiet">{t.missing}</span>
      ),
  },
  {
    id: 'duration',
    header: t.columns.duration,
    numeric: true,
    cell: (row) => (row.duration_ms === null ? <span class="quiet">{t.missing}</span> : duration(row.duration_ms)),
  },
  { id: 'started', header: t.columns.started, cell: (row) => <Time at={row.created_at} /> },
];
