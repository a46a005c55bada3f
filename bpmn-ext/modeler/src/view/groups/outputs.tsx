/** @jsxImportSource @bpmn-io/properties-panel/preact */
// "What comes back": the variables that are set from the answer, each with its value in the last one.

import { variableFor } from '../../answer/json';
import { OUTPUT_FORMATS, type Call, type OutputRow } from '../../call/types';
import { Select } from '../combobox';
import type { Subject } from '../field';
import { Group, IconButton, More } from '../group';
import { useStore } from '../hooks';
import { short, TextField } from '../text-field';

const WORDS = { dotNotation: 'Path', mustache: 'Text with {{variables}}', feel: 'Expression (FEEL)', jmespath: 'JMESPath' };

export function OutputsGroup({ subject }: { subject: Subject }) {
  const { injector, element } = subject;
  const store = useStore(injector);
  const { outputs } = store.callOf(element) as Call;
  const add = (): void => {
    const variable = variableFor('variable', outputs.map((row) => row.variable));
    store.edit(element, { list: 'outputs', add: { variable, source: '', format: 'dotNotation' } });
    store.focus(element, `outputs.${outputs.length}.variable`);
  };
  return (
    <Group subject={subject} id="data-connector-outputs" label="What comes back" paths={['outputs']}>
      {outputs.length === 0 && <p class="dc-empty">Nothing is kept of the answer. Try the call and click what you need.</p>}
      {outputs.length > 0 && (
        <div class="dc-pair dc-head" aria-hidden="true"><span>Variable</span><span>Source</span></div>
      )}
      {outputs.map((row, at) => <OutputFields key={at} subject={subject} row={row} at={at} />)}
      <button type="button" class="dc-button" onClick={add}>Add variable</button>
      {outputs.length > 0 && (
        <More isOpen={outputs.some(({ format }) => format !== 'dotNotation')}>
          {outputs.map(({ variable, format }, at) => (
            <Select
              key={at}
              subject={subject}
              name={`Language ${at + 1}`}
              label={`Language of ${variable || `variable ${at + 1}`}`}
              path={`outputs.${at}.format`}
              value={format}
              choices={OUTPUT_FORMATS.map((value) => ({ value, label: WORDS[value] }))}
              onChoose={(value) => store.edit(element, { list: 'outputs', at, cell: 'format', value })}
            />
          ))}
        </More>
      )}
    </Group>
  );
}

function OutputFields({ subject, row, at }: { subject: Subject; row: OutputRow; at: number }) {
  const { injector, element } = subject;
  const store = useStore(injector);
  const commit = (cell: string) => (value: string): void => store.edit(element, { list: 'outputs', at, cell, value });
  const mapped = store.mappedOf(element);
  const hasValue = mapped !== undefined && Object.hasOwn(mapped, row.variable);
  const name = at + 1;
  return (
    <div class="dc-row">
      <div class="dc-pair">
        <TextField subject={subject} name={`Variable ${name}`} path={`outputs.${at}.variable`} value={row.variable} onCommit={commit('variable')} />
        <TextField
          subject={subject}
          name={`Source ${name}`}
          path={`outputs.${at}.source`}
          value={row.source}
          placeholder="the whole answer"
          onCommit={commit('source')}
          {...(hasValue && { hint: <>now <code title={JSON.stringify(mapped[row.variable])}>{short(JSON.stringify(mapped[row.variable]), 60)}</code></> })}
        />
      </div>
      <IconButton name={`Remove variable ${name}`} icon="remove" onClick={() => store.edit(element, { list: 'outputs', remove: at })} />
    </div>
  );
}
