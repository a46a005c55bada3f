/** @jsxImportSource @bpmn-io/properties-panel/preact */
// "Once per item": the element's multi-instance loop.

import { readLoop, type Loop } from '../../flow/loop';
import { Combobox, Select } from '../combobox';
import type { Subject } from '../field';
import { Group } from '../group';
import { useStore } from '../hooks';
import { short, TextField } from '../text-field';

const REPEATS = [
  { value: 'no', label: 'No' },
  { value: 'sequential', label: 'One after another' },
  { value: 'parallel', label: 'At the same time' },
];

export function LoopGroup({ subject }: { subject: Subject }) {
  const { injector, element } = subject;
  const store = useStore(injector);
  const loop = readLoop(element.businessObject);
  const isOther = loop.repeat === 'other';
  const lists = store.variablesOf(element).map(({ name, origin, value }) => {
    const shown = Array.isArray(value) ? `${short(JSON.stringify(value))}, ${origin}` : origin;
    return { value: name, label: name, detail: shown, isList: Array.isArray(value) };
  });
  const choose = (repeat: string): void => {
    const list = loop.list || lists.find(({ isList }) => isList)?.value || '';
    // A list and an item are what a loop needs to be of use.
    store.setLoop(element, { repeat: repeat as Loop['repeat'], list, item: loop.item || 'item' });
  };
  return (
    <Group subject={subject} id="data-connector-loop" label="Once per item" paths={['loop']}>
      <Select
        subject={subject}
        name="Repeat"
        label="Repeat"
        path="loop.repeat"
        value={loop.repeat}
        choices={isOther ? [...REPEATS, { value: 'other', label: 'While a condition holds' }] : REPEATS}
        onChoose={choose}
      />
      {loop.repeat !== 'no' && !isOther && (
        <>
          <Combobox subject={subject} name="List" label="List" path="loop.list" text={loop.list} isFree choices={lists.toSorted((a, b) => Number(b.isList) - Number(a.isList))} onChoose={(list) => store.setLoop(element, { list })} empty="Nothing before this element sets a variable." />
          <div class="dc-columns">
            <TextField subject={subject} name="Item variable" label="Item variable" path="loop.item" value={loop.item} onCommit={(item) => store.setLoop(element, { item })} />
            <TextField subject={subject} name="Results" label="Results" path="loop.results" value={loop.results} onCommit={(results) => store.setLoop(element, { results })} placeholder="kept nowhere" />
          </div>
        </>
      )}
    </Group>
  );
}
