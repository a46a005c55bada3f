import { useLocation } from 'preact-iso';
import { useState } from 'preact/hooks';

import { get, remove, segment } from '../../api/client';
import { useLive, useLoad } from '../../api/load';
import { mayEverywhere } from '../../api/session';
import type { ModelRow, Stats } from '../../api/types';
import { useAddress, useParts } from '../../address';
import { LinkButton } from '../../components/button';
import { Question } from '../../components/dialog';
import { Select } from '../../components/field';
import { Loading } from '../../components/loading';
import { Menu } from '../../components/menu';
import { notify } from '../../components/notifications';
import { Page } from '../../components/page';
import { Empty } from '../../components/table';
import { Tabs } from '../../components/tabs';
import { download } from '../../download';
import { plural } from '../../format';
import { Diagram, type ElementLink } from '../../model/diagram';
import { Findings } from '../../model/findings';
import { modelHref } from '../../model/model';
import { texts } from '../../texts';
import { Compare } from './compare';
import { Elements } from './elements';
import { jobsHref, nameOf, type Whole, whole } from './whole';

const t = texts.models;
const TABS = ['diagram', 'elements', 'findings', 'compare'] as const;

/** `/models/:process/:version?tab&with&element`. */
export default function ModelPage() {
  const [process = '', version = ''] = useParts('models');
  return <ModelOf key={`${process} ${version}`} process={process} version={version} />;
}

function ModelOf({ process, version }: { process: string; version: string }) {
  const { route } = useLocation();
  const { query, href } = useAddress();
  const [removing, setRemoving] = useState(false);
  const loaded = useLoad((signal) => whole(process, version, signal), [process, version]);
  const versions = useLoad(
    async (signal) => (await get<{ data: ModelRow[] }>('/models', { query: { process, include: 'name' }, signal })).data.data,
    [process],
  );
  const stats = useLive<Stats>('/stats', { period: '24h', process, version: loaded.data?.model.version ?? version }, 10_000);
  const tab = TABS.find((one) => one === query.tab) ?? 'diagram';
  const shown = loaded.data?.model.version ?? version;
  const name = loaded.data?.model.name ?? versions.data?.find((one) => one.version === shown)?.name ?? process;
  const xml = loaded.data?.xml ?? null;

  const destroy = async () => {
    await remove(`/models/${segment(process)}/${segment(shown)}`);
    notify(t.removed(name, shown));
    route('/models');
  };
  return (
    <Page
      title={name}
      above={[{ text: t.title, href: '/models' }]}
      trailing={
        <div class="version">
          <Select
            label={t.version}
            hidden
            value={shown}
            onChange={(to) => route(modelHref(process, to) + (tab === 'diagram' ? '' : `?tab=${tab}`))}
            options={(versions.data ?? [{ version: shown }]).map((one) => ({
              value: one.version,
              text: `${t.version} ${one.version}`,
            }))}
          />
        </div>
      }
      actions={
        <>
          {xml !== null && (
            <LinkButton
              href={`/modeler?model=${encodeURIComponent(process)}&version=${encodeURIComponent(shown)}`}
              icon="square-pen"
            >
              {t.openInModeler}
            </LinkButton>
          )}
          <Menu
            label={texts.act.more}
            icon="ellipsis"
            text={texts.act.more}
            items={[
              {
                text: t.download,
                icon: 'download',
                refused: xml === null && t.notKept,
                act: () => xml !== null && download(loaded.data?.model.file ?? `${process}.bpmn`, xml, 'application/xml'),
              },
              {
                text: t.remove,
                icon: 'trash-2',
                refused: !mayEverywhere('manage') && texts.frame.readOnly,
                act: () => setRemoving(true),
              },
            ]}
          />
        </>
      }
    >
      <Tabs
        label={t.title}
        selected={tab}
        tabs={TABS.map((id) => ({
          id,
          text: t[id],
          href: href({ tab: id === 'diagram' ? null : id, with: null }),
          count: id === 'findings' ? loaded.data?.lint?.diagnostics.length : undefined,
        }))}
      >
        <Loading of={loaded} what={t.what}>
          {(data) => (
            <>
              {data.xml === null && tab !== 'elements' && <Empty icon="file-up" text={t.notKept} />}
              {tab === 'diagram' && data.xml !== null && (
                <Diagram xml={data.xml} label={t.diagram} links={linksOf(data, stats.data)} selected={query.element} />
              )}
              {(tab === 'elements' || (tab === 'diagram' && data.xml !== null)) && (
                <Elements whole={data} stats={stats.data} selected={query.element} />
              )}
              {tab === 'findings' && data.lint && (
                <Findings of={data.lint.diagnostics} href={(element) => href({ tab: null, element })} />
              )}
              {tab === 'compare' && data.xml !== null && <Compare mine={data} versions={versions.data ?? []} />}
            </>
          )}
        </Loading>
      </Tabs>
      {removing && (
        <Question
          title={t.removeTitle(name, shown)}
          text={t.removeText}
          act={t.removeTitle(name, shown)}
          onAct={destroy}
          onClose={() => setRemoving(false)}
        />
      )}
    </Page>
  );
}

function linksOf(data: Whole, stats: Stats | undefined): ElementLink[] {
  return Object.keys(data.model.elements).map((element) => {
    const counted = stats?.elements.find((one) => one.element === element) ?? { jobs: 0, failed: 0 };
    return {
      element,
      text: t.counts(nameOf(data, element), plural(counted.jobs, 'job'), String(counted.failed)),
      short: counted.failed > 0 ? `${counted.jobs} · ${counted.failed} ✕` : String(counted.jobs),
      href: jobsHref(data.model, element),
      bad: counted.failed > 0,
    };
  });
}
