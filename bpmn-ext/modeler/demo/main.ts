// A modeler with the plug-in and a host from a file of records, as a page without a server would have it.

import 'bpmn-js/dist/assets/diagram-js.css';
import 'bpmn-js/dist/assets/bpmn-js.css';
import 'bpmn-js/dist/assets/bpmn-font/css/bpmn.css';
import '@bpmn-io/properties-panel/dist/assets/properties-panel.css';
import '../src/style.css';
import './demo.css';

import BpmnModeler from 'bpmn-js/lib/Modeler';
import { BpmnPropertiesPanelModule, BpmnPropertiesProviderModule } from 'bpmn-js-properties-panel';
import { CreateAppendAnythingModule } from 'bpmn-js-create-append-anything';

import { DataConnectorModule, hostFromRecords, moddleExtensions, mountOutline, mountProblems, mountTry, type Host, type Modeler } from '../src/index';
import empty from './empty.bpmn?raw';
import records from './records.json';

const byId = (id: string): HTMLElement => document.getElementById(id) as HTMLElement;
const isDark = matchMedia('(prefers-color-scheme: dark)').matches;

/** A page can bring functions of its own, such as calls to a server. */
const { demoHost } = globalThis as unknown as { demoHost?: Partial<Host> };
const host = hostFromRecords(records as any, { queues: () => Promise.resolve(['default', 'slow']), ...demoHost });
const modeler = new BpmnModeler({
  container: '#canvas',
  propertiesPanel: { parent: '#properties' },
  additionalModules: [BpmnPropertiesPanelModule, BpmnPropertiesProviderModule, CreateAppendAnythingModule, DataConnectorModule],
  moddleExtensions,
  dataConnector: { host, sampleData: JSON.stringify({ currency: 'EUR', amount: 120 }, null, 2) },
  ...(isDark && { bpmnRenderer: { defaultFillColor: '#1d2127', defaultStrokeColor: '#c9d0da', defaultLabelColor: '#e6e9ee' } }),
} as any);

const plugged = modeler as unknown as Modeler;
mountOutline(plugged, byId('outline'));
mountProblems(plugged, byId('problems'));
mountTry(plugged, byId('try'));

async function open(xml: string): Promise<void> {
  try {
    await modeler.importXML(xml);
    byId('alert').textContent = '';
    modeler.get<any>('canvas').zoom('fit-viewport', 'auto');
  } catch (error) {
    byId('alert').textContent = `This file cannot be read. ${(error as Error).message}`;
  }
}

const stack = modeler.get<any>('commandStack');
const show = (): void => {
  (byId('undo') as HTMLButtonElement).disabled = !stack.canUndo();
  (byId('redo') as HTMLButtonElement).disabled = !stack.canRedo();
};
modeler.on('commandStack.changed', show);
byId('undo').addEventListener('click', () => stack.undo());
byId('redo').addEventListener('click', () => stack.redo());
byId('open').addEventListener('change', (event) => {
  const [file] = (event.target as HTMLInputElement).files ?? [];
  if (file) void file.text().then(open);
});
byId('download').addEventListener('click', async () => {
  const { xml } = await modeler.saveXML({ format: true });
  const url = URL.createObjectURL(new Blob([xml as string], { type: 'application/xml' }));
  Object.assign(document.createElement('a'), { href: url, download: 'model.bpmn' }).click();
  URL.revokeObjectURL(url);
});
void open(empty).then(show);
