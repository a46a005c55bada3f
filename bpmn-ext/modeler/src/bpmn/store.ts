// What the parts of the plug-in share for one modeler: the host, its connectors, sample data, what came of tries, and all
// edits of calls, each one step of Undo. Must not know views.

import { editCall, convert, majority, readCall, spellingOf, type Spelling } from '../call/spelling';
import { startAnew } from '../call/pm';
import { editAt, type Call, type Edit } from '../call/types';
import type { Change, ModdleElement } from '../call/moddle';
import { variablesOf, type Variable } from '../flow/variables';
import { readLoop, writeLoop, type Loop } from '../flow/loop';
import { findConnector, findResource } from '../host/record';
import type { Connector, Fix, Host, Json, Outcome, Resource } from '../host/types';
import { CHANGED, type Element, type ElementRegistry, type EventBus, type Injector, type Modeling, type Selection } from './types';

/** bpmn-js's option `dataConnector`. */
export interface Options {
  host: Host;
  /** JSON that a request begins with, until somebody edits it. */
  sampleData?: string;
}

export class Store {
  static $inject = ['injector', 'eventBus', 'config.dataConnector'];

  readonly host: Host;
  connectors: Connector[] = [];
  /** Why connectors could not be read; undefined when they are there or on their way. */
  connectorsError: string | undefined;
  queues: string[] = [];
  sampleData: string;
  /** The element whose call is being tried; undefined while region "Try" is closed. */
  tried: Element | undefined;
  /** The field that is to have the focus once it is there. */
  wanted: { element: string; path: string } | undefined;
  readonly #outcomes = new Map<string, Outcome>();
  readonly #mapped = new Map<string, { [variable: string]: Json }>();
  readonly #pending = new Set<() => void>();
  readonly #closed = new Set<string>();
  readonly #injector: Injector;
  readonly #eventBus: EventBus;

  constructor(injector: Injector, eventBus: EventBus, options: Options | undefined) {
    if (!options?.host) throw new Error('bpmn-js-data-connector needs the option dataConnector: {host}; see its README');
    this.#injector = injector;
    this.#eventBus = eventBus;
    this.host = options.host;
    this.sampleData = options.sampleData ?? '{}';
    // What is being typed belongs to what is saved.
    eventBus.on('saveXML.start', 2000, () => this.flush());
    eventBus.on('import.done', () => {
      this.tried = undefined;
      this.#outcomes.clear();
      this.#mapped.clear();
      this.changed();
    });
    eventBus.on('shape.remove', ({ element }) => {
      if (element === this.tried) this.closeTry();
    });
    void this.reload();
  }

  /** Asks the host for its connectors anew. */
  async reload(): Promise<void> {
    try {
      const [connectors, queues] = await Promise.all([this.host.connectors(), this.host.queues?.() ?? []]);
      this.connectors = connectors;
      this.queues = queues;
      this.connectorsError = undefined;
    } catch (error) {
      this.connectorsError = error instanceof Error ? error.message : String(error);
    }
    this.changed();
  }

  /** Tells all who listen that something changed that is not part of the model. */
  changed(): void {
    this.#eventBus.fire(CHANGED);
  }

  isConnector(element: Element | undefined): boolean {
    return element !== undefined && !element.labelTarget && spellingOf(element.businessObject) !== undefined;
  }

  callOf(element: Element): Call | undefined {
    return readCall(element.businessObject);
  }

  connectorOf(call: Call | undefined): Connector | undefined {
    return call && call.connector !== '' ? findConnector(this.connectors, call.connector) : undefined;
  }

  resourceOf(call: Call | undefined): Resource | undefined {
    return call && findResource(this.connectorOf(call), call.resource);
  }

  /** How a spelling refers to a connector: ProcessMaker by number, our extension by name. */
  referenceTo(connector: Connector, spelling: Spelling): string {
    return spelling === 'pm' && connector.id !== undefined ? String(connector.id) : connector.name;
  }

  /** Edits of a call, as one step of Undo. */
  edit(element: Element, ...edits: Edit[]): void {
    // What was typed into a field may come when its element is gone.
    if (this.#injector.get<ElementRegistry>('elementRegistry').get(element.id) !== element) return;
    this.batch(() => {
      for (const edit of edits) this.#apply(element, editCall(element.businessObject, edit, this.#create));
    });
  }

  /** Changes of the model, as one step of Undo. */
  apply(element: Element, changes: Change[]): void {
    if (changes.length > 0) this.batch(() => this.#apply(element, changes));
  }

  /** Makes a finding go away. */
  fix(element: Element, fix: Fix): void {
    this.batch(() => {
      for (const { path, value } of fix.edits) {
        const loop = /^loop\.(list|item|results)$/.exec(path)?.[1];
        if (loop) this.setLoop(element, { [loop]: value ?? '' });
        const edit = editAt(this.callOf(element) as Call, path, value);
        if (edit) this.#apply(element, editCall(element.businessObject, edit, this.#create));
      }
    });
  }

  /** Writes an element in another spelling. */
  convert(element: Element, to: Spelling): void {
    const reference = (name: string): string => {
      const connector = findConnector(this.connectors, name);
      return connector ? this.referenceTo(connector, to) : name;
    };
    this.apply(element, convert(element.businessObject, to, reference, this.#create));
  }

  setLoop(element: Element, members: Partial<Loop>): void {
    const loop = { ...readLoop(element.businessObject), ...members };
    this.apply(element, writeLoop(element.businessObject, loop, this.#create));
  }

  /** Replaces JSON that cannot be read. */
  startAnew(element: Element): void {
    this.apply(element, startAnew(element.businessObject));
  }

  /** All that `run` changes, as one step of Undo. */
  batch(run: () => void): void {
    this.#injector.get('commandStack').execute('dataConnector.batch', { run });
  }

  /** The spelling of new elements. */
  majority(): Spelling {
    return majority(this.#injector.get<ElementRegistry>('elementRegistry').getAll().map((element) => element.businessObject));
  }

  /** The sample data as JSON; `{}` while they are none. */
  data(): Json {
    try {
      return JSON.parse(this.sampleData) as Json;
    } catch {
      return {};
    }
  }

  setSampleData(text: string): void {
    this.sampleData = text;
    this.#eventBus.fire('dataConnector.sampleData.changed', { text });
    this.changed();
  }

  variablesOf(element: Element): Variable[] {
    const mapped = (node: ModdleElement): { [variable: string]: Json } | undefined => this.#mapped.get(node.id as string);
    return variablesOf(element.businessObject, { data: this.data(), mapped });
  }

  outcomeOf(element: Element): Outcome | undefined {
    return this.#outcomes.get(element.id);
  }

  setOutcome(element: Element, outcome: Outcome | undefined): void {
    if (outcome) this.#outcomes.set(element.id, outcome);
    else this.#outcomes.delete(element.id);
    this.setMapped(element, outcome?.mapped ?? undefined);
  }

  mappedOf(element: Element): { [variable: string]: Json } | undefined {
    return this.#mapped.get(element.id);
  }

  setMapped(element: Element, variables: { [variable: string]: Json } | undefined): void {
    if (variables) this.#mapped.set(element.id, variables);
    else this.#mapped.delete(element.id);
    this.changed();
  }

  openTry(element: Element): void {
    this.tried = element;
    this.changed();
  }

  closeTry(): void {
    this.tried = undefined;
    this.changed();
  }

  /** Selects an element and puts the focus on one of its fields, once it is there. */
  focus(element: Element, path: string): void {
    this.wanted = { element: element.id, path: fieldOf(path) };
    this.#injector.get<Selection>('selection').select(element);
    this.changed();
  }

  isOpen(group: string): boolean {
    return !this.#closed.has(group);
  }

  setOpen(group: string, isOpen: boolean): void {
    if (isOpen) this.#closed.delete(group);
    else this.#closed.add(group);
    this.changed();
  }

  /** A field that holds text which is not in the model yet. */
  typing(commit: () => void): void {
    this.#pending.add(commit);
  }

  typed(commit: () => void): void {
    this.#pending.delete(commit);
  }

  /** Writes what is being typed into the model. */
  flush(): void {
    for (const commit of [...this.#pending]) commit();
  }

  #apply(element: Element, changes: Change[]): void {
    const modeling = this.#injector.get<Modeling>('modeling');
    for (const { target, properties } of changes) modeling.updateModdleProperties(element, target, properties);
  }

  #create = (type: string, properties?: object): ModdleElement => this.#injector.get('bpmnFactory').create(type, properties);
}

/** The field of a path: those without one of their own are shown at a neighbour. */
function fieldOf(path: string): string {
  if (['', 'success', 'repeat'].includes(path)) return 'connector';
  if (/^retry\.(maxWait|budget)$/.test(path)) return 'retry.attempts';
  return path.replace(/^(errors\.\d+)\.message$/, '$1.when');
}
