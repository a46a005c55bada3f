/** @jsxImportSource @bpmn-io/properties-panel/preact */
// "If it fails": time and further attempts, in numbers and in a sentence.

import { retrySentence } from '../../call/sentence';
import { spellingOf, type Spelling } from '../../call/spelling';
import { secondsOf, written } from '../../call/time';
import type { Call, Scalar } from '../../call/types';
import { Combobox, Select } from '../combobox';
import type { Subject } from '../field';
import { Group } from '../group';
import { useStore } from '../hooks';
import { TextField } from '../text-field';

const STATUSES = [
  { value: '408,425,429,5xx', label: '408,425,429,5xx', detail: 'overloaded or broken' },
  { value: '429,503', label: '429,503', detail: 'too many calls' },
  { value: '5xx', label: '5xx', detail: 'broken' },
];

export function FailureGroup({ subject }: { subject: Subject }) {
  const { injector, element } = subject;
  const store = useStore(injector);
  const call = store.callOf(element) as Call;
  const spelling = spellingOf(element.businessObject) as Spelling;
  const set = (scalar: Scalar) => (value: string): void => store.edit(element, { set: scalar, value });
  const seconds = (name: string, scalar: 'timeout' | 'retry.wait', value: string) => {
    const known = secondsOf(value);
    const isOther = value !== '' && known === undefined;
    return (
      <TextField
        subject={subject}
        name={name}
        label={name}
        path={scalar}
        type="number"
        value={known === undefined ? '' : String(known)}
        onCommit={(text) => set(scalar)(written(text, spelling))}
        placeholder="as the resource"
        {...(isOther && { hint: `The file says ${value}; a number here replaces it.` })}
      />
    );
  };
  return (
    <Group subject={subject} id="data-connector-failure" label="If it fails" paths={['timeout', 'retry']}>
      <div class="dc-columns">
        {seconds('Timeout in seconds', 'timeout', call.timeout)}
        <TextField subject={subject} name="Attempts" label="Attempts" path="retry.attempts" type="number" value={call.retry.attempts} onCommit={set('retry.attempts')} placeholder="as the resource" />
        {seconds('Wait in seconds', 'retry.wait', call.retry.wait)}
        <Select
          subject={subject}
          name="Wait grows"
          label="Wait grows"
          path="retry.backoff"
          value={call.retry.backoff}
          choices={[{ value: '', label: 'As the resource' }, { value: 'fixed', label: 'No' }, { value: 'exponential', label: 'Exponentially' }]}
          onChoose={set('retry.backoff')}
        />
      </div>
      <Combobox subject={subject} name="Retry on" label="Retry on" path="retry.statuses" text={call.retry.statuses} isFree choices={STATUSES} onChoose={set('retry.statuses')} placeholder="as usual: no answer, 408, 425, 429, 5xx" />
      <p class="dc-sentence">{retrySentence(call)}</p>
    </Group>
  );
}
