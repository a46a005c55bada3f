/** @jsxImportSource @bpmn-io/properties-panel/preact */
// "Try" in ProcessMaker's inspector: the pane that bpmn-js's modelers have, inside a component of Vue 2.

import { render } from '@bpmn-io/properties-panel/preact';
import { useEffect, useState } from '@bpmn-io/properties-panel/preact/hooks';

import { variableFor, type AnswerNode } from '../src/answer/json';
import { editTexts, filled, isObject, readTexts, type Texts } from '../src/call/pm';
import { findConnector, findResource } from '../src/host/record';
import type { Attempt, Connector, Host, Json, Outcome } from '../src/host/types';
import { Send } from '../src/view/send';

/** What the plug-in needs in order to try: of the host of bpmn-js's modelers (`src/host/types.ts`). */
export type TryHost = Pick<Host, 'attempt' | 'refusal' | 'codeHref' | 'adviceFor'>;

interface Field {
  value: string | null;
  connectors: Connector[];
  $refs: { pane: HTMLElement };
  $emit(event: 'input', value: string): void;
  show(): void;
}

/** A field bound to `pm:config`: tries the call, and adds a row for a value of the answer that is clicked. */
export function tryField(connectors: Connector[] | Promise<Connector[]>, host: TryHost): object {
  return {
    name: 'DataConnectorTry',
    props: ['value'],
    data: () => ({ connectors: [] as Connector[] }),
    created(this: Field) {
      void Promise.resolve(connectors).then((found) => (this.connectors = found));
    },
    mounted(this: Field) {
      this.show();
    },
    watch: { value: 'show', connectors: 'show' },
    beforeDestroy(this: Field) {
      render(null, this.$refs.pane);
    },
    methods: {
      show(this: Field) {
        const { value, connectors: found } = this;
        render(<TryPane config={value} connectors={found} host={host} onConfig={(next) => this.$emit('input', next)} />, this.$refs.pane);
      },
    },
    render: (h: (tag: string, data: object) => unknown) => h('div', { ref: 'pane' }),
  };
}

interface Props {
  config: string | null;
  connectors: Connector[];
  host: TryHost;
  onConfig(config: string): void;
}

function TryPane({ config, connectors, host, onConfig }: Props) {
  const [isOpen, setOpen] = useState(false);
  const [data, setData] = useState('');
  const [outcome, setOutcome] = useState<Outcome | undefined>(undefined);
  const texts: Texts = { config: filled(config), handling: '{}' };
  const isReadable = isObject(texts.config);
  const call = readTexts(isReadable ? texts : { config: '{}', handling: '{}' });
  const resource = findResource(findConnector(connectors, call.connector), call.resource);
  const attempt = (given: Json, dry: boolean, signal?: AbortSignal): Promise<Outcome> => {
    const request: Attempt = { connector: call.connector, resource: call.resource, config: JSON.parse(texts.config) as Attempt['config'], data: given };
    return host.attempt(dry ? { ...request, dry_run: true } : request, signal);
  };
  // There is something to fill in for each variable that the call reads.
  useEffect(() => {
    if (!isOpen || data !== '' || !resource) return;
    const fill = ({ reads }: Outcome): void => {
      const names = reads.filter((name) => !name.startsWith('_'));
      if (names.length > 0) setData((now) => now || JSON.stringify(Object.fromEntries(names.map((name) => [name, ''])), null, 2));
    };
    attempt({}, true).then(fill, () => {
      // What cannot be planned is shown when it is sent.
    });
  }, [isOpen, config]);
  const pick = ({ path }: AnswerNode): void => {
    const variable = variableFor(path, call.outputs.map((output) => output.variable));
    onConfig(editTexts(texts, { list: 'outputs', add: { variable, source: path, format: 'dotNotation' } }).config);
  };
  if (!isOpen) return <button type="button" class="btn btn-sm btn-primary" disabled={!isReadable} onClick={() => setOpen(true)}>Try</button>;
  return (
    <section aria-label="Try">
      <Send
        method={resource?.method ?? 'GET'}
        data={data}
        onData={setData}
        attempt={attempt}
        outcome={outcome}
        onOutcome={setOutcome}
        onPick={pick}
        refusal={host.refusal ?? (resource ? undefined : 'Choose a connector and a resource first.')}
        codeHref={host.codeHref}
        adviceFor={host.adviceFor}
      />
    </section>
  );
}
