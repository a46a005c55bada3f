// What a viewer of bpmn-js needs in order to draw connectors as the modeler does.

import { Renderer } from './bpmn/renderer';

/** For bpmn-js's option `additionalModules` of a viewer, together with `moddleExtensions`. */
export const DataConnectorViewerModule = {
  __init__: ['dataConnectorRenderer'],
  dataConnectorRenderer: ['type', Renderer],
};

export { moddleExtensions } from './moddle';
