/** @jsxImportSource @bpmn-io/properties-panel/preact */
// Puts our groups into the properties panel.

import type { ComponentType } from '@bpmn-io/properties-panel/preact';

import type { Subject } from '../view/field';
import { ConnectorGroup } from '../view/groups/connector';
import { ErrorsGroup } from '../view/groups/errors';
import { FailureGroup } from '../view/groups/failure';
import { InputsGroup } from '../view/groups/inputs';
import { LoopGroup } from '../view/groups/loop';
import { OutputsGroup } from '../view/groups/outputs';
import type { Store } from './store';
import type { Element, Injector } from './types';

interface PanelGroup {
  id: string;
  label?: string;
  component?: unknown;
  [member: string]: unknown;
}

type GroupComponent = ComponentType<{ subject: Subject }>;

/** Made once: a component made anew would be mounted anew at each change, and lose the focus. */
const GROUPS: [id: string, label: string, component: ComponentType<any>][] = (
  [
    ['data-connector-call', 'Connector', ConnectorGroup],
    ['data-connector-inputs', 'What goes out', InputsGroup],
    ['data-connector-outputs', 'What comes back', OutputsGroup],
    ['data-connector-failure', 'If it fails', FailureGroup],
    ['data-connector-errors', 'Errors', ErrorsGroup],
    ['data-connector-loop', 'Once per item', LoopGroup],
  ] satisfies [string, string, GroupComponent][]
).map(([id, label, Component]) => [id, label, forElement(Component)]);

/** Groups of other providers that would edit the same things. */
const REPLACED = new Set(['multiInstance']);

export class Properties {
  static $inject = ['propertiesPanel', 'injector', 'dataConnector'];

  readonly #injector: Injector;
  readonly #store: Store;

  constructor(propertiesPanel: { registerProvider(priority: number, provider: object): void }, injector: Injector, store: Store) {
    this.#injector = injector;
    this.#store = store;
    propertiesPanel.registerProvider(500, this);
  }

  getGroups(element: Element) {
    return (groups: PanelGroup[]): PanelGroup[] => {
      if (!this.#store.isConnector(element)) return groups;
      const own = GROUPS.map(([id, label, component]) => ({ id, label, component, injector: this.#injector }));
      const others = groups.filter(({ id }) => !REPLACED.has(id));
      const general = others.findIndex(({ id }) => id === 'general') + 1;
      return others.toSpliced(general, 0, ...own);
    };
  }
}

/** Fields belong to one element: for another one they are mounted anew, so that what was typed goes where it was meant. */
function forElement(Component: GroupComponent) {
  return function Wrapped({ element, injector }: { element: Element; injector: Injector }) {
    return <Component key={element.id} subject={{ element, injector }} />;
  };
}
