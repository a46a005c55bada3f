import { useLocation } from 'preact-iso';
import { useState } from 'preact/hooks';

import type { Resource } from '../../api/types';
import { Method } from '../../components/badge';
import { Button } from '../../components/button';
import { Splitter, useSplit } from '../../components/splitter';
import { Empty } from '../../components/table';
import { type Endpoint, freeName, freshId, newResource } from '../../connector/record';
import { texts } from '../../texts';
import type { Editor } from './editor';
import { PasteCurl } from './paste-curl';
import { ResourceForm } from './resource-form';
import { Send } from './send';

const t = texts.connector;

interface ResourcesProps {
  editor: Editor;
  base: string;
  /** The name of a resource in the address; empty without one. */
  addressed: string;
  mayManage: boolean;
}

/** The list of resources, the form of one, and Send: side by side from 1,200 px. */
export function Resources({ editor, base, addressed, mayManage }: ResourcesProps) {
  const { route } = useLocation();
  const [pasting, setPasting] = useState(false);
  const [chosen, setChosen] = useState<string | null>(null);
  const list = useSplit('resources', 200, 140, 400);
  const send = useSplit('send', 460, 320, 900);
  const endpoints = editor.state.value.endpoints;
  const selected =
    endpoints.find((one) => one.id === chosen && (one.name === addressed || addressed === '')) ??
    endpoints.find((one) => one.name === addressed) ??
    (addressed === '' ? endpoints[0] : undefined);

  const select = (endpoint: Endpoint, how: 'push' | 'replace' = 'push') => {
    setChosen(endpoint.id);
    route(`${base}/resources/${encodeURIComponent(endpoint.name)}`, how === 'replace');
  };
  const add = (name: string, resource: Resource) => {
    const endpoint = {
      id: freshId(),
      name: freeName(
        name,
        editor.state.value.endpoints.map((one) => one.name),
      ),
      resource,
    };
    editor.change(`add ${endpoint.id}`, (s) => ({ ...s, endpoints: [...s.endpoints, endpoint] }));
    select(endpoint);
    setTimeout(() => document.querySelector<HTMLInputElement>('#resource-name')?.focus(), 60);
  };
  const change = (id: string, what: string, how: (endpoint: Endpoint) => Endpoint) =>
    editor.change(`${id}.${what}`, (s) => ({ ...s, endpoints: s.endpoints.map((one) => (one.id === id ? how(one) : one)) }));
  const rename = (endpoint: Endpoint, name: string) => {
    change(endpoint.id, 'name', (one) => ({ ...one, name }));
    select({ ...endpoint, name }, 'replace');
  };
  const drop = (endpoint: Endpoint) => {
    editor.change(`remove ${endpoint.id}`, (s) => ({ ...s, endpoints: s.endpoints.filter((one) => one.id !== endpoint.id) }));
    route(base === '/connectors/new' ? `${base}/resources` : base, true);
  };

  return (
    <div
      class="workbench"
      ref={(element) => {
        list.apply(element);
        send.apply(element);
      }}
    >
      <nav class="resource-list" aria-label={t.resources}>
        {endpoints.length > 0 && (
          <ul>
            {endpoints.map((one) => (
              <li key={one.id}>
                <a
                  href={`${base}/resources/${encodeURIComponent(one.name)}`}
                  aria-current={one === selected ? 'true' : undefined}
                  title={one.resource.description ?? one.name}
                  onClick={() => setChosen(one.id)}
                >
                  <Method method={one.resource.method} /> <span class="cut">{one.name || t.unnamed}</span>
                </a>
              </li>
            ))}
          </ul>
        )}
        <div class="resource-acts">
          <Button icon="plus" refused={!mayManage && texts.frame.readOnly} onClick={() => add(t.firstName, newResource())}>
            {t.addResource}
          </Button>
          <Button icon="terminal" refused={!mayManage && texts.frame.readOnly} onClick={() => setPasting(true)}>
            {t.pasteCurl}
          </Button>
        </div>
      </nav>
      <Splitter split={list} label={t.splitList} />
      {selected ? (
        <div class="resource-form">
          <ResourceForm
            editor={editor}
            endpoint={selected}
            mayManage={mayManage}
            onChange={(what, how) => change(selected.id, what, how)}
            onRename={(name) => rename(selected, name)}
            onRemove={() => drop(selected)}
          />
        </div>
      ) : (
        <div class="resource-form">
          <Empty
            icon="plug"
            text={endpoints.length === 0 ? t.noResources : t.noSuchResource(addressed)}
            hint={endpoints.length === 0 ? t.noResourcesHint : undefined}
          />
        </div>
      )}
      <Splitter split={send} label={t.splitSend} reverse />
      {selected && (
        <Send key={selected.id} editor={editor} endpoint={selected} onChange={(what, how) => change(selected.id, what, how)} />
      )}
      {pasting && (
        <PasteCurl
          onClose={() => setPasting(false)}
          onResource={(name, resource) => {
            setPasting(false);
            add(name, resource);
          }}
        />
      )}
    </div>
  );
}
