// Reads models, edits them as the plug-in does, and writes them.

import { readFileSync } from 'node:fs';

import { BpmnModdle } from 'bpmn-moddle';

import type { Change, ModdleElement } from '../src/call/moddle';
import { editCall } from '../src/call/spelling';
import type { Edit } from '../src/call/types';
import { moddleExtensions } from '../src/moddle';

export class Model {
  readonly moddle: any;
  readonly byId: { [id: string]: ModdleElement };
  readonly warnings: string[];
  readonly #root: any;

  static async of(xml: string): Promise<Model> {
    const moddle = new BpmnModdle(moddleExtensions);
    return new Model(moddle, await moddle.fromXML(xml));
  }

  /** A model of `bpmn-ext/tests/models`. */
  static shared(name: string): Promise<Model> {
    return Model.of(sharedXml(name));
  }

  private constructor(moddle: any, read: any) {
    this.moddle = moddle;
    this.byId = read.elementsById;
    this.warnings = read.warnings.map(({ message }: { message: string }) => message);
    this.#root = read.rootElement;
  }

  element(id: string): ModdleElement {
    return this.byId[id] as ModdleElement;
  }

  create = (type: string, properties?: object): ModdleElement => this.moddle.create(type, properties);

  edit(id: string, ...edits: Edit[]): this {
    for (const edit of edits) this.apply(editCall(this.element(id), edit, this.create));
    return this;
  }

  apply(changes: Change[]): this {
    for (const { target, properties } of changes) {
      for (const [name, value] of Object.entries(properties)) target.set(name, value);
    }
    return this;
  }

  async xml(): Promise<string> {
    return (await this.moddle.toXML(this.#root, { format: true })).xml;
  }
}

export function sharedXml(name: string): string {
  return readFileSync(new URL(`../../tests/models/${name}.bpmn`, import.meta.url), 'utf8');
}

/** A model with one service task, whose start tag and content are given. */
export function taskXml(attributes: string, content = ''): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<b:definitions xmlns:b="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:p="http://processmaker.com/BPMN/2.0/Schema.xsd" xmlns:x="urn:data-connector:bpmn:1" xmlns:acme="urn:acme" id="d">
  <b:process id="p1">
    <b:serviceTask id="t" ${attributes}>${content}</b:serviceTask>
  </b:process>
</b:definitions>`;
}
