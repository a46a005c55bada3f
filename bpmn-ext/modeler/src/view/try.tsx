/** @jsxImportSource @bpmn-io/properties-panel/preact */
// `region "Try"`: the selected element's call with its rows, tried at once; what is clicked in the answer becomes a variable.

import { useEffect, useRef, useState } from '@bpmn-io/properties-panel/preact/hooks';

import type { Store } from '../bpmn/store';
import type { Canvas, Element, EventBus, Injector } from '../bpmn/types';
import { variableFor, type AnswerNode } from '../answer/json';
import { configOf, outputRows, readCall } from '../call/spelling';
import type { Call } from '../call/types';
import type { Attempt, Connector, Failure, Json, Outcome, Resource } from '../host/types';
import { IconButton } from './group';
import { useStore } from './hooks';
import { Send } from './send';
import { short } from './text-field';

export function Try({ injector }: { injector: Injector }) {
  const store = useStore(injector);
  const element = store.tried;
  const trigger = useShortcut(injector, store);
  if (!element || !store.isConnector(element)) return null;
  return <TryOf key={element.id} injector={injector} element={element} trigger={trigger} />;
}

function TryOf({ injector, element, trigger }: { injector: Injector; element: Element; trigger: number }) {
  const store = useStore(injector);
  const region = useRef<HTMLElement>(null);
  const call = store.callOf(element) as Call;
  const resource = store.resourceOf(call);
  const outcome = store.outcomeOf(element);
  const rows = JSON.stringify(outputRows(call));
  const mapping = useMapping(store, element, outcome, rows);
  const name = element.businessObject.name || element.id;
  useEffect(() => {
    region.current?.querySelector<HTMLElement>('textarea')?.focus();
    void prefill(store, element, resource);
    return keepInView(injector, element);
  }, []);
  const attempt = async (data: Json, dry: boolean, signal: AbortSignal): Promise<Outcome> => {
    store.flush();
    return store.host.attempt(requestOf(element, data, dry), signal);
  };
  const pick = ({ path }: AnswerNode): void => {
    const { outputs } = store.callOf(element) as Call;
    store.edit(element, { list: 'outputs', add: { variable: variableFor(path, outputs.map(({ variable }) => variable)), source: path, format: 'dotNotation' } });
    store.focus(element, `outputs.${outputs.length}.variable`);
  };
  const { saveExample } = store.host;
  const onSaveExample = saveExample && resource && (async (data: Json, { response }: Outcome): Promise<string> => {
    await saveExample(store.connectorOf(call) as Connector, resource, { data, answer: response });
    return 'Saved as example.';
  });
  return (
    <section ref={region} class="dc-try dc-pane" aria-label="Try">
      <header class="dc-pane-head">
        <h2>Try {name}</h2>
        {resource && <span class="dc-url"><span class={`dc-method dc-method-${resource.method.toLowerCase()}`}>{resource.method}</span> <code>{resource.url}</code></span>}
        <IconButton name="Close" icon="close" onClick={() => store.closeTry()} />
      </header>
      <Send
        method={resource?.method ?? 'GET'}
        data={store.sampleData}
        onData={(text) => store.setSampleData(text)}
        attempt={attempt}
        outcome={outcome}
        onOutcome={(came) => store.setOutcome(element, came)}
        onPick={pick}
        onSaveExample={onSaveExample}
        refusal={store.host.refusal ?? (resource ? undefined : 'Choose a connector and a resource first.')}
        codeHref={store.host.codeHref}
        adviceFor={store.host.adviceFor}
        trigger={trigger}
      >
        {outcome?.response && <MappedVariables store={store} element={element} mapping={mapping} />}
      </Send>
    </section>
  );
}

/** Keeps an element in view while the region takes room from the canvas. */
function keepInView(injector: Injector, element: Element): () => void {
  const canvas = injector.get<Canvas>('canvas');
  const observer = new ResizeObserver(() => {
    canvas.resized();
    canvas.scrollToElement(element, 20);
  });
  observer.observe(canvas.getContainer());
  return () => observer.disconnect();
}

/** What the rows make of the last answer. */
interface Mapping {
  error: Failure | null;
  /** Whether the values belong to rows as they were when it was called. */
  isStale: boolean;
}

/** Maps the answer anew whenever rows change, without a call. */
function useMapping(store: Store, element: Element, outcome: Outcome | undefined, rows: string): Mapping {
  const [mapping, setMapping] = useState<Mapping>({ error: null, isStale: false });
  const sent = useRef({ outcome, rows });
  if (sent.current.outcome !== outcome) sent.current = { outcome, rows };
  useEffect(() => {
    if (!outcome?.response) return;
    const isSame = sent.current.rows === rows;
    if (isSame || outcome.response.truncated) {
      store.setMapped(element, outcome.mapped ?? undefined);
      setMapping({ error: null, isStale: !isSame });
      return;
    }
    let isLate = false;
    const { status, headers, body } = outcome.response;
    const request = requestOf(element, store.data(), false);
    store.host.map({ status, headers, body }, JSON.parse(rows) as Json[], request).then(
      ({ variables, error }) => {
        if (isLate) return;
        store.setMapped(element, variables);
        setMapping({ error, isStale: false });
      },
      (error: unknown) => {
        if (!isLate) setMapping({ error: { code: 'MAPPING', message: error instanceof Error ? error.message : String(error) }, isStale: true });
      },
    );
    return () => {
      isLate = true;
    };
  }, [outcome, rows]);
  return mapping;
}

function MappedVariables({ store, element, mapping }: { store: Store; element: Element; mapping: Mapping }) {
  const { outputs } = store.callOf(element) as Call;
  const values = store.mappedOf(element) ?? {};
  return (
    <div class="dc-mapped">
      <table class="dc-table" aria-label="Mapped variables">
        <thead><tr><th scope="col">Variable</th><th scope="col">Value</th></tr></thead>
        <tbody>
          {outputs.length === 0 && <tr><td colSpan={2} class="dc-empty">Click a value of the answer to keep it in a variable.</td></tr>}
          {outputs.map(({ variable }, at) => {
            const json = Object.hasOwn(values, variable) ? JSON.stringify(values[variable]) : undefined;
            return (
              <tr key={at}>
                <th scope="row">{variable}</th>
                <td>{json === undefined ? <span class="dc-empty">{mapping.isStale ? 'Send again to see it' : 'not set'}</span> : <code title={json}>{short(json, 120)}</code>}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {mapping.error && <div role="alert" class="dc-alert"><p>{mapping.error.message}</p></div>}
    </div>
  );
}

function requestOf({ businessObject }: Element, data: Json, dry: boolean): Attempt {
  const { connector, resource } = readCall(businessObject) as Call;
  const request: Attempt = { connector, resource, config: configOf(businessObject), data };
  return dry ? { ...request, dry_run: true } : request;
}

/** Sample data get a member for each variable that the call reads, so that there is something to fill in. */
async function prefill(store: Store, element: Element, resource: Resource | undefined): Promise<void> {
  const call = store.callOf(element);
  const current = store.data();
  if (!call || !resource || typeof current !== 'object' || current === null || Array.isArray(current)) return;
  let reads: string[] = [];
  try {
    reads = (await store.host.attempt(requestOf(element, current, true))).reads;
  } catch {
    // What cannot be planned is shown when it is sent.
  }
  const known = new Set(store.variablesOf(element).filter(({ value }) => value !== undefined).map(({ name }) => name));
  const example = resource.example?.data;
  const missing = reads.filter((name) => !known.has(name) && !name.startsWith('_'));
  const added = Object.fromEntries(missing.map((name) => [name, (example as { [name: string]: Json } | undefined)?.[name] ?? '']));
  if (missing.length > 0) store.setSampleData(JSON.stringify({ ...current, ...added }, null, 2));
}

/** Ctrl+Enter on the canvas or in the properties opens the region for the selected element, and calls when it is open. */
function useShortcut(injector: Injector, store: Store): number {
  const [count, setCount] = useState(0);
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || event.defaultPrevented) return;
      const [selected, second] = injector.get('selection').get() as Element[];
      if (!selected || second || !store.isConnector(selected)) return;
      event.preventDefault();
      store.flush();
      if (store.tried === selected) setCount((before) => before + 1);
      else {
        setCount(0);
        store.openTry(selected);
      }
    };
    const isGone = (): void => document.removeEventListener('keydown', onKeyDown);
    document.addEventListener('keydown', onKeyDown);
    injector.get<EventBus>('eventBus').on('diagram.destroy', isGone);
    return isGone;
  }, [injector]);
  return count;
}
