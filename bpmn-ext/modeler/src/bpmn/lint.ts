// Asks the host for findings, 300 ms after a change, and marks the shapes. Knows findings; must not know rules.

import type { Diagnostic } from '../host/types';
import type { Store } from './store';
import type { Element, ElementRegistry, EventBus, Injector } from './types';

const DELAY_MS = 300;
const OVERLAY = 'data-connector-lint';

export class Linter {
  static $inject = ['injector', 'eventBus', 'dataConnector'];

  diagnostics: Diagnostic[] = [];
  /** Why there are no findings; undefined when there are. */
  error: string | undefined;
  /** Whether the findings belong to an older state of the model. */
  isPending = false;
  readonly #injector: Injector;
  readonly #store: Store;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asked = 0;
  /** The findings by element, made when they are first asked for. */
  #grouped: { of: Diagnostic[]; by: Map<string | null, Diagnostic[]> } = { of: [], by: new Map() };

  constructor(injector: Injector, eventBus: EventBus, store: Store) {
    this.#injector = injector;
    this.#store = store;
    const later = (): void => this.#later();
    eventBus.on(['import.done', 'commandStack.changed', 'dataConnector.sampleData.changed'], later);
    eventBus.on('diagram.destroy', () => {
      clearTimeout(this.#timer);
      this.#asked += 1;
    });
  }

  /** The findings of an element, or those of the file where it is null. */
  of(element: Element | null): Diagnostic[] {
    if (this.#grouped.of !== this.diagnostics) {
      const by = new Map<string | null, Diagnostic[]>();
      for (const one of this.diagnostics) by.set(one.element, [...(by.get(one.element) ?? []), one]);
      this.#grouped = { of: this.diagnostics, by };
    }
    return this.#grouped.by.get(element?.id ?? null) ?? [];
  }

  /** Asks now. */
  async run(): Promise<void> {
    clearTimeout(this.#timer);
    const asked = (this.#asked += 1);
    let found: Diagnostic[] = [];
    let problem: string | undefined;
    try {
      const definitions = this.#injector.get('bpmnjs').getDefinitions();
      if (!definitions) return;
      const { xml } = await this.#injector.get('moddle').toXML(definitions, { format: true });
      found = await this.#store.host.lint(xml, this.#store.data());
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error);
    }
    // A late answer never overwrites a newer one.
    if (asked !== this.#asked) return;
    this.error = problem;
    this.isPending = false;
    if (problem === undefined) this.diagnostics = found;
    this.#mark();
    this.#store.changed();
  }

  #later(): void {
    clearTimeout(this.#timer);
    this.isPending = true;
    this.#timer = setTimeout(() => void this.run(), DELAY_MS);
  }

  #mark(): void {
    const overlays = this.#injector.get('overlays');
    const registry = this.#injector.get<ElementRegistry>('elementRegistry');
    overlays.remove({ type: OVERLAY });
    const ids = new Set(this.diagnostics.map(({ element }) => element));
    for (const id of ids) {
      const element = id === null ? undefined : registry.get(id);
      if (element && 'width' in element) overlays.add(element, OVERLAY, { position: { top: -10, left: -10 }, html: this.#marker(element) });
    }
  }

  #marker(element: Element): HTMLElement {
    const found = this.of(element);
    const button = document.createElement('button');
    const isError = found.some(({ severity }) => severity === 'error');
    button.type = 'button';
    button.className = `dc-marker ${isError ? 'dc-marker-error' : 'dc-marker-warning'}`;
    button.textContent = String(found.length);
    button.setAttribute('aria-label', `${countOf(found)}: ${element.businessObject.name || element.id}`);
    button.title = found.map(({ message }) => message).join('\n');
    button.addEventListener('click', () => {
      const first = found.find(({ severity }) => severity === 'error') ?? found[0];
      this.#store.focus(element, first?.path ?? '');
    });
    return button;
  }
}

/** "2 errors, 1 warning", or nothing for none. */
export function countOf(found: Diagnostic[]): string {
  const errors = found.filter(({ severity }) => severity === 'error').length;
  const warnings = found.length - errors;
  const words = [[errors, 'error'], [warnings, 'warning']] as const;
  return words.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}${count === 1 ? '' : 's'}`).join(', ');
}
