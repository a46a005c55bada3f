// Makes bpmn-moddle know both spellings, and resolves references that were written with white space around them.

import { moddleExtensions } from '../moddle';
import type { EventBus } from './types';

interface Moddle {
  registry: { packageMap: { [prefix: string]: any }; packages: any[]; registerPackage(descriptor: object): void };
}

export class Descriptors {
  static $inject = ['moddle', 'eventBus'];

  constructor(moddle: Moddle, eventBus: EventBus) {
    for (const descriptor of Object.values(moddleExtensions)) {
      const known = moddle.registry.packages.find(({ uri }) => uri === descriptor.uri);
      if (!known) moddle.registry.registerPackage(structuredClone(descriptor));
      // Another descriptor of our extension would read its children into other properties.
      else if (descriptor === moddleExtensions.conn && !JSON.stringify(known).includes('"parts"')) {
        throw new Error('leave `conn` out of moddleExtensions, or take it from bpmn-js-data-connector');
      }
    }
    eventBus.on('import.parse.complete', ({ references, elementsById, warnings }) => {
      for (const { element, property, id } of references ?? []) {
        const target = elementsById?.[String(id).trim()];
        if (!target || String(id) === String(id).trim() || element.$descriptor.propertiesByName[property]?.isMany) continue;
        element.set(property, target);
        const at = (warnings ?? []).findIndex((warning: { value?: unknown; property?: string }) => warning.value === id);
        if (at >= 0) warnings.splice(at, 1);
      }
    });
  }
}
