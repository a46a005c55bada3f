import './overview.css';

import { useEffect, useState } from 'preact/hooks';

import { get } from '../../api/client';
import { useLive, useLoad } from '../../api/load';
import { may, mayEverywhere } from '../../api/session';
import type { Connector, List, Stats } from '../../api/types';
import { useAddress } from '../../address';
import { Button } from '../../components/button';
import { Select } from '../../components/field';
import { Icon } from '../../components/icon';
import { LiveBar } from '../../components/live-bar';
import { Loading } from '../../components/loading';
import { Page } from '../../components/page';
import { Empty, Table } from '../../components/table';
import { count, duration } from '../../format';
import { takeNeeds } from '../../frame/needs';
import { texts } from '../../texts';
import { Bars, BucketTable } from './bars';

const t = texts.overview;

/** `/overview?period`: is all well, and what needs somebody? */
export default function Overview() {
  const { query, set } = useAddress();
  const period = query.period in texts.jobs.periods ? query.period : '24h';
  const stats = useLive<Stats>('/stats', { period });
  const hasConnectors = useLoad(
    async (signal) =>
      (await get<List<Connector>>('/data_sources', { query: { per_page: 1, fields: 'name' }, signal })).data.meta.total > 0,
    [],
  );
  useEffect(() => stats.data && takeNeeds(stats.data.needs), [stats.data]);
  return (
    <Page title={t.title} actions={<LiveBar at={stats.updatedAt} />}>
      {hasConnectors.data === false && <FirstSteps />}
      <Loading of={stats} what={t.what}>
        {(data) => (
          <>
            <Needs of={data.needs} />
            <Now of={data.now} />
            <Jobs of={data} period={period} onPeriod={(to) => set({ period: to === '24h' ? null : to })} />
            <section class="stack">
              <h2>{t.busiest}</h2>
              <Busiest of={data.connectors} period={period} />
            </section>
          </>
        )}
      </Loading>
    </Page>
  );
}

function Needs({ of }: { of: Stats['needs'] }) {
  return (
    <section class="card" role="region" aria-label={t.needsYou}>
      <h2>{t.needsYou}</h2>
      {of.length === 0 ? (
        <p class="needs-none">
          <Icon name="circle-check" />
          {t.nothing}
        </p>
      ) : (
        <ul class="needs">
          {of.map((need) => {
            const text = t.needs[need.kind]?.(need.count) ?? t.other(need.kind, need.count);
            return (
              <li key={need.kind + (need.target ?? '')}>
                <Icon name="triangle-alert" />
                {need.target ? <a href={need.target}>{text}</a> : <span>{text}</span>}
              </li>
            );
          })}
        </ul>
      )}
    </section>
  );
}

function Now({ of }: { of: Stats['now'] }) {
  const values: [string, string][] = [
    [t.terms.workers, count(of.workers)],
    [t.terms.inFlight, count(of.in_flight)],
    [t.terms.queued, count(of.queued)],
    [t.terms.waiting, count(of.waiting)],
    [t.terms.oldest, of.oldest_waiting_s === null ? texts.jobs.missing : duration(of.oldest_waiting_s * 1000)],
  ];
  return (
    <section role="region" aria-label={t.now}>
      <h2 class="hidden">{t.now}</h2>
      <dl class="figures">
        {values.map(([term, value]) => (
          <div key={term} class="card">
            <dt>{term}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Jobs({ of, period, onPeriod }: { of: Stats; period: string; onPeriod: (to: string) => void }) {
  const [table, setTable] = useState(false);
  const completed = of.buckets.reduce((sum, bucket) => sum + bucket.completed, 0);
  const failed = of.buckets.reduce((sum, bucket) => sum + bucket.failed, 0);
  return (
    <section class="card" role="region" aria-label={t.jobs}>
      <div class="card-header">
        <h2>{t.jobs}</h2>
        <div class="version">
          <Select
            label={t.period}
            hidden
            value={period}
            onChange={onPeriod}
            options={Object.entries(texts.jobs.periods).map(([value, text]) => ({ value, text }))}
          />
        </div>
        <Button onClick={() => setTable(!table)}>{table ? t.asFigure : t.asTable}</Button>
      </div>
      <figure role="figure" aria-label={t.figure} class="stack">
        <figcaption class="quiet">{t.sums(completed, failed)}</figcaption>
        {completed + failed > 0 && (table ? <BucketTable buckets={of.buckets} /> : <Bars stats={of} />)}
      </figure>
    </section>
  );
}

function Busiest({ of, period }: { of: Stats['connectors']; period: string }) {
  const jobs = (name: string, state?: string) =>
    `/jobs?connector=${encodeURIComponent(name)}&period=${period}${state ? `&state=${state}` : ''}`;
  return (
    <Table
      label={t.busiest}
      rows={of}
      keyOf={(row) => String(row.id)}
      empty={<Empty icon="gauge" text={t.noCalls} />}
      columns={[
        {
          id: 'connector',
          header: t.columns.connector,
          wide: true,
          cell: (row) => <a href={`/connectors/${encodeURIComponent(String(row.id))}`}>{row.name}</a>,
        },
        { id: 'calls', header: t.columns.calls, numeric: true, cell: (row) => <a href={jobs(row.name)}>{count(row.calls)}</a> },
        {
          id: 'failed',
          header: t.columns.failed,
          numeric: true,
          cell: (row) =>
            row.failed > 0 ? (
              <a class="bad" href={jobs(row.name, 'failed')}>
                {count(row.failed)}
              </a>
            ) : (
              count(0)
            ),
        },
        {
          id: 'p50',
          header: t.columns.p50,
          numeric: true,
          cell: (row) => (row.p50_ms === null ? texts.jobs.missing : duration(row.p50_ms)),
        },
        {
          id: 'p99',
          header: t.columns.p99,
          numeric: true,
          cell: (row) => (row.p99_ms === null ? texts.jobs.missing : duration(row.p99_ms)),
        },
      ]}
    />
  );
}

function FirstSteps() {
  const steps = [
    ...(mayEverywhere('manage')
      ? [{ href: '/connectors/import', icon: 'import', text: t.firstImport, hint: t.firstImportHint } as const]
      : []),
    ...(mayEverywhere('read')
      ? [{ href: '/modeler?example=order', icon: 'workflow', text: t.firstExample, hint: t.firstExampleHint } as const]
      : []),
    ...(may('admin') ? [{ href: '/tokens', icon: 'key-round', text: t.firstToken, hint: t.firstTokenHint } as const] : []),
  ];
  if (steps.length === 0) return null;
  return (
    <section class="card" role="region" aria-label={t.first}>
      <h2>{t.first}</h2>
      <ul class="first-steps">
        {steps.map((step) => (
          <li key={step.href}>
            <Icon name={step.icon} />
            <div>
              <a href={step.href}>{step.text}</a>
              <p class="quiet small">{step.hint}</p>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}
