// Where modelers offer elements: palette, context pad, and the create, append and replace menus.

import type { Choice, Elements } from './elements';
import type { Store } from './store';
import type { Element, EventBus } from './types';

const ICON = 'dc-icon';
const LOW = 500;

interface Provider {
  registerProvider(...args: unknown[]): void;
}
interface Rules {
  allowed(action: string, context: object): boolean;
}
type Entries = { [id: string]: object };

/** A palette entry, a context pad entry, and menu entries for a connector and for each resource. */
export class EntryProvider {
  static $inject = ['palette', 'contextPad', 'popupMenu', 'rules', 'dataConnector', 'dataConnectorElements', 'eventBus'];

  readonly #rules: Rules;
  readonly #store: Store;
  readonly #elements: Elements;

  constructor(palette: Provider, contextPad: Provider, popupMenu: Provider, rules: Rules, store: Store, elements: Elements, eventBus: EventBus) {
    this.#rules = rules;
    this.#store = store;
    this.#elements = elements;
    // Entries are no buttons of HTML: keys have to be made clicks.
    eventBus.on(['palette.create', 'contextPad.create'], ({ container, pad }: { container?: HTMLElement; pad?: HTMLElement }) => {
      (container ?? pad)?.addEventListener('keydown', pressed);
    });
    palette.registerProvider(LOW, { getPaletteEntries: () => this.#palette() });
    contextPad.registerProvider(LOW, { getContextPadEntries: (element: Element) => this.#contextPad(element) });
    const menus: [string, (element: Element) => Entries][] = [
      ['bpmn-create', () => this.#createMenu()],
      ['bpmn-append', (element) => this.#appendMenu(element)],
      ['bpmn-replace', (element) => this.#replaceMenu(element)],
    ];
    for (const [id, entries] of menus) {
      popupMenu.registerProvider(id, LOW, {
        getPopupMenuEntries: (element: Element) => (others: Entries) => ({ ...entries(element), ...others }),
      });
    }
  }

  #palette() {
    const create = (event: Event): void => this.#elements.create(event);
    return (entries: Entries): Entries => {
      const entry = { group: 'activity', className: ICON, title: 'Create Data Connector', html: '<div class="entry" draggable="true" tabindex="0"></div>', action: { click: create, dragstart: create } };
      // Behind the task, where activities are.
      const all = Object.entries(entries);
      const at = all.findIndex(([id]) => id === 'create.task') + 1;
      return Object.fromEntries(all.toSpliced(at === 0 ? all.length : at, 0, ['create.data-connector', entry]));
    };
  }

  #contextPad(element: Element): Entries {
    if (element.labelTarget || !this.#canAppend(element)) return {};
    return {
      'append.data-connector': {
        group: 'model',
        html: '<div class="entry" draggable="true" tabindex="0" role="button" aria-label="Append Data Connector"></div>',
        className: ICON,
        title: 'Append Data Connector',
        action: {
          click: () => this.#elements.append(element),
          dragstart: (event: Event) => this.#elements.dragFrom(event, element),
        },
      },
    };
  }

  #createMenu(): Entries {
    return this.#menu('create', (choice) => {
      const create = (event: Event): void => this.#elements.create(event, choice);
      return { click: create, dragstart: create };
    });
  }

  #appendMenu(element: Element): Entries {
    if (!this.#canAppend(element)) return {};
    return this.#menu('append', (choice) => ({
      click: () => this.#elements.append(element, choice),
      dragstart: (event: Event) => this.#elements.dragFrom(event, element, choice),
    }));
  }

  #replaceMenu(element: Element): Entries {
    const { $type } = element.businessObject;
    const isActivity = /Task$/.test($type) || $type === 'bpmn:CallActivity';
    if (!isActivity || element.labelTarget || this.#store.isConnector(element)) return {};
    return this.#menu('replace', (choice) => ({ click: () => this.#elements.replace(element, choice) }));
  }

  #menu(prefix: string, action: (choice?: Choice) => object): Entries {
    const group = { id: 'data-connector', name: 'Data connectors' };
    const entries: Entries = {
      [`${prefix}-data-connector`]: { label: 'Data Connector', className: ICON, group, search: 'call api http rest', rank: 1, action: action() },
    };
    for (const connector of this.#store.connectors) {
      for (const resource of connector.resources) {
        entries[`${prefix}-data-connector-${connector.uuid ?? connector.id ?? connector.name}-${resource.name}`] = {
          label: `${connector.name}: ${resource.name}`,
          description: resource.method,
          className: ICON,
          group,
          search: resource.description,
          action: action({ connector, resource }),
        };
      }
    }
    return entries;
  }

  #canAppend(element: Element): boolean {
    const { $type } = element.businessObject;
    const isSource = /(Task|Activity|SubProcess|Transaction|Gateway|Event)$/.test($type) && $type !== 'bpmn:EndEvent';
    return isSource && this.#rules.allowed('shape.append', { element }) !== false;
  }
}

function pressed(event: KeyboardEvent): void {
  const target = event.target as HTMLElement;
  if ((event.key !== 'Enter' && event.key !== ' ') || !target.classList.contains('entry')) return;
  event.preventDefault();
  target.click();
}
