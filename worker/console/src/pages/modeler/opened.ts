/** What the address names: a draft, an example, or a deployed version. */

import { get } from '../../api/client';
import type { Connector, Example } from '../../api/types';
import { fileOf } from '../../model/model';
import { texts } from '../../texts';
import { modelDraft, type ModelDraft } from './drafts';

export interface Opened {
  /** As it came, for "Discard changes"; null for what exists as a draft only. */
  original: ModelDraft | null;
  /** What is shown: the draft, where there is one. */
  current: ModelDraft;
  /** When the draft that is shown was kept. */
  restored: Date | null;
  /** Connectors of an example. */
  connectors: Partial<Connector>[];
}

export const EMPTY = `<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" id="definitions" targetNamespace="urn:data-connector:models">
  <bpmn:process id="process" name="New process" isExecutable="true">
    <bpmn:startEvent id="start" />
  </bpmn:process>
  <bpmndi:BPMNDiagram id="diagram">
    <bpmndi:BPMNPlane id="plane" bpmnElement="process">
      <bpmndi:BPMNShape id="start_shape" bpmnElement="start"><dc:Bounds x="180" y="160" width="36" height="36" /></bpmndi:BPMNShape>
    </bpmndi:BPMNPlane>
  </bpmndi:BPMNDiagram>
</bpmn:definitions>
`;

/** A draft of a file that was opened, or of a new model; it has no other place. */
export function freshDraft(xml: string, name: string): ModelDraft {
  return {
    id: crypto.randomUUID?.() ?? String(Date.now()),
    name,
    file: `${name.replace(/\.(bpmn|xml)$/i, '')}.bpmn`,
    xml,
    data: '{}',
    at: new Date().toISOString(),
  };
}

export async function open(query: Record<string, string>, signal: AbortSignal): Promise<Opened | null> {
  if (query.draft) {
    const kept = await modelDraft(query.draft);
    return kept ? { original: null, current: kept, restored: null, connectors: [] } : null;
  }
  const found = query.example
    ? await example(query.example, signal)
    : query.model
      ? await version(query.model, query.version ?? 'newest', signal)
      : null;
  if (!found) return null;
  const kept = await modelDraft(found.original.id);
  return { ...found, current: kept ?? found.original, restored: kept ? new Date(kept.at) : null };
}

async function example(name: string, signal: AbortSignal) {
  const { data } = await get<{ data: Example[] }>('/examples', { signal });
  const one = data.data.find((candidate) => candidate.name === name);
  if (!one) return null;
  const original = {
    id: `example ${name}`,
    name: one.title,
    file: `${name}.bpmn`,
    xml: one.model,
    data: JSON.stringify(one.data, null, 2),
    at: new Date().toISOString(),
  };
  return { original, connectors: one.connectors };
}

async function version(process: string, label: string, signal: AbortSignal) {
  const xml = await fileOf(process, label, signal);
  if (xml === null) throw new Error(texts.models.notKept);
  const original = {
    id: `model ${process} ${label}`,
    name: `${process} ${label}`,
    file: `${process}.bpmn`,
    xml,
    data: '{}',
    at: new Date().toISOString(),
  };
  return { original, connectors: [] };
}
