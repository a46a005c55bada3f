/** @jsxImportSource @bpmn-io/properties-panel/preact */
// Puts views into pages that are not made with Preact.

import { h, render, type ComponentType } from '@bpmn-io/properties-panel/preact';

import type { Injector } from './bpmn/types';
import { Outline } from './view/outline';
import { Problems } from './view/problems';
import { Try } from './view/try';

/** A modeler of bpmn-js with the module in it. */
export interface Modeler {
  get(name: string, strict?: boolean): any;
}

/** Shows the outline, the problems or the tries of a modeler in an element of the page; the answer takes it away again. */
function mount(view: ComponentType<{ injector: Injector }>, modeler: Modeler, into: HTMLElement): () => void {
  render(h(view, { injector: modeler.get('injector') as Injector }), into);
  return () => render(null, into);
}

export const mountOutline = mount.bind(undefined, Outline);
export const mountProblems = mount.bind(undefined, Problems);
export const mountTry = mount.bind(undefined, Try);
