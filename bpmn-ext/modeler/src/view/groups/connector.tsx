/** @jsxImportSource @bpmn-io/properties-panel/preact */
// "Connector": what is called, on which queue, and how it is written.

import { brokenText } from '../../call/pm';
import { conversionProblem, spellingOf, type Spelling } from '../../call/spelling';
import type { Call, Edit } from '../../call/types';
import type { Connector } from '../../host/types';
import { Combobox } from '../combobox';
import type { Subject } from '../field';
import { Group, More } from '../group';
import { useId, useStore } from '../hooks';

export function ConnectorGroup({ subject }: { subject: Subject }) {
  const { injector, element } = subject;
  const store = useStore(injector);
  const call = store.callOf(element) as Call;
  const connector = store.connectorOf(call);
  const resource = store.resourceOf(call);
  const broken = spellingOf(element.businessObject) === 'pm' ? brokenText(element.businessObject) : undefined;
  const edit = (...edits: Edit[]): void => store.edit(element, ...edits);

  const chooseConnector = (name: string): void => {
    const chosen = store.connectors.find((candidate) => candidate.name === name) as Connector;
    const reference = store.referenceTo(chosen, spellingOf(element.businessObject) as Spelling);
    const [only, second] = chosen.resources;
    const isThere = chosen.resources.some((candidate) => candidate.name === call.resource);
    const edits: Edit[] = [{ set: 'connector', value: reference }];
    if (!isThere) edits.push({ set: 'resource', value: second === undefined ? (only?.name ?? '') : '' });
    edit(...edits);
  };
  return (
    <Group subject={subject} id="data-connector-call" label="Connector" paths={['', 'connector', 'resource', 'queue']}>
      {broken && (
        <div class="dc-alert" role="alert">
          <p>{broken} of this element is no JSON, so it cannot be shown or edited here.</p>
          <button type="button" class="dc-button" onClick={() => store.startAnew(element)}>Start anew</button>
        </div>
      )}
      {store.connectorsError !== undefined && (
        <div class="dc-alert" role="alert">
          <p>Connectors could not be read. {store.connectorsError}</p>
          <button type="button" class="dc-button" onClick={() => void store.reload()}>Try again</button>
        </div>
      )}
      <Combobox
        subject={subject}
        name="Connector"
        label="Connector"
        path="connector"
        text={connector?.name ?? call.connector}
        choices={store.connectors.map(({ name }) => ({ value: name, label: name }))}
        onChoose={chooseConnector}
        placeholder="Choose a connector"
        empty={store.connectors.length === 0 ? 'There are no connectors yet.' : 'No connector matches.'}
      />
      <Combobox
        subject={subject}
        name="Resource"
        label="Resource"
        path="resource"
        text={resource ? `${resource.method} ${resource.name}` : call.resource}
        choices={(connector?.resources ?? []).map(({ method, name, description }) => ({
          value: name,
          label: `${method} ${name}`,
          ...(description && { detail: description }),
        }))}
        onChoose={(value) => edit({ set: 'resource', value })}
        placeholder="Choose a resource"
        empty={connector ? 'No resource matches.' : 'Choose a connector first.'}
      />
      {resource && (
        <p class="dc-url">
          <span class={`dc-method dc-method-${resource.method.toLowerCase()}`}>{resource.method}</span> <code>{resource.url}</code>
        </p>
      )}
      <div class="dc-actions">
        <button type="button" class="dc-button dc-primary" aria-keyshortcuts="Control+Enter" onClick={() => store.openTry(element)} disabled={!resource}>
          Try
        </button>
        {connector?.href && <a class="dc-link" href={connector.href}>Edit connector</a>}
      </div>
      <More isOpen={call.queue !== ''}>
        <Combobox
          subject={subject}
          name="Queue"
          label="Queue"
          path="queue"
          text={call.queue}
          isFree
          choices={store.queues.map((queue) => ({ value: queue, label: queue }))}
          onChoose={(value) => edit({ set: 'queue', value })}
          placeholder="default"
          empty="Any name of letters, digits, - and _."
        />
      </More>
      <WrittenAs subject={subject} />
    </Group>
  );
}

const SPELLINGS: { value: Spelling; label: string }[] = [
  { value: 'conn', label: 'Data Connector' },
  { value: 'pm', label: 'ProcessMaker' },
];

/** The spelling, changed without losing anything. */
function WrittenAs({ subject: { injector, element } }: { subject: Subject }) {
  const store = useStore(injector);
  const id = useId();
  const current = spellingOf(element.businessObject) as Spelling;
  const other = SPELLINGS.find(({ value }) => value !== current) as (typeof SPELLINGS)[number];
  const problem = conversionProblem(element.businessObject, other.value);
  return (
    <div role="radiogroup" aria-label="Written as" aria-describedby={problem ? id : undefined} class="dc-radios">
      <span class="dc-label" aria-hidden="true">Written as</span>
      {SPELLINGS.map(({ value, label }) => (
        <label key={value}>
          <input type="radio" name={`spelling-${element.id}`} checked={value === current} disabled={value !== current && problem !== undefined} onChange={() => store.convert(element, value)} />
          {label}
        </label>
      ))}
      {problem && <div id={id} class="dc-description">{problem}</div>}
    </div>
  );
}
