import { useState } from 'preact/hooks';

import { useLive } from '../../api/load';
import { mayEverywhere } from '../../api/session';
import type { ModelRow } from '../../api/types';
import { useAddress } from '../../address';
import { Button, LinkButton } from '../../components/button';
import { LiveBar } from '../../components/live-bar';
import { Loading } from '../../components/loading';
import { Page } from '../../components/page';
import { Search } from '../../components/search';
import { Empty, Table } from '../../components/table';
import { Time } from '../../components/time';
import { count } from '../../format';
import { modelHref } from '../../model/model';
import { texts } from '../../texts';
import { DeployDialog } from '../../model/deploy-dialog';

const t = texts.models;

export default function Models() {
  const { query, set } = useAddress();
  const [deploying, setDeploying] = useState(false);
  const models = useLive<{ data: ModelRow[] }>('/models', { include: 'name,counts' });
  const deploy = mayEverywhere('manage') && (
    <Button kind="primary" icon="upload" onClick={() => setDeploying(true)}>
      {t.deploy}
    </Button>
  );
  const word = (query.q ?? '').toLowerCase();
  return (
    <Page
      title={t.title}
      actions={
        <>
          <LiveBar at={models.updatedAt} />
          {deploy}
        </>
      }
    >
      <div class="toolbar">
        <Search label={t.search} value={query.q ?? ''} onSearch={(q) => set({ q }, 'replace')} />
      </div>
      <Loading of={models} what={t.what}>
        {({ data }) => (
          <Table
            label={t.title}
            rows={data.filter((row) => `${row.name ?? ''} ${row.process}`.toLowerCase().includes(word))}
            keyOf={(row) => `${row.process} ${row.version}`}
            columns={[
              {
                id: 'process',
                header: t.process,
                wide: true,
                tooltip: (row) => row.process,
                cell: (row) => (
                  <>
                    <a href={modelHref(row.process, row.version)}>{row.name ?? row.process}</a>
                    {row.name && <span class="quiet secondary">{row.process}</span>}
                  </>
                ),
              },
              { id: 'version', header: t.version, cell: (row) => row.version },
              { id: 'elements', header: t.elements, numeric: true, cell: (row) => count(row.elements) },
              {
                id: 'jobs',
                header: t.jobs,
                numeric: true,
                tooltip: () => t.lastDay,
                cell: (row) => <a href={jobsHref(row)}>{count(row.jobs ?? 0)}</a>,
              },
              {
                id: 'failed',
                header: t.failed,
                numeric: true,
                tooltip: () => t.lastDay,
                cell: (row) =>
                  row.failed ? (
                    <a class="bad" href={`${jobsHref(row)}&state=failed`}>
                      {count(row.failed)}
                    </a>
                  ) : (
                    count(0)
                  ),
              },
              { id: 'deployed', header: t.deployed, cell: (row) => <Time at={row.deployed_at} /> },
            ]}
            empty={
              word === '' ? (
                <Empty icon="boxes" text={t.none} hint={t.noneHint}>
                  <LinkButton href="/modeler" icon="workflow">
                    {t.draw}
                  </LinkButton>
                </Empty>
              ) : (
                <Empty icon="search-x" text={t.noMatch} />
              )
            }
          />
        )}
      </Loading>
      {deploying && <DeployDialog onClose={() => setDeploying(false)} onDeployed={models.reload} />}
    </Page>
  );
}

const jobsHref = (row: ModelRow) => `/jobs?process=${encodeURIComponent(row.process)}&period=24h`;
