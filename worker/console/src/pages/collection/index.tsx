import './collection.css';

import { useLocation } from 'preact-iso';
import { useState } from 'preact/hooks';

import { get, remove, segment } from '../../api/client';
import { useLoad } from '../../api/load';
import { mayEverywhere } from '../../api/session';
import type { Collection } from '../../api/types';
import { useAddress, useParts } from '../../address';
import { LinkButton } from '../../components/button';
import { Question } from '../../components/dialog';
import { Loading } from '../../components/loading';
import { Menu } from '../../components/menu';
import { notify } from '../../components/notifications';
import { Page } from '../../components/page';
import { Tabs } from '../../components/tabs';
import { plural } from '../../format';
import { texts } from '../../texts';
import { Columns } from './columns';
import { Records } from './records';

const t = texts.collections;

/** `/collections/:id?tab&pmql&page&sort`. */
export default function CollectionPage() {
  const [id = ''] = useParts('collections');
  return <CollectionOf key={id} id={id} />;
}

function CollectionOf({ id }: { id: string }) {
  const { route } = useLocation();
  const { query, href } = useAddress();
  const [deleting, setDeleting] = useState(false);
  const loaded = useLoad(async (signal) => (await get<Collection>(`/collections/${segment(id)}`, { signal })).data, [id]);
  const tab = ['columns', 'connector'].includes(query.tab) ? query.tab : 'records';
  const collection = loaded.data;
  const destroy = async () => {
    await remove(`/collections/${segment(id)}`);
    notify(t.deleted(collection?.name ?? id));
    route('/collections');
  };
  return (
    <Page
      title={collection?.name ?? t.title1}
      above={[{ text: t.title, href: '/collections' }]}
      actions={
        <Menu
          label={texts.act.more}
          icon="ellipsis"
          text={texts.act.more}
          items={[
            {
              text: t.delete,
              icon: 'trash-2',
              refused: !mayEverywhere('manage') && texts.frame.readOnly,
              act: () => setDeleting(true),
            },
          ]}
        />
      }
    >
      <Tabs
        label={t.title1}
        selected={tab}
        tabs={[
          { id: 'records', text: t.records, href: href({ tab: null }) },
          { id: 'columns', text: t.columnsTab, href: href({ tab: 'columns' }), count: collection?.columns.length },
          { id: 'connector', text: t.connector, href: href({ tab: 'connector' }) },
        ]}
      >
        <Loading of={loaded} what={t.what1}>
          {(data) => (
            <>
              {tab === 'records' && <Records collection={data} />}
              {tab === 'columns' && <Columns key={data.updated_at} collection={data} onSaved={loaded.reload} />}
              {tab === 'connector' && (
                <div class="card page-narrow">
                  <p>{t.connectorText}</p>
                  {data.connector_id !== null && (
                    <div class="row">
                      <LinkButton href={`/connectors/${data.connector_id}`} icon="plug">
                        {t.openConnector}
                      </LinkButton>
                    </div>
                  )}
                </div>
              )}
            </>
          )}
        </Loading>
      </Tabs>
      {deleting && collection && (
        <Question
          title={t.deleteCollection(collection.name)}
          text={t.deleteCollectionText(plural(collection.records_count, 'record'))}
          act={t.deleteCollection(collection.name)}
          confirm={collection.records_count > 0 ? collection.name : null}
          onAct={destroy}
          onClose={() => setDeleting(false)}
        />
      )}
    </Page>
  );
}
