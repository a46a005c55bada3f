import type { Stats } from '../../api/types';
import { Empty, Table } from '../../components/table';
import { count } from '../../format';
import { called } from '../../model/model';
import { texts } from '../../texts';
import { jobsHref, nameOf, type Whole } from './whole';

const t = texts.models;

/** What the diagram shows, as a table. */
export function Elements({ whole, stats, selected }: { whole: Whole; stats: Stats | undefined; selected?: string }) {
  const rows = Object.entries(whole.model.elements).map(([element, task]) => ({
    element,
    name: nameOf(whole, element),
    ...called(task),
    counted: stats?.elements.find((one) => one.element === element),
  }));
  return (
    <div class="model-elements">
      <Table
        label={t.elements}
        rows={rows}
        keyOf={(row) => row.element}
        selection={undefined}
        columns={[
          {
            id: 'element',
            header: t.element,
            wide: true,
            tooltip: (row) => row.element,
            cell: (row) => (
              <span class={row.element === selected ? 'chosen' : undefined}>
                {row.name}
                {row.name !== row.element && <span class="quiet secondary">{row.element}</span>}
              </span>
            ),
          },
          {
            id: 'connector',
            header: t.connector,
            cell: (row) => <a href={`/connectors/${encodeURIComponent(row.connector)}`}>{row.connector}</a>,
          },
          { id: 'resource', header: t.resource, cell: (row) => row.resource },
          {
            id: 'jobs',
            header: t.jobs,
            numeric: true,
            tooltip: () => t.lastDay,
            cell: (row) => <a href={jobsHref(whole.model, row.element)}>{count(row.counted?.jobs ?? 0)}</a>,
          },
          {
            id: 'failed',
            header: t.failed,
            numeric: true,
            tooltip: () => t.lastDay,
            cell: (row) =>
              row.counted?.failed ? (
                <a class="bad" href={`${jobsHref(whole.model, row.element)}&state=failed`}>
                  {count(row.counted.failed)}
                </a>
              ) : (
                count(0)
              ),
          },
        ]}
        empty={<Empty icon="boxes" text={t.noElements} />}
      />
    </div>
  );
}
