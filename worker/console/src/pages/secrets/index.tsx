import { useState } from 'preact/hooks';

import { get, post, put, remove, segment } from '../../api/client';
import { ApiError } from '../../api/errors';
import { useLoad } from '../../api/load';
import { may, mayEverywhere } from '../../api/session';
import type { Bulk, Secret } from '../../api/types';
import { ErrorAlert } from '../../components/alert';
import { Button, IconButton } from '../../components/button';
import { Dialog, Question } from '../../components/dialog';
import { TextField } from '../../components/field';
import { Loading } from '../../components/loading';
import { notify } from '../../components/notifications';
import { Page } from '../../components/page';
import { Empty, Table } from '../../components/table';
import { Time } from '../../components/time';
import { count } from '../../format';
import { texts } from '../../texts';

const t = texts.secrets;

/** Values that connectors use by name; none of them ever comes back to a browser. */
export default function Secrets() {
  const loaded = useLoad(async (signal) => (await get<{ data: Secret[] }>('/secrets', { signal })).data.data, []);
  const [editing, setEditing] = useState<Secret | 'new' | null>(null);
  const [deleting, setDeleting] = useState<Secret | null>(null);
  const refused = mayEverywhere('manage') ? false : texts.frame.readOnly;
  if (loaded.error instanceof ApiError && loaded.error.status === 404) {
    return (
      <Page title={t.title}>
        <Empty icon="terminal" text={t.noRoute}>
          <pre class="code-block">{`${t.command}\n${t.keyCommand}`}</pre>
        </Empty>
      </Page>
    );
  }
  const destroy = async (secret: Secret) => {
    await remove(`/secrets/${segment(secret.name)}`, { query: { force: secret.used_by.length > 0 ? 1 : null } });
    notify(t.deleted(secret.name));
    loaded.reload();
  };
  const create = (
    <Button kind="primary" icon="plus" refused={refused} onClick={() => setEditing('new')}>
      {t.new}
    </Button>
  );
  return (
    <Page title={t.title} actions={create}>
      <Loading of={loaded} what={t.what}>
        {(secrets) => (
          <Table
            label={t.title}
            rows={secrets}
            keyOf={(row) => row.name}
            columns={[
              { id: 'name', header: t.columns.name, wide: true, cell: (row) => <span class="mono">{row.name}</span> },
              {
                id: 'hosts',
                header: t.columns.hosts,
                tooltip: (row) => row.hosts.join(', '),
                cell: (row) => row.hosts.join(', ') || <span class="quiet">{t.anyHost}</span>,
              },
              { id: 'changed', header: t.columns.changed, cell: (row) => <Time at={row.changed_at} /> },
              {
                id: 'used_by',
                header: t.columns.usedBy,
                numeric: true,
                tooltip: (row) => names(row).join(', '),
                cell: (row) => count(row.used_by.length),
              },
            ]}
            acts={(row) =>
              refused ? null : (
                <>
                  <Button kind="plain" icon="pencil" onClick={() => setEditing(row)}>
                    {t.replace}
                  </Button>
                  <IconButton icon="trash-2" label={t.delete(row.name)} onClick={() => setDeleting(row)} />
                </>
              )
            }
            empty={<Empty icon="lock" text={t.none} hint={t.noneHint} />}
          />
        )}
      </Loading>
      {may('admin') && <Keys />}
      {editing && (
        <SecretDialog secret={editing === 'new' ? null : editing} onClose={() => setEditing(null)} onSaved={loaded.reload} />
      )}
      {deleting && (
        <Question
          title={t.delete(deleting.name)}
          act={t.delete(deleting.name)}
          text={deleting.used_by.length > 0 ? t.deleteUsed(names(deleting).join(', ')) : t.deleteText}
          confirm={deleting.used_by.length > 0 ? deleting.name : null}
          onAct={() => destroy(deleting)}
          onClose={() => setDeleting(null)}
        />
      )}
    </Page>
  );
}

const names = (secret: Secret): string[] =>
  secret.used_by.map((one) => (typeof one === 'string' ? one : (one.name ?? one.id ?? '')));

function SecretDialog({ secret, onClose, onSaved }: { secret: Secret | null; onClose: () => void; onSaved: () => void }) {
  const [name, setName] = useState(secret?.name ?? '');
  const [value, setValue] = useState('');
  const [hosts, setHosts] = useState(secret?.hosts.join(', ') ?? '');
  const [error, setError] = useState<unknown>(null);
  const save = async () => {
    try {
      await put(`/secrets/${segment(name.trim())}`, { value, hosts: hosts.split(/[\s,]+/).filter(Boolean) });
      notify(t.saved(name.trim()));
      onSaved();
      onClose();
    } catch (problem) {
      setError(problem);
    }
  };
  const refusal = error instanceof ApiError ? error : null;
  return (
    <Dialog
      title={secret ? t.replaceTitle(secret.name) : t.new}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{texts.act.cancel}</Button>
          <Button kind="primary" disabled={name.trim() === '' || value === ''} onClick={save}>
            {t.create}
          </Button>
        </>
      }
    >
      <ErrorAlert error={error} shown={['name', 'value', 'hosts']} />
      {!secret && <TextField label={t.name} mono value={name} error={refusal?.field('name')} onInput={setName} />}
      <TextField
        label={t.value}
        type="password"
        autoComplete="new-password"
        value={value}
        hint={t.valueHint}
        error={refusal?.field('value')}
        onInput={setValue}
      />
      <TextField label={t.hosts} value={hosts} hint={t.hostsHint} error={refusal?.field('hosts')} onInput={setHosts} />
    </Dialog>
  );
}

/** What everything is sealed with, and sealing it anew. */
function Keys() {
  const keys = useLoad(
    async (signal) => (await get<{ data: { id: string; sealed: number }[] }>('/keys', { signal })).data.data,
    [],
  );
  const [asking, setAsking] = useState(false);
  const [bulk, setBulk] = useState<Bulk | null>(null);
  if (keys.error || !keys.data) return null;
  const sealed = keys.data.reduce((sum, key) => sum + key.sealed, 0);
  const rotate = async () => {
    const { data } = await post<{ id: string; count: number }>('/keys/rotate');
    void follow(data.id);
  };
  const follow = async (id: string) => {
    for (;;) {
      const { data } = await get<Bulk>(`/bulk/${segment(id)}`);
      setBulk(data);
      if (data.state !== 'running') break;
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
    keys.reload();
  };
  return (
    <section class="card" role="region" aria-label={t.keys}>
      <div class="card-header">
        <h2>{t.keys}</h2>
        <Button icon="rotate-cw" disabled={bulk?.state === 'running'} onClick={() => setAsking(true)}>
          {t.rotate}
        </Button>
      </div>
      <p class="quiet">{t.keysText}</p>
      <ul class="plain-list">
        {keys.data.map((key) => (
          <li key={key.id} class="mono">
            {t.keyRow(key.id, key.sealed)}
          </li>
        ))}
      </ul>
      {bulk && <p role="status">{bulk.state === 'running' ? t.rotating(bulk.done, bulk.count) : t.rotated(bulk.done)}</p>}
      {asking && (
        <Question
          title={t.rotateTitle}
          text={t.rotateText(sealed)}
          act={t.rotateAct(sealed)}
          destroys={false}
          onAct={rotate}
          onClose={() => setAsking(false)}
        />
      )}
    </section>
  );
}
