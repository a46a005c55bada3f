import { useState } from 'preact/hooks';

import { get, post, remove } from '../../api/client';
import { ApiError } from '../../api/errors';
import { useLoad } from '../../api/load';
import type { Connector, List, Scope, Token } from '../../api/types';
import { ErrorAlert } from '../../components/alert';
import { Badge } from '../../components/badge';
import { Button, IconButton } from '../../components/button';
import { Dialog, Question } from '../../components/dialog';
import { Checkbox, Select, TextField } from '../../components/field';
import { Icon } from '../../components/icon';
import { Loading } from '../../components/loading';
import { notify } from '../../components/notifications';
import { Page } from '../../components/page';
import { Empty, Table } from '../../components/table';
import { Time } from '../../components/time';
import { copy } from '../../copy';
import { count, exactTime } from '../../format';
import { texts } from '../../texts';

const t = texts.tokens;
const SCOPES: Scope[] = ['read', 'execute', 'manage', 'admin'];

export default function Tokens() {
  const loaded = useLoad(
    async (signal) =>
      (await get<List<Token>>('/tokens', { query: { per_page: 1000, order_by: 'id', order_direction: 'desc' }, signal })).data
        .data,
    [],
  );
  const [creating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<Token | null>(null);
  const revoke = async (token: Token) => {
    await remove(`/tokens/${token.id}`);
    notify(t.revokedNow(token.name));
    loaded.reload();
  };
  return (
    <Page
      title={t.title}
      actions={
        <Button kind="primary" icon="plus" onClick={() => setCreating(true)}>
          {t.new}
        </Button>
      }
    >
      <Loading of={loaded} what={t.what}>
        {(tokens) => (
          <Table
            label={t.title}
            rows={tokens}
            keyOf={(row) => String(row.id)}
            columns={[
              { id: 'name', header: t.columns.name, wide: true, cell: (row) => row.name },
              { id: 'scopes', header: t.columns.scopes, cell: (row) => row.scopes.join(', ') },
              {
                id: 'connectors',
                header: t.columns.connectors,
                numeric: true,
                cell: (row) => (row.connectors === null ? <span class="quiet">{t.all}</span> : count(row.connectors.length)),
              },
              { id: 'created', header: t.columns.created, cell: (row) => <Time at={row.created_at} /> },
              {
                id: 'used',
                header: t.columns.used,
                cell: (row) => (row.last_used_at ? <Time at={row.last_used_at} /> : <span class="quiet">{t.never}</span>),
              },
              {
                id: 'expires',
                header: t.columns.expires,
                tooltip: (row) => (row.expires_at ? exactTime(new Date(row.expires_at)) : null),
                cell: (row) => (row.expires_at ? <Time at={row.expires_at} /> : <span class="quiet">{t.never}</span>),
              },
              { id: 'state', header: t.columns.state, cell: (row) => <StateOf token={row} /> },
            ]}
            acts={(row) =>
              row.revoked_at === null && (
                <IconButton icon="circle-slash" label={t.revoke(row.name)} onClick={() => setRevoking(row)} />
              )
            }
            empty={<Empty icon="key-round" text={t.none} />}
          />
        )}
      </Loading>
      {creating && <NewToken onClose={() => setCreating(false)} onCreated={loaded.reload} />}
      {revoking && (
        <Question
          title={t.revoke(revoking.name)}
          text={t.revokeText}
          act={t.revoke(revoking.name)}
          onAct={() => revoke(revoking)}
          onClose={() => setRevoking(null)}
        />
      )}
    </Page>
  );
}

function StateOf({ token }: { token: Token }) {
  if (token.revoked_at !== null) return <Badge tone="plain" icon="circle-slash" text={t.revoked} />;
  if (token.expires_at !== null && new Date(token.expires_at).getTime() < Date.now())
    return <Badge tone="warn" text={t.expired} />;
  return <Badge tone="good" text={t.active} />;
}

function NewToken({ onClose, onCreated }: { onClose: () => void; onCreated: () => void }) {
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<Scope[]>(['read']);
  const [limits, setLimits] = useState<string[]>([]);
  const [days, setDays] = useState('90');
  const [made, setMade] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const connectors = useLoad(
    async (signal) =>
      (await get<List<Connector>>('/data_sources', { query: { per_page: 10_000, order_by: 'name', fields: 'name' }, signal }))
        .data.data,
    [],
  );
  const create = async () => {
    try {
      const expires_at = days === '' ? undefined : new Date(Date.now() + Number(days) * 86_400_000).toISOString();
      const { data } = await post<Token>('/tokens', {
        name: name.trim(),
        scopes,
        ...(limits.length > 0 ? { connectors: limits } : {}),
        ...(expires_at ? { expires_at } : {}),
      });
      setMade(data.token ?? '');
      onCreated();
    } catch (problem) {
      setError(problem);
    }
  };
  if (made !== null) {
    return (
      <Dialog
        title={t.new}
        onClose={onClose}
        footer={
          <Button kind="primary" onClick={onClose}>
            {texts.act.close}
          </Button>
        }
      >
        <div class="new-token">
          <TextField label={t.shown} mono value={made} hint={t.notAgain} onInput={() => {}} />
          <IconButton icon="copy" kind="quiet" label={texts.act.copy} onClick={() => copy(made)} />
        </div>
      </Dialog>
    );
  }
  const refusal = error instanceof ApiError ? error : null;
  const nameOf = (uuid: string) => connectors.data?.find((one) => one.uuid === uuid)?.name ?? uuid;
  return (
    <Dialog
      title={t.new}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{texts.act.cancel}</Button>
          <Button kind="primary" disabled={name.trim() === '' || scopes.length === 0} onClick={create}>
            {t.create}
          </Button>
        </>
      }
    >
      <ErrorAlert error={error} shown={['name', 'connectors', 'expires_at']} />
      <TextField label={t.name} value={name} error={refusal?.field('name')} onInput={setName} />
      <fieldset class="field-group">
        <legend class="field-group-title">{t.scopes}</legend>
        {SCOPES.map((scope) => (
          <Checkbox
            key={scope}
            label={t.scope[scope]}
            hint={t.scopeHints[scope]}
            checked={scopes.includes(scope)}
            onChange={(on) => setScopes(on ? [...scopes, scope] : scopes.filter((one) => one !== scope))}
          />
        ))}
      </fieldset>
      <Select
        label={t.connectors}
        value=""
        disabled={scopes.includes('admin')}
        error={refusal?.field('connectors')}
        onChange={(uuid) => uuid && setLimits([...limits, uuid])}
        options={[
          { value: '', text: limits.length === 0 ? t.allConnectors : t.addConnector },
          ...(connectors.data ?? [])
            .filter((one) => !limits.includes(one.uuid))
            .map((one) => ({ value: one.uuid, text: one.name })),
        ]}
      />
      {limits.length > 0 && (
        <div class="row">
          {limits.map((uuid) => (
            <button
              key={uuid}
              type="button"
              class="chip"
              aria-label={t.removeConnector(nameOf(uuid))}
              onClick={() => setLimits(limits.filter((one) => one !== uuid))}
            >
              {nameOf(uuid)}
              <Icon name="x" />
            </button>
          ))}
        </div>
      )}
      <Select
        label={t.expires}
        value={days}
        error={refusal?.field('expires_at')}
        onChange={setDays}
        options={t.expiries.map(([value, text]) => ({ value, text }))}
      />
    </Dialog>
  );
}
