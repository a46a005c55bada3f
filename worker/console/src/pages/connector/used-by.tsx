import { Empty, Table } from '../../components/table';
import { texts } from '../../texts';
import type { Editor } from './editor';

const t = texts.connector;

export function UsedBy({ editor }: { editor: Editor }) {
  const uses = editor.stored.value?.used_by ?? [];
  return (
    <Table
      label={t.usedBy}
      rows={uses}
      keyOf={(use) => `${use.process} ${use.version}`}
      columns={[
        { id: 'process', header: t.process, wide: true, cell: (use) => <a href={modelHref(use)}>{use.process}</a> },
        { id: 'version', header: t.version, cell: (use) => use.version },
        {
          id: 'elements',
          header: t.elements,
          cell: (use) =>
            use.elements.map((element, index) => (
              <>
                {index > 0 && ', '}
                <a href={`${modelHref(use)}?element=${encodeURIComponent(element)}`}>{element}</a>
              </>
            )),
        },
      ]}
      empty={<Empty icon="boxes" text={t.unused} hint={t.unusedHint} />}
    />
  );
}

const modelHref = (use: { process: string; version: string }) =>
  `/models/${encodeURIComponent(use.process)}/${encodeURIComponent(use.version)}`;
