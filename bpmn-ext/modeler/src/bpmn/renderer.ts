// Draws a connector: a task with our icon.

import BaseRenderer from 'diagram-js/lib/draw/BaseRenderer';
import { getStrokeColor } from 'bpmn-js/lib/draw/BpmnRenderUtil';
import { append, attr, create } from 'tiny-svg';

import { spellingOf } from '../call/spelling';
import { ICON_PATHS } from '../view/icon';
import type { Element, EventBus } from './types';

const HIGH = 1500;
type DrawShape = (parent: SVGElement, element: Element, attrs?: object) => SVGElement;

interface BpmnRenderer {
  handlers: { [type: string]: DrawShape };
  getShapePath(shape: Element): string;
}

export class Renderer extends (BaseRenderer as unknown as new (eventBus: EventBus, priority: number) => object) {
  static $inject = ['eventBus', 'bpmnRenderer', 'config.bpmnRenderer'];

  readonly #bpmnRenderer: BpmnRenderer;
  readonly #colors: { defaultStrokeColor?: string };

  constructor(eventBus: EventBus, bpmnRenderer: BpmnRenderer, colors?: { defaultStrokeColor?: string }) {
    super(eventBus, HIGH);
    this.#bpmnRenderer = bpmnRenderer;
    this.#colors = colors ?? {};
  }

  canRender(element: Element): boolean {
    return !element.labelTarget && spellingOf(element.businessObject) !== undefined;
  }

  drawShape(parent: SVGElement, element: Element, attrs?: { stroke?: string }): SVGElement {
    // A call activity keeps its border; a service task loses its gear.
    const type = element.type === 'bpmn:CallActivity' ? element.type : 'bpmn:Task';
    const shape = (this.#bpmnRenderer.handlers[type] as DrawShape)(parent, element, attrs);
    const icon = create('g');
    attr(icon, { transform: 'translate(6 6)', 'data-icon': 'data-connector' });
    for (const d of ICON_PATHS) {
      const path = create('path');
      const stroke = getStrokeColor(element as any, this.#colors.defaultStrokeColor, attrs?.stroke);
      attr(path, { d, fill: 'none', stroke, 'stroke-width': 1.5, 'stroke-linecap': 'round', 'stroke-linejoin': 'round' });
      append(icon, path);
    }
    append(parent, icon);
    return shape;
  }

  getShapePath(shape: Element): string {
    return this.#bpmnRenderer.getShapePath(shape);
  }
}
