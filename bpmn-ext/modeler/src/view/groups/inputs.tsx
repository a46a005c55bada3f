/** @jsxImportSource @bpmn-io/properties-panel/preact */
// "What goes out": a value for each key of the resource.

import { useState } from '@bpmn-io/properties-panel/preact/hooks';

import { kindWord, slots, unusedKeys, type Slot } from '../../call/slots';
import { INPUT_FORMATS, type Call } from '../../call/types';
import { Combobox, Select } from '../combobox';
import type { Subject } from '../field';
import { Group, IconButton, More } from '../group';
import { useStore } from '../hooks';
import { TextField } from '../text-field';

const HEADER = '\u0000header';

export function InputsGroup({ subject }: { subject: Subject }) {
  const { injector, element } = subject;
  const store = useStore(injector);
  const call = store.callOf(element) as Call;
  const resource = store.resourceOf(call);
  const [isNamingHeader, setNamingHeader] = useState(false);
  const shown = slots(call, resource);
  const languages = shown.filter(({ row, kind }) => row && kind !== 'HEADER');
  const add = (type: string, key: string): void => {
    store.edit(element, { list: 'inputs', add: { type, key, value: '', format: 'mustache' } });
    store.focus(element, `inputs.${key}`);
  };
  const choose = (value: string): void => {
    if (value === HEADER) setNamingHeader(true);
    else {
      const [kind, ...name] = value.split(' ');
      add(kind as string, name.join(' '));
    }
  };
  const choices = unusedKeys(call, resource).map(({ kind, name }) => ({ value: `${kind} ${name}`, label: name, detail: kindWord(kind) }));
  return (
    <Group subject={subject} id="data-connector-inputs" label="What goes out" paths={['inputs']}>
      {shown.length === 0 && <p class="dc-empty">{resource ? 'This resource asks for no values.' : 'Choose a resource to see what it takes.'}</p>}
      {shown.map((slot) => <SlotField key={`${slot.kind} ${slot.name} ${slot.at ?? ''}`} subject={subject} slot={slot} />)}
      {isNamingHeader && (
        <TextField
          subject={subject}
          name="Header name"
          label="Header name"
          path="header-name"
          value=""
          placeholder="X-Request-Source"
          onCommit={(name) => {
            setNamingHeader(false);
            if (name.trim() !== '') add('HEADER', name.trim());
          }}
        />
      )}
      <Combobox
        subject={subject}
        name="Add value"
        path="add-value"
        text=""
        isMenu
        choices={[...choices, { value: HEADER, label: 'Header…' }]}
        onChoose={choose}
        placeholder="Add value"
      />
      {languages.length > 0 && (
        <More isOpen={languages.some(({ row }) => row?.format !== 'mustache')}>
          {languages.map(({ name, row, at }) => (
            <Select
              key={at}
              subject={subject}
              name={`Language of ${name}`}
              label={`Language of ${name}`}
              path={`inputs-format.${at}`}
              value={row?.format ?? 'mustache'}
              choices={INPUT_FORMATS.map((value) => ({ value, label: value === 'feel' ? 'Expression (FEEL)' : 'Text with {{variables}}' }))}
              onChoose={(value) => store.edit(element, { list: 'inputs', at: at as number, cell: 'format', value })}
            />
          ))}
        </More>
      )}
    </Group>
  );
}

function SlotField({ subject, slot }: { subject: Subject; slot: Slot }) {
  const { injector, element } = subject;
  const store = useStore(injector);
  const { kind, name, at, row, isRequired } = slot;
  const commit = (value: string): void => {
    // A required key without a value has no row: nothing would be sent either way.
    if (at === undefined) store.edit(element, { list: 'inputs', add: { type: kind, key: name, value, format: 'mustache' } });
    else if (value === '' && isRequired) store.edit(element, { list: 'inputs', remove: at });
    else store.edit(element, { list: 'inputs', at, cell: 'value', value });
  };
  const note = kind === 'PARAM' ? undefined : <span class="dc-kind">{kindWord(kind)}</span>;
  return (
    <div class="dc-row">
      <TextField
        subject={subject}
        name={`Value of ${name}`}
        label={<>{name}{isRequired && <span class="dc-required"> required</span>} {note}</>}
        path={`inputs.${name}`}
        value={row?.value ?? ''}
        placeholder={slot.default}
        variables={() => store.variablesOf(element)}
        onCommit={commit}
      />
      {!isRequired && at !== undefined && (
        <IconButton name={`Remove ${name}`} icon="remove" onClick={() => store.edit(element, { list: 'inputs', remove: at })} />
      )}
    </div>
  );
}
