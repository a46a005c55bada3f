import { useState } from 'preact/hooks';

import { post } from '../../api/client';
import type { Converted, Resource } from '../../api/types';
import { ErrorAlert } from '../../components/alert';
import { Button, IconButton } from '../../components/button';
import { Select, TextArea, TextField } from '../../components/field';
import { notify } from '../../components/notifications';
import { bodyType, type Endpoint, isCurl, splitQuery, withBodyType } from '../../connector/record';
import { texts } from '../../texts';
import type { Editor } from './editor';
import { Retries } from './retries';
import { Rows } from './rows';

const t = texts.connector;
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'];

interface ResourceFormProps {
  editor: Editor;
  endpoint: Endpoint;
  mayManage: boolean;
  onChange: (what: string, how: (endpoint: Endpoint) => Endpoint) => void;
  onRename: (name: string) => void;
  onRemove: () => void;
}

export function ResourceForm({ editor, endpoint, mayManage, onChange, onRename, onRemove }: ResourceFormProps) {
  const { resource, name } = endpoint;
  const [curlError, setCurlError] = useState<unknown>(null);
  const set = (what: string, changes: Partial<Resource>) =>
    onChange(what, (one) => ({ ...one, resource: { ...one.resource, ...changes } }));
  const errorOf = (member: string) => editor.errorOf(`endpoints.${name}.${member}`, `resource.${member}`);
  const query = splitQuery(resource.url);

  const onUrl = (url: string) => {
    if (isCurl(url)) void importCurl(url);
    else set('url', { url });
  };
  const importCurl = async (text: string) => {
    try {
      const { data } = await post<Converted>('/data_sources/convert', { text, kind: 'curl' });
      const [read] = Object.values(data.records[0]?.endpoints ?? {});
      if (!read) return;
      onChange('curl', (one) => ({ ...one, resource: { ...one.resource, ...read, purpose: one.name } }));
      setCurlError(null);
      notify([t.curlTaken, ...data.left_out.map((one) => `${one.what}: ${one.why}`)].join(' '));
    } catch (problem) {
      setCurlError(problem);
    }
  };
  const moveQuery = () => query && set('query', { url: query.url, params: [...(resource.params ?? []), ...query.params] });

  return (
    <fieldset class="stack" disabled={!mayManage}>
      <div class="name-row">
        <TextField
          id="resource-name"
          label={t.resourceName}
          value={name}
          onInput={onRename}
          error={name.trim() === '' ? t.nameNeeded : editor.errorOf(`endpoints.${name}`)}
        />
        <IconButton icon="trash-2" label={t.removeResource(name)} onClick={onRemove} />
      </div>
      <div class="url-row">
        <Select
          label={t.method}
          value={resource.method}
          error={errorOf('method')}
          onChange={(method) => set('method', { method })}
          options={[...new Set([...METHODS, resource.method])].map((value) => ({ value, text: value }))}
        />
        <TextField
          label={t.url}
          value={resource.url}
          mono
          placeholder="https://api.example.com/rates/{{currency}}"
          error={errorOf('url')}
          onInput={onUrl}
        />
      </div>
      {query && (
        <Button icon="list-tree" onClick={moveQuery}>
          {t.moveQuery}
        </Button>
      )}
      <ErrorAlert error={curlError} />
      <Rows
        kind="parameter"
        rows={resource.params ?? []}
        onChange={(what, params) => set(`params.${what}`, { params })}
        errorOf={(index, member) =>
          editor.errorOf(`endpoints.${name}.params.${index}.${member}`, `resource.params.${index}.${member}`)
        }
      />
      <Rows
        kind="header"
        rows={resource.headers ?? []}
        onChange={(what, headers) => set(`headers.${what}`, { headers })}
        errorOf={(index, member) =>
          editor.errorOf(`endpoints.${name}.headers.${index}.${member}`, `resource.headers.${index}.${member}`)
        }
      />
      <div class="body-type">
        <Select
          label={t.bodyType}
          value={bodyType(resource)}
          onChange={(type) => onChange('body_type', (one) => ({ ...one, resource: withBodyType(one.resource, type) }))}
          options={t.bodyTypes.map(([value, text]) => ({ value, text }))}
        />
      </div>
      {bodyType(resource) !== '' && (
        <TextArea
          label={t.body}
          rows={8}
          value={resource.body ?? ''}
          error={errorOf('body')}
          onInput={(body) => set('body', { body })}
        />
      )}
      <fieldset class="field-group">
        <legend class="field-group-title">{t.retriesAndTime}</legend>
        <Retries
          of={resource}
          errorOf={errorOf}
          onChange={(what, how) => onChange(what, (one) => ({ ...one, resource: how(one.resource) as Resource }))}
        />
      </fieldset>
      <TextField
        label={t.description}
        value={resource.description ?? ''}
        onInput={(description) => set('description', { description: description === '' ? null : description })}
      />
    </fieldset>
  );
}
