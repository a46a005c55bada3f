// Makes Data Connector a node of ProcessMaker's modeler. Knows its node types and events; edits go through src/call/pm, so
// that a file which nobody edits is saved as it was read.

import { IMPLEMENTATION } from '../src/call/pm';
import type { Connector } from '../src/host/types';
import { ICON_PATHS } from '../src/view/icon';
import { callField, failureField } from './inspector';
import { tryField, type TryHost } from './try';

/** A node type, as `registerNode` of `@processmaker/modeler` takes it. */
export interface NodeType {
  id: string;
  component: object;
  inspectorConfig: [{ name: string; items: object[] }];
  [member: string]: unknown;
}

interface EventBus {
  $on(event: string, listener: (payload: { registerNode(node: NodeType): void }) => void): void;
}

export interface Options {
  /** The node type `serviceTask` that `@processmaker/modeler` exports. */
  serviceTask: NodeType;
  /** The connectors that models here can name. */
  connectors: Connector[] | Promise<Connector[]>;
  /** Makes calls for "Try"; without it there is no such field. */
  host?: TryHost;
  /** The address of `icon.svg`, for "Add Object"; the modeler takes no data address there. */
  iconUrl: string;
  /** `window.ProcessMaker.EventBus` of the page. */
  eventBus: EventBus;
}

/** The size of the shape, as ProcessMaker draws connectors. */
const BOUNDS = { height: 76, width: 116 };

/** Registers the node; must be called before the modeler's component is created. */
export function registerDataConnector(options: Options): void {
  options.eventBus.$on('modeler-init', ({ registerNode }) => registerNode(nodeType(options)));
}

function nodeType({ serviceTask, connectors, host, iconUrl }: Options): NodeType {
  const [properties, ...others] = serviceTask.inspectorConfig[0].items;
  return {
    ...serviceTask,
    id: 'data-source-task-service',
    component: {
      extends: serviceTask.component,
      mounted(this: { shape: { attr(path: string, value: string): void } }) {
        this.shape.attr('image/xlink:href', shapeIcon());
      },
    },
    bpmnType: 'bpmn:ServiceTask',
    control: true,
    category: 'Data',
    rank: 45,
    icon: iconUrl,
    label: 'Data Connector',
    implementation: IMPLEMENTATION,
    definition: (moddle: Moddle) =>
      moddle.create('bpmn:ServiceTask', {
        name: 'Data Connector',
        implementation: IMPLEMENTATION,
        config: '{"dataSource":"","endpoint":"","outboundConfig":[],"dataMapping":[]}',
      }),
    diagram: (moddle: Moddle) => moddle.create('bpmndi:BPMNShape', { bounds: moddle.create('dc:Bounds', BOUNDS) }),
    inspectorConfig: [
      {
        name: 'data-source-task-service',
        items: [
          properties as object,
          accordion('Data Connector', 'plug', [{ component: callField(connectors), config: { name: 'config' } }]),
          ...(host ? [accordion('Try the call', 'play', [{ component: tryField(connectors, host), config: { name: 'config' } }])] : []),
          accordion('If it fails', 'redo', [{ component: failureField, config: { name: 'errorHandling' } }]),
          ...others,
        ],
      },
    ],
  };
}

interface Moddle {
  create(type: string, properties: object): object;
}

function accordion(label: string, icon: string, items: object[]): object {
  const name = `inspector-accordion-${label.toLowerCase().replaceAll(' ', '-')}`;
  return { component: 'FormAccordion', container: true, config: { initiallyOpen: true, label, icon, name }, items };
}

/** The icon inside the shape, where the modeler takes a data address. */
function shapeIcon(): string {
  const paths = ICON_PATHS.map((d) => `<path d="${d}"/>`).join('');
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 20" width="20" height="20" fill="none" stroke="#52677a" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round">${paths}</svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
