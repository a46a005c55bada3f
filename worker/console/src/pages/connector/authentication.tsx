import { useState } from 'preact/hooks';

import { get, post, remove, segment } from '../../api/client';
import { useLoad } from '../../api/load';
import { may } from '../../api/session';
import type { Account, Secret } from '../../api/types';
import { ErrorAlert } from '../../components/alert';
import { Button } from '../../components/button';
import { Question } from '../../components/dialog';
import { Checkbox, Select, TextArea, TextField } from '../../components/field';
import { AUTHENTICATIONS, authenticationName, type Member, memberName } from '../../connector/authentication';
import { COMMON } from '../../connector/credentials';
import { exactTime } from '../../format';
import { texts } from '../../texts';
import type { Editor } from './editor';

const t = texts.authentication;

export function Authentication({ editor, mayManage }: { editor: Editor; mayManage: boolean }) {
  const { authtype } = editor.state.value;
  const known = Object.keys(AUTHENTICATIONS);
  const types = known.includes(authtype) ? known : [...known, authtype];
  const secrets = useSecretNames();
  const members = AUTHENTICATIONS[authtype] ?? [];
  return (
    <div class="stack page-narrow">
      <div class="card">
        <Select
          label={t.label}
          value={authtype}
          disabled={!mayManage}
          onChange={(next) => editor.change('authtype', (s) => ({ ...s, authtype: next }))}
          options={types.map((type) => ({ value: type, text: authenticationName(type) }))}
        />
        <p class="quiet">{t.lead[authtype]}</p>
        {members.map((member) => (
          <MemberField key={member.name} editor={editor} member={member} mayManage={mayManage} secrets={secrets} />
        ))}
        {authtype === 'HEADERS' && <OwnHeaders editor={editor} mayManage={mayManage} secrets={secrets} />}
        {authtype === 'OAUTH2_AUTHORIZATION_CODE' && <ConnectedAccount editor={editor} mayManage={mayManage} />}
      </div>
      {authtype !== 'NONE' && (
        <div class="card">
          <Hosts editor={editor} mayManage={mayManage} />
          <Verify editor={editor} mayManage={mayManage} />
          <details>
            <summary>{t.more}</summary>
            <div class="stack details-body">
              <MemberField
                editor={editor}
                member={{ name: 'expired_statuses', setting: true, optional: true }}
                mayManage={mayManage}
                secrets={[]}
              />
              <MemberField
                editor={editor}
                member={{ name: 'client_certificate', optional: true, lines: true }}
                mayManage={mayManage}
                secrets={secrets}
              />
              <MemberField
                editor={editor}
                member={{ name: 'client_key', optional: true, lines: true }}
                mayManage={mayManage}
                secrets={secrets}
              />
            </div>
          </details>
        </div>
      )}
      {authtype === 'NONE' && (
        <div class="card">
          <Verify editor={editor} mayManage={mayManage} />
        </div>
      )}
    </div>
  );
}

/** `{{secret:NAME}}` of every secret, as suggestions. */
function useSecretNames(): string[] {
  const loaded = useLoad(
    async (signal) => (may('manage') ? (await get<{ data: Secret[] }>('/secrets', { signal })).data.data : []),
    [],
  );
  return (loaded.data ?? []).map((secret) => `{{secret:${secret.name}}}`);
}

interface MemberFieldProps {
  editor: Editor;
  member: Member;
  mayManage: boolean;
  secrets: string[];
}

function MemberField({ editor, member, mayManage, secrets }: MemberFieldProps) {
  const { typed, set, settings } = editor.credentials.value;
  const name = memberName(member.name);
  const error = editor.errorOf(`credentials.${member.name}`, `credentials.${member.name}`);
  if (member.choices) {
    return (
      <Select
        label={name}
        value={String(typed[member.name] ?? settings[member.name] ?? member.choices[0])}
        disabled={!mayManage}
        error={error}
        onChange={(value) => editor.type(member.name, value === '' ? null : value)}
        options={member.choices.map((value) => ({ value, text: t.choices[value] ?? value }))}
      />
    );
  }
  if (member.setting) {
    const value = typed[member.name] === null ? '' : String(typed[member.name] ?? settings[member.name] ?? '');
    return (
      <TextField
        label={name}
        value={value}
        disabled={!mayManage}
        error={error}
        hint={member.optional ? t.optional : undefined}
        onInput={(next) => editor.type(member.name, next === '' ? null : next)}
      />
    );
  }
  return (
    <SecretField
      {...{ editor, mayManage, secrets, error }}
      member={member.name}
      name={name}
      lines={member.lines}
      optional={member.optional}
      isSet={set.includes(member.name)}
    />
  );
}

interface SecretFieldProps {
  editor: Editor;
  member: string;
  name: string;
  isSet: boolean;
  mayManage: boolean;
  secrets: string[];
  error?: string;
  lines?: boolean;
  optional?: boolean;
}

/** A value that never comes to the browser: it is set or not, and can be replaced. */
function SecretField({ editor, member, name, isSet, mayManage, secrets, error, lines, optional }: SecretFieldProps) {
  const typed = editor.credentials.value.typed[member];
  const [shown, setShown] = useState(false);
  const editing = typed !== undefined || (!isSet && (!optional || shown));
  if (!editing || !mayManage) {
    return (
      <div class="secret-member">
        <span class="grow">{isSet ? t.memberSet(name) : t.memberNotSet(name)}</span>
        {mayManage && (
          <Button icon="pencil" onClick={() => (isSet ? editor.type(member, '') : setShown(true))}>
            {isSet ? t.replace(name) : t.setNow(name)}
          </Button>
        )}
      </div>
    );
  }
  const value = typeof typed === 'string' ? typed : '';
  const onInput = (next: string) => editor.type(member, next === '' && !isSet ? undefined : next);
  const plain = lines || value.startsWith('{{') || member === 'username' || member === 'client_id' || member === 'access_key_id';
  return (
    <div class="secret-member">
      <div class="grow">
        {lines ? (
          <TextArea label={name} rows={3} value={value} error={error} onInput={onInput} />
        ) : (
          <TextField
            label={name}
            type={plain ? 'text' : 'password'}
            autoComplete="new-password"
            list={plain ? secrets : undefined}
            value={value}
            error={error}
            hint={t.secretHint}
            onInput={onInput}
          />
        )}
      </div>
      {isSet && <Button onClick={() => editor.type(member, undefined)}>{t.keep(name)}</Button>}
    </div>
  );
}

/** Own headers: their names are known, their values are not. */
function OwnHeaders({ editor, mayManage, secrets }: { editor: Editor; mayManage: boolean; secrets: string[] }) {
  const [name, setName] = useState('');
  const { set, typed } = editor.credentials.value;
  const names = [...new Set([...set, ...Object.keys(typed)])].filter(
    (member) => !(COMMON as readonly string[]).includes(member) && typed[member] !== null,
  );
  const add = () => {
    if (name.trim() === '') return;
    editor.type(name.trim(), '');
    setName('');
  };
  return (
    <fieldset class="field-group" disabled={!mayManage}>
      <legend class="field-group-title">{t.headers}</legend>
      {names.map((header) => (
        <SecretField
          key={header}
          editor={editor}
          member={header}
          name={header}
          isSet={set.includes(header)}
          mayManage={mayManage}
          secrets={secrets}
          error={editor.errorOf(`credentials.${header}`)}
        />
      ))}
      <div class="secret-member">
        <div class="grow">
          <TextField label={t.headerName} value={name} onInput={setName} onEnter={add} placeholder="X-Api-Key" />
        </div>
        <Button icon="plus" onClick={add}>
          {t.addHeader}
        </Button>
      </div>
    </fieldset>
  );
}

function Hosts({ editor, mayManage }: { editor: Editor; mayManage: boolean }) {
  const { typed, settings } = editor.credentials.value;
  const current = typed.hosts !== undefined ? typed.hosts : settings.hosts;
  const [text, setText] = useState(Array.isArray(current) ? current.join(', ') : String(current ?? ''));
  const onInput = (next: string) => {
    setText(next);
    const hosts = next.split(/[\s,]+/).filter(Boolean);
    editor.type('hosts', hosts.length === 0 ? null : hosts);
  };
  return (
    <TextField
      label={t.hosts}
      value={text}
      disabled={!mayManage}
      placeholder="api.example.com"
      hint={t.hostsHint}
      error={editor.errorOf('credentials.hosts')}
      onInput={onInput}
    />
  );
}

function Verify({ editor, mayManage }: { editor: Editor; mayManage: boolean }) {
  const { typed, settings } = editor.credentials.value;
  const checked = (typed.verify_certificate ?? settings.verify_certificate ?? true) !== false;
  return (
    <Checkbox
      label={t.verify}
      hint={t.verifyHint}
      checked={checked}
      disabled={!mayManage}
      onChange={(on) => editor.type('verify_certificate', on)}
    />
  );
}

/** The account that calls are made in the name of. */
function ConnectedAccount({ editor, mayManage }: { editor: Editor; mayManage: boolean }) {
  const [asking, setAsking] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const uuid = editor.stored.value?.uuid;
  const account = useLoad(
    async (signal) => (uuid ? (await get<Account>(`/data_sources/${segment(uuid)}/account`, { signal })).data : null),
    [uuid],
  );
  const connect = async () => {
    try {
      const back = location.origin + location.pathname;
      const { data } = await post<{ authorize_url: string }>(`/data_sources/${segment(uuid ?? '')}/connect`, {
        return_url: back,
      });
      location.assign(data.authorize_url);
    } catch (problem) {
      setError(problem);
    }
  };
  const since = account.data?.connected_at;
  return (
    <div class="stack">
      <div class="secret-member">
        <span class="grow">
          {account.data?.connected && since ? t.connectedSince(exactTime(new Date(since))) : t.notConnected}
        </span>
        <Button
          icon="link"
          refused={!mayManage ? texts.frame.readOnly : (!uuid || editor.unsaved.value) && t.connectFirst}
          onClick={connect}
        >
          {t.connect}
        </Button>
        {account.data?.connected && mayManage && (
          <Button icon="unplug" onClick={() => setAsking(true)}>
            {t.disconnect}
          </Button>
        )}
      </div>
      <ErrorAlert error={error} />
      {asking && (
        <Question
          title={t.disconnectTitle}
          text={t.disconnectText}
          act={t.disconnectAct}
          onClose={() => setAsking(false)}
          onAct={async () => {
            await remove(`/data_sources/${segment(uuid ?? '')}/account`);
            account.reload();
          }}
        />
      )}
    </div>
  );
}
