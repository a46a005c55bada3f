/** One modeler of bpmn-js with the plug-in in it, and what the page has to know of it. */

import 'bpmn-js/dist/assets/diagram-js.css';
import 'bpmn-js/dist/assets/bpmn-js.css';
import 'bpmn-js/dist/assets/bpmn-font/css/bpmn.css';
import '@bpmn-io/properties-panel/dist/assets/properties-panel.css';
import 'bpmn-js-data-connector/style.css';
import '../../styles/plug-in.css';

import { signal } from '@preact/signals';
import Modeler from 'bpmn-js/lib/Modeler';
import { CreateAppendAnythingModule } from 'bpmn-js-create-append-anything';
import { DataConnectorModule, moddleExtensions, mountOutline, mountProblems, mountTry } from 'bpmn-js-data-connector';
import { BpmnPropertiesPanelModule, BpmnPropertiesProviderModule } from 'bpmn-js-properties-panel';

import { colors } from '../../model/colors';
import { dropModelDraft, keepModelDraft, type ModelDraft } from './drafts';
import { apiHost } from './host';
import type { Opened } from './opened';

const DELAY = 1_000;
/** The width that the palette takes, the height of bpmn.io's mark, and the space around a model, pixels. */
const PALETTE = 116;
const MARK = 24;
const MARGIN = 32;

export interface Places {
  canvas: HTMLElement;
  properties: HTMLElement;
  outline: HTMLElement;
  problems: HTMLElement;
  attempt: HTMLElement;
}

interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

interface View extends Box {
  scale: number;
  inner: Box;
  outer: { width: number; height: number };
}

interface Canvas {
  viewbox: (to?: Box) => View;
  resized: () => void;
}

interface CommandStack {
  canUndo: () => boolean;
  canRedo: () => boolean;
  undo: () => void;
  redo: () => void;
}

interface Store {
  sampleData: string;
  reload: () => Promise<void>;
}

interface Element {
  id: string;
  labelTarget?: Element;
}

export class Workspace {
  readonly undoable = signal(false);
  readonly redoable = signal(false);
  /** When the draft was kept last. */
  readonly savedAt = signal<Date | null>(null);
  /** Why the file cannot be read. */
  readonly problem = signal<string | null>(null);
  readonly restored;
  private modeler: InstanceType<typeof Modeler> | null = null;
  private draft: ModelDraft;
  private timer = 0;
  private palette = '';
  /** What `fit` showed last. */
  private fitted: View | null = null;
  /** Whether something is not in the draft yet. */
  private dirty = false;

  constructor(private readonly opened: Opened) {
    this.draft = opened.current;
    this.restored = signal<Date | null>(opened.restored);
  }

  /** Shows it; the answer takes it away again. */
  mount(places: Places, selected: string | undefined, onSelect: (element: string | null) => void): () => void {
    const { canvas, properties, outline, problems, attempt } = places;
    const bpmnRenderer = colors();
    this.palette = JSON.stringify(bpmnRenderer);
    const modeler = new Modeler({
      container: canvas,
      propertiesPanel: { parent: properties },
      moddleExtensions,
      bpmnRenderer,
      additionalModules: [
        BpmnPropertiesPanelModule,
        BpmnPropertiesProviderModule,
        CreateAppendAnythingModule,
        DataConnectorModule,
      ],
      dataConnector: { host: apiHost(), sampleData: this.draft.data },
    } as ConstructorParameters<typeof Modeler>[0]);
    this.modeler = modeler;
    const unmount = [mountOutline(modeler, outline), mountProblems(modeler, problems), mountTry(modeler, attempt)];
    modeler.on('commandStack.changed', () => this.changed());
    modeler.on('dataConnector.sampleData.changed', () => this.later());
    modeler.on('selection.changed', ({ newSelection }: { newSelection: Element[] }) => {
      const [element] = newSelection;
      onSelect(element ? (element.labelTarget ?? element).id : null);
    });
    const observer = new ResizeObserver(() => this.refit());
    observer.observe(canvas);
    void this.show(this.draft.xml, selected);
    return () => {
      observer.disconnect();
      clearTimeout(this.timer);
      void this.keep();
      for (const one of unmount) one();
      modeler.destroy();
      this.modeler = null;
    };
  }

  private async show(xml: string, selected?: string): Promise<void> {
    const { modeler } = this;
    if (!modeler) return;
    try {
      await modeler.importXML(xml);
      if (this.modeler !== modeler) return;
      this.problem.value = null;
      this.fit();
      // The panel listens only after it was painted.
      setTimeout(() => this.select(selected), 100);
    } catch (error) {
      this.problem.value = error instanceof Error ? error.message : String(error);
    }
  }

  /** The whole model, at most in its own size, next to the palette and above the mark. */
  private fit(): void {
    const canvas = this.modeler?.get<Canvas>('canvas');
    if (!canvas) return;
    const { inner, outer } = canvas.viewbox();
    const room = { width: outer.width - PALETTE - 2 * MARGIN, height: outer.height - MARK - 2 * MARGIN };
    const scale = Math.min(1, room.width / inner.width, room.height / inner.height);
    const [width, height] = [outer.width / scale, outer.height / scale];
    const x = inner.x - (PALETTE + MARGIN + (room.width - inner.width * scale) / 2) / scale;
    const y = inner.y - (MARGIN + (room.height - inner.height * scale) / 2) / scale;
    canvas.viewbox({ x, y, width, height });
    this.fitted = canvas.viewbox();
  }

  /** Fits again when the canvas has more or less room, unless somebody has moved or zoomed. */
  private refit(): void {
    const canvas = this.modeler?.get<Canvas>('canvas');
    if (!canvas || !this.fitted) return;
    canvas.resized();
    const { x, y, scale } = canvas.viewbox();
    if (x === this.fitted.x && y === this.fitted.y && scale === this.fitted.scale) this.fit();
  }

  private select(element: string | undefined): void {
    const shape = element && this.modeler?.get<{ get: (id: string) => unknown }>('elementRegistry').get(element);
    if (shape) this.modeler?.get<{ select: (shape: unknown) => void }>('selection').select(shape);
  }

  private changed(): void {
    const stack = this.stack();
    this.undoable.value = stack?.canUndo() ?? false;
    this.redoable.value = stack?.canRedo() ?? false;
    if (this.undoable.value || this.redoable.value) this.later();
  }

  private later(): void {
    clearTimeout(this.timer);
    this.dirty = true;
    this.timer = window.setTimeout(() => void this.keep(), DELAY);
  }

  /** Keeps the draft now, if anything changed. */
  async keep(): Promise<void> {
    if (!this.dirty || !this.modeler || this.problem.value !== null) return;
    this.dirty = false;
    const data = this.modeler.get<Store>('dataConnector').sampleData;
    const xml = await this.xml();
    this.draft = { ...this.draft, xml, data, at: new Date().toISOString() };
    await keepModelDraft(this.draft);
    this.savedAt.value = new Date();
  }

  async xml(): Promise<string> {
    const saved = await this.modeler?.saveXML({ format: true });
    return saved?.xml ?? this.draft.xml;
  }

  private stack(): CommandStack | undefined {
    return this.modeler?.get<CommandStack>('commandStack');
  }

  undo(): void {
    this.stack()?.undo();
  }

  redo(): void {
    this.stack()?.redo();
  }

  async discard(): Promise<void> {
    const { original } = this.opened;
    if (!original) return;
    clearTimeout(this.timer);
    this.dirty = false;
    await dropModelDraft(original.id);
    this.draft = original;
    this.restored.value = null;
    this.savedAt.value = null;
    await this.show(original.xml);
  }

  async reloadConnectors(): Promise<void> {
    await this.modeler?.get<Store>('dataConnector').reload();
    await this.modeler?.get<{ run: () => Promise<void> }>('dataConnectorLint').run();
  }

  /** Draws with the colours of another theme; what was changed stays. */
  async recolor(): Promise<void> {
    const palette = colors();
    if (!this.modeler || JSON.stringify(palette) === this.palette) return;
    this.palette = JSON.stringify(palette);
    Object.assign(this.modeler.get<object>('config.bpmnRenderer'), palette);
    const canvas = this.modeler.get<{ _rootElement?: unknown }>('canvas');
    const registry = this.modeler.get<{ getAll: () => Element[]; getGraphics: (element: Element) => unknown }>('elementRegistry');
    const factory = this.modeler.get<{ update: (kind: string, element: unknown, graphics: unknown) => void }>('graphicsFactory');
    for (const element of registry.getAll()) {
      if (element === canvas._rootElement) continue;
      const kind = 'waypoints' in element ? 'connection' : 'shape';
      if ('x' in element || kind === 'connection') factory.update(kind, element, registry.getGraphics(element));
    }
  }
}
