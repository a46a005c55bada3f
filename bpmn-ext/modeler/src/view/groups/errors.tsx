/** @jsxImportSource @bpmn-io/properties-panel/preact */
// "Errors": which failures become which error of the process, and what catches it.

import { addBoundaryEvent } from '../../bpmn/boundary';
import type { Call, ErrorRow } from '../../call/types';
import { catcherOf, catchers } from '../../flow/errors';
import { Combobox } from '../combobox';
import type { Subject } from '../field';
import { Group, IconButton } from '../group';
import { useStore } from '../hooks';
import { TextField } from '../text-field';

export function ErrorsGroup({ subject }: { subject: Subject }) {
  const { injector, element } = subject;
  const store = useStore(injector);
  const { errors } = store.callOf(element) as Call;
  const add = (): void => {
    store.edit(element, { list: 'errors', add: { when: '', code: '', message: '' } });
    store.focus(element, `errors.${errors.length}.when`);
  };
  return (
    <Group subject={subject} id="data-connector-errors" label="Errors" paths={['errors']}>
      {errors.length === 0 && <p class="dc-empty">A failed call fails the request. Name a failure here to go on another way.</p>}
      {errors.length > 0 && <div class="dc-pair dc-head" aria-hidden="true"><span>When</span><span>Error code</span></div>}
      {errors.map((row, at) => <ErrorFields key={at} subject={subject} row={row} at={at} />)}
      <button type="button" class="dc-button" onClick={add}>Add error</button>
    </Group>
  );
}

function ErrorFields({ subject, row, at }: { subject: Subject; row: ErrorRow; at: number }) {
  const { injector, element } = subject;
  const store = useStore(injector);
  const name = at + 1;
  const attached = catchers(element.businessObject);
  const codes = new Set(attached.flatMap(({ code }) => (code === undefined ? [] : [code])));
  const known = store.resourceOf(store.callOf(element))?.errorCodes ?? [];
  const choices = [
    ...[...codes].map((code) => ({ value: code, label: code, detail: `caught by ${titleOf(catcherOf(element.businessObject, code))}` })),
    ...known.filter((code) => !codes.has(code)).map((code) => ({ value: code, label: code, detail: 'of the resource' })),
  ];
  const catcher = row.code === '' ? undefined : catcherOf(element.businessObject, row.code);
  const edit = (cell: string) => (value: string): void => store.edit(element, { list: 'errors', at, cell, value });
  return (
    <div class="dc-row">
      <div>
        <div class="dc-pair">
          <TextField subject={subject} name={`When ${name}`} path={`errors.${at}.when`} value={row.when} placeholder="404" onCommit={edit('when')} />
          <Combobox subject={subject} name={`Error code ${name}`} path={`errors.${at}.code`} text={row.code} isFree choices={choices} onChoose={edit('code')} placeholder="UNKNOWN" empty="No event catches an error yet; write a code." />
        </div>
        {row.code !== '' && (
          <p class="dc-caught">
            {catcher ? `Caught by ${titleOf(catcher)}.` : 'Nothing catches this.'}{' '}
            {!catcher && <button type="button" class="dc-button" onClick={() => addBoundaryEvent(injector, store, element, row.code)}>Add boundary event</button>}
          </p>
        )}
      </div>
      <IconButton name={`Remove error ${name}`} icon="remove" onClick={() => store.edit(element, { list: 'errors', remove: at })} />
    </div>
  );
}

function titleOf(event: { name?: string; id?: string } | undefined): string {
  return event?.name || event?.id || '';
}
