import { useLocation } from 'preact-iso';
import { useState } from 'preact/hooks';

import { post, remove, segment } from '../../api/client';
import { mayEverywhere, may } from '../../api/session';
import type { Connector } from '../../api/types';
import { Question } from '../../components/dialog';
import { Menu } from '../../components/menu';
import { notify } from '../../components/notifications';
import { exportConnectors } from '../../connector/export';
import { dropDraft } from '../../draft';
import { plural } from '../../format';
import { texts } from '../../texts';
import type { Editor } from './editor';

const t = texts.connector;

export function MoreMenu({ editor }: { editor: Editor }) {
  const { route } = useLocation();
  const [deleting, setDeleting] = useState(false);
  const record = editor.stored.value;
  if (!record) return null;
  const models = new Set((record.used_by ?? []).map((use) => use.process));

  const duplicate = async () => {
    try {
      const { id: _, uuid: __, credentials: ___, ...rest } = record;
      const { data } = await post<Connector>(
        '/data_sources',
        { ...rest, name: t.copyName(record.name) },
        { query: { incomplete: 1 } },
      );
      notify(t.duplicated(data.name));
      route(`/connectors/${data.uuid}`);
    } catch (error) {
      notify(error instanceof Error ? error.message : texts.errors.unexpected);
    }
  };
  const destroy = async () => {
    await remove(`/data_sources/${segment(record.uuid)}`, { query: { force: models.size > 0 ? 1 : null } });
    dropDraft(`connector.${record.uuid}`);
    notify(t.deleted(record.name));
    route('/connectors');
  };
  return (
    <>
      <Menu
        label={texts.act.more}
        icon="ellipsis"
        text={texts.act.more}
        items={[
          { text: t.duplicate, icon: 'copy', act: duplicate, refused: !mayEverywhere('manage') && texts.frame.readOnly },
          { text: texts.connectors.export, icon: 'download', act: () => void exportConnectors('json', [record.uuid]) },
          {
            text: texts.act.delete,
            icon: 'trash-2',
            act: () => setDeleting(true),
            refused: !may('manage') && texts.frame.readOnly,
          },
        ]}
      />
      {deleting && (
        <Question
          title={t.deleteTitle(record.name)}
          act={t.deleteTitle(record.name)}
          onAct={destroy}
          onClose={() => setDeleting(false)}
          text={
            models.size === 0
              ? t.deleteText(plural(Object.keys(record.endpoints).length, 'resource'))
              : t.deleteUsed(plural(models.size, 'model'), [...models].join(', '))
          }
          confirm={models.size > 0 ? record.name : null}
        />
      )}
    </>
  );
}
