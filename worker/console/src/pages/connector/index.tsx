import './connector.css';

import { useLocation } from 'preact-iso';
import { useEffect, useMemo, useState } from 'preact/hooks';

import { useLoad } from '../../api/load';
import { isLimited, may } from '../../api/session';
import { useAddress, useParts } from '../../address';
import { Alert, ErrorAlert } from '../../components/alert';
import { Button } from '../../components/button';
import { Loading } from '../../components/loading';
import { Page } from '../../components/page';
import { Tabs } from '../../components/tabs';
import { shortTime } from '../../format';
import { useCtrl } from '../../frame/shortcuts';
import { texts } from '../../texts';
import { Authentication } from './authentication';
import { ConflictAlert } from './conflict';
import { Details } from './details';
import { Editor } from './editor';
import { MoreMenu } from './more';
import { Resources } from './resources';
import { UsedBy } from './used-by';

const t = texts.connector;

/** `/connectors/new`, `/connectors/:id` and what is below it. */
export default function ConnectorPage() {
  const [id = ''] = useParts('connectors');
  return id === 'new' ? <NewConnector key="new" /> : <StoredConnector key={id} id={id} />;
}

function NewConnector() {
  const editor = useMemo(() => new Editor(null), []);
  return <EditorPage editor={editor} base="/connectors/new" />;
}

function StoredConnector({ id }: { id: string }) {
  const editor = useMemo(() => new Editor(id), [id]);
  const loaded = useLoad((signal) => editor.load(signal), [id]);
  if (loaded.data === undefined) {
    return (
      <Page title={t.title} above={[{ text: texts.connectors.title, href: '/connectors' }]}>
        <Loading of={loaded} what={t.what}>
          {() => null}
        </Loading>
      </Page>
    );
  }
  return <EditorPage editor={editor} base={`/connectors/${encodeURIComponent(id)}`} />;
}

const OTHER_TABS = ['details', 'authentication', 'used-by'];

function EditorPage({ editor, base }: { editor: Editor; base: string }) {
  const { path, route } = useLocation();
  const { query } = useAddress();
  const [, part = '', resource = ''] = useParts('connectors');
  const tab = OTHER_TABS.includes(part) ? part : 'resources';
  const mayManage = may('manage') && (!editor.isNew || !isLimited.value);
  const unsaved = editor.unsaved.value;
  const [opened] = useState(() => editor.isNew && tab === 'resources' && path === base);
  useEffect(() => {
    if (opened) route(`${base}/details`, true);
  }, []);

  const save = async () => {
    if (!mayManage || (!unsaved && !editor.isNew)) return;
    const uuid = await editor.save();
    if (uuid === null) {
      if (editor.error.value !== null) focusFirstError(editor, (to) => route(base + to));
    } else if (editor.isNew) {
      route(`/connectors/${uuid}${tab === 'details' ? '' : `/${tab}`}`, true);
    }
  };
  useCtrl('s', () => void save());
  useCtrl('z', () => editor.undo(), isOwnText);
  useCtrl('Shift+z', () => editor.redo(), isOwnText);
  useCtrl('y', () => editor.redo(), isOwnText);

  const tabs = [
    {
      id: 'resources',
      text: t.resources,
      href: base === '/connectors/new' ? `${base}/resources` : base,
      count: editor.state.value.endpoints.length,
    },
    { id: 'authentication', text: t.authentication, href: `${base}/authentication` },
    { id: 'details', text: t.details, href: `${base}/details` },
    ...(editor.isNew
      ? []
      : [{ id: 'used-by', text: t.usedBy, href: `${base}/used-by`, count: editor.stored.value?.used_by?.length ?? 0 }]),
  ];
  return (
    <Page
      title={editor.state.value.name || (editor.isNew ? texts.connectors.new : t.title)}
      above={[{ text: texts.connectors.title, href: '/connectors' }]}
      class="page-editor"
      actions={
        <>
          <span role="status" class={unsaved ? 'save-state save-unsaved' : 'save-state'}>
            {unsaved ? t.unsaved : editor.isNew ? '' : t.saved}
          </span>
          {!editor.isNew && <MoreMenu editor={editor} />}
          <Button
            kind="primary"
            icon="save"
            disabled={editor.saving.value || (!unsaved && !editor.isNew)}
            refused={!mayManage && texts.frame.readOnly}
            onClick={save}
          >
            {texts.act.save}
          </Button>
        </>
      }
    >
      {!mayManage && <p class="quiet">{texts.frame.readOnly}</p>}
      {editor.restored.value && (
        <div class="note">
          <span role="status" class="grow">
            {t.restored(shortTime(editor.restored.value))}
          </span>
          <Button onClick={() => editor.discard()}>{t.discard}</Button>
        </div>
      )}
      {query.connected === '0' && (
        <Alert what={texts.authentication.connectFailed} next={texts.authentication.connectFailedNext} />
      )}
      <ConflictAlert editor={editor} />
      <ErrorAlert error={editor.error.value} shown={shownFields(editor)} />
      {(editor.stored.value?.warnings ?? []).length > 0 && (
        <ul class="note plain-list">
          {editor.stored.value?.warnings.map((warning) => (
            <li key={warning}>{warning}</li>
          ))}
        </ul>
      )}
      <Tabs label={t.title} tabs={tabs} selected={tab}>
        {tab === 'resources' && (
          <Resources editor={editor} base={base} addressed={part === 'resources' ? resource : ''} mayManage={mayManage} />
        )}
        {tab === 'authentication' && <Authentication editor={editor} mayManage={mayManage} />}
        {tab === 'details' && <Details editor={editor} mayManage={mayManage} />}
        {tab === 'used-by' && <UsedBy editor={editor} />}
      </Tabs>
    </Page>
  );
}

/** Sample data and passwords are no part of the record: the browser undoes what was typed there. */
const isOwnText = (target: Element): boolean => target.matches('.send-pane textarea, .send-pane input, input[type=password]');

/** Paths of fields that show their own texts on some tab. */
function shownFields(editor: Editor): string[] {
  return [
    'name',
    'description',
    ...editor.state.value.endpoints.flatMap((one) => [
      `endpoints.${one.name}.url`,
      `endpoints.${one.name}.method`,
      `endpoints.${one.name}.body`,
    ]),
  ];
}

/** Goes to the tab of the first refused field, and there. */
function focusFirstError(editor: Editor, go: (path: string) => void): void {
  const refused = ['name', 'description'].find((field) => editor.errorOf(field));
  const endpoint = editor.state.value.endpoints.find(
    (one) => editor.errorOf(`endpoints.${one.name}.url`) || editor.errorOf(`endpoints.${one.name}`),
  );
  if (refused) go('/details');
  else if (endpoint) go(`/resources/${encodeURIComponent(endpoint.name)}`);
  setTimeout(() => document.querySelector<HTMLElement>('main [aria-invalid=true]')?.focus(), 60);
}
