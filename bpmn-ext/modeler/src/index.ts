// bpmn-js-data-connector: makes Data Connector a first-class element of bpmn-js.

import { Commands } from './bpmn/commands';
import { Descriptors } from './bpmn/descriptors';
import { Elements } from './bpmn/elements';
import { EntryProvider } from './bpmn/entries';
import { Linter } from './bpmn/lint';
import { Properties } from './bpmn/properties';
import { Renderer } from './bpmn/renderer';
import { Store } from './bpmn/store';

/**
 * For bpmn-js's option `additionalModules`, together with the option `dataConnector: {host}`. Needs bpmn-js-properties-panel
 * and bpmn-js-create-append-anything in the same modeler.
 */
export const DataConnectorModule = {
  __init__: [
    'dataConnectorDescriptors', 'dataConnectorCommands', 'dataConnectorEntries', 'dataConnectorRenderer', 'dataConnectorLint', 'dataConnectorProperties',
  ],
  dataConnectorDescriptors: ['type', Descriptors],
  dataConnectorCommands: ['type', Commands],
  dataConnector: ['type', Store],
  dataConnectorElements: ['type', Elements],
  dataConnectorEntries: ['type', EntryProvider],
  dataConnectorRenderer: ['type', Renderer],
  dataConnectorLint: ['type', Linter],
  dataConnectorProperties: ['type', Properties],
};

export type { Options, Store } from './bpmn/store';
export { CHANGED } from './bpmn/types';
export { countOf, type Linter } from './bpmn/lint';
export { readCall, spellingOf, type Spelling } from './call/spelling';
export type { Call } from './call/types';
export { hostFromRecords } from './host/records';
export { moddleExtensions } from './moddle';
export { mountOutline, mountProblems, mountTry, type Modeler } from './mount';
export { Outline } from './view/outline';
export { Problems } from './view/problems';
export { Try } from './view/try';
export * from './parts';
