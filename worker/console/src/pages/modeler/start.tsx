import { useLocation } from 'preact-iso';
import { useState } from 'preact/hooks';

import { get } from '../../api/client';
import { useLoad } from '../../api/load';
import type { Example } from '../../api/types';
import { ErrorAlert } from '../../components/alert';
import { Button, IconButton, LinkButton } from '../../components/button';
import { Question } from '../../components/dialog';
import { FileField } from '../../components/file-field';
import { Icon } from '../../components/icon';
import { Page } from '../../components/page';
import { Time } from '../../components/time';
import { texts } from '../../texts';
import { dropModelDraft, keepModelDraft, type ModelDraft, modelDrafts } from './drafts';
import { EMPTY, freshDraft } from './opened';

const t = texts.modeler;

/** Where a model begins: a draft, an example, a new one, or a file. */
export function Start() {
  const { route } = useLocation();
  const drafts = useLoad(() => modelDrafts(), []);
  const examples = useLoad(async (signal) => (await get<{ data: Example[] }>('/examples', { signal })).data.data, []);
  const [dropping, setDropping] = useState<ModelDraft | null>(null);

  const begin = async (xml: string, name: string) => {
    const draft = freshDraft(xml, name);
    await keepModelDraft(draft);
    route(`/modeler?draft=${draft.id}`);
  };
  const take = (file: File | undefined) => void file?.text().then((xml) => begin(xml, file.name));
  return (
    <Page
      title={t.title}
      class="page-start"
      actions={
        <LinkButton href="/models" icon="boxes">
          {t.deployed}
        </LinkButton>
      }
    >
      <div
        class="start"
        onDragOver={(event) => event.preventDefault()}
        onDrop={(event) => {
          event.preventDefault();
          take(event.dataTransfer?.files[0]);
        }}
      >
        <section class="card">
          <h2>{t.begin}</h2>
          <div class="row">
            <Button kind="primary" icon="plus" onClick={() => void begin(EMPTY, t.newName)}>
              {t.new}
            </Button>
          </div>
          <FileField label={texts.models.file} accept=".bpmn,.xml,application/xml" onFile={take} />
          <p class="quiet small">{texts.import.dropHint}</p>
        </section>
        <section class="card">
          <h2>{t.drafts}</h2>
          {drafts.data?.length === 0 && <p class="quiet">{t.noDrafts}</p>}
          <ul class="start-list" aria-label={t.drafts}>
            {(drafts.data ?? []).map((draft) => (
              <li key={draft.id}>
                <Icon name="square-pen" />
                <a href={addressOf(draft.id)}>{draft.name}</a>
                <span class="quiet small">
                  <Time at={draft.at} />
                </span>
                <IconButton icon="trash-2" label={t.deleteDraft(draft.name)} onClick={() => setDropping(draft)} />
              </li>
            ))}
          </ul>
        </section>
        <section class="card">
          <h2>{t.examples}</h2>
          <ErrorAlert error={examples.error} />
          <ul class="start-list" aria-label={t.examples}>
            {(examples.data ?? []).map((example) => (
              <li key={example.name}>
                <Icon name="workflow" />
                <div>
                  <a href={`/modeler?example=${encodeURIComponent(example.name)}`}>{example.title}</a>
                  <p class="quiet small">{example.description}</p>
                </div>
              </li>
            ))}
          </ul>
        </section>
      </div>
      {dropping && (
        <Question
          title={t.deleteDraft(dropping.name)}
          text={t.deleteDraftText}
          act={t.deleteDraft(dropping.name)}
          onClose={() => setDropping(null)}
          onAct={async () => {
            await dropModelDraft(dropping.id);
            drafts.reload();
          }}
        />
      )}
    </Page>
  );
}

/** A draft of an example or a version has that one's address. */
function addressOf(id: string): string {
  const [kind, name, version] = id.split(' ');
  if (kind === 'example') return `/modeler?example=${encodeURIComponent(name)}`;
  if (kind === 'model') return `/modeler?model=${encodeURIComponent(name)}&version=${encodeURIComponent(version)}`;
  return `/modeler?draft=${id}`;
}
