import 'bpmn-js/dist/assets/diagram-js.css';
import 'bpmn-js/dist/assets/bpmn-js.css';
import './diagram.css';

import NavigatedViewer from 'bpmn-js/lib/NavigatedViewer';
import { DataConnectorViewerModule, moddleExtensions } from 'bpmn-js-data-connector/viewer';
import { useEffect, useRef, useState } from 'preact/hooks';

import { Alert } from '../components/alert';
import { IconButton } from '../components/button';
import { theme } from '../frame/theme';
import { texts } from '../texts';
import { colors } from './colors';

const t = texts.models;

export interface ElementLink {
  element: string;
  text: string;
  /** What the eye sees. */
  short: string;
  href: string;
  bad: boolean;
}

interface DiagramProps {
  xml: string;
  label: string;
  links?: ElementLink[];
  /** Marked elements, with the class of their mark. */
  marks?: Record<string, string>;
  selected?: string;
}

interface Canvas {
  zoom: (to?: 'fit-viewport' | number, center?: 'auto') => number;
  addMarker: (element: string, marker: string) => void;
  scrollToElement: (element: string) => void;
}

interface Overlays {
  add: (element: string, type: string, overlay: { position: object; html: HTMLElement }) => string;
}

interface Registry {
  get: (element: string) => unknown;
}

/** A model to look at: dragged and zoomed, not changed. */
export function Diagram({ xml, label, links = [], marks = {}, selected }: DiagramProps) {
  const place = useRef<HTMLDivElement>(null);
  const viewer = useRef<InstanceType<typeof NavigatedViewer> | null>(null);
  const [error, setError] = useState<string | null>(null);
  const canvas = () => viewer.current?.get<Canvas>('canvas');
  const zoom = (factor: number) => canvas()?.zoom((canvas()?.zoom() ?? 1) * factor, 'auto');
  const fit = () => {
    canvas()?.zoom('fit-viewport', 'auto');
    zoom(0.92);
  };

  useEffect(() => {
    if (!place.current) return;
    const made = new NavigatedViewer({
      container: place.current,
      bpmnRenderer: colors(),
      additionalModules: [DataConnectorViewerModule],
      moddleExtensions,
    } as ConstructorParameters<typeof NavigatedViewer>[0]);
    viewer.current = made;
    let gone = false;
    made.importXML(xml).then(
      () => {
        if (gone) return;
        setError(null);
        fit();
        decorate(made, links, marks, selected);
      },
      (problem: unknown) => !gone && setError(problem instanceof Error ? problem.message : String(problem)),
    );
    return () => {
      gone = true;
      made.destroy();
    };
  }, [xml, JSON.stringify([links, marks, selected]), theme.value]);

  return (
    <section class="diagram" role="region" aria-label={label}>
      {error && <Alert what={`${t.unreadable} ${error}`} next={t.unreadableNext} />}
      <div class="diagram-canvas" ref={place} />
      <div class="diagram-zoom">
        <IconButton icon="plus" kind="quiet" label={t.zoomIn} onClick={() => zoom(1.25)} />
        <IconButton icon="minus" kind="quiet" label={t.zoomOut} onClick={() => zoom(0.8)} />
        <IconButton icon="maximize" kind="quiet" label={t.zoomFit} onClick={fit} />
      </div>
    </section>
  );
}

function decorate(
  viewer: InstanceType<typeof NavigatedViewer>,
  links: ElementLink[],
  marks: Record<string, string>,
  selected?: string,
): void {
  const registry = viewer.get<Registry>('elementRegistry');
  const canvas = viewer.get<Canvas>('canvas');
  const overlays = viewer.get<Overlays>('overlays');
  for (const link of links) {
    if (!registry.get(link.element)) continue;
    const anchor = document.createElement('a');
    anchor.href = link.href;
    anchor.className = link.bad ? 'element-link element-link-bad' : 'element-link';
    anchor.title = link.text;
    anchor.append(part(link.short, 'aria-hidden'), part(link.text, 'class'));
    overlays.add(link.element, 'jobs', { position: { bottom: 10, left: 6 }, html: anchor });
  }
  for (const [element, mark] of Object.entries(marks)) if (registry.get(element)) canvas.addMarker(element, mark);
  if (selected && registry.get(selected)) {
    canvas.addMarker(selected, 'element-selected');
    canvas.scrollToElement(selected);
  }
}

/** A part of a link: for the eye, or for screen readers alone. */
function part(text: string, kind: 'aria-hidden' | 'class'): HTMLElement {
  const span = document.createElement('span');
  span.textContent = text;
  span.setAttribute(kind, kind === 'class' ? 'hidden' : 'true');
  return span;
}
