// What is before an element, loops, and who catches what.

import { describe, expect, test } from 'vitest';

import { catcherOf } from '../src/flow/errors';
import { readLoop, writeLoop } from '../src/flow/loop';
import { variablesOf } from '../src/flow/variables';
import { Model, taskXml } from './models';

const connector = (id: string, output: string, more = ''): string => `
  <b:serviceTask id="${id}" name="Task ${id}"><b:extensionElements><x:dataConnector connector="c" resource="r">
    <x:output variable="${output}"/></x:dataConnector></b:extensionElements>${more}</b:serviceTask>`;
const flow = (from: string, to: string): string => `<b:sequenceFlow id="${from}-${to}" sourceRef="${from}" targetRef="${to}"/>`;
const definitions = (content: string): string => `<b:definitions xmlns:b="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:x="urn:data-connector:bpmn:1">
  <b:process id="p">${content}</b:process><b:error id="e" errorCode="GONE"/></b:definitions>`;
const names = (model: Model, id: string): string[] =>
  variablesOf(model.element(id), { data: { start: 1 }, mapped: () => undefined }).map(({ name, origin }) => `${name} (${origin})`);

/** bpmn-moddle does not fill `incoming` from flows, bpmn-js and files do. */
async function wired(xml: string): Promise<Model> {
  const model = await Model.of(xml);
  for (const edge of Object.values(model.byId).filter((element) => element.$type === 'bpmn:SequenceFlow')) {
    edge.get('targetRef').get('incoming').push(edge);
  }
  return model;
}

describe('variables', () => {
  test('only what comes before can have been set', async () => {
    const model = await wired(definitions(
      connector('a', 'x') + connector('b', 'y') + connector('c', 'z') + flow('a', 'b') + flow('b', 'c')));
    expect(names(model, 'b')).toEqual(['x (Task a)', 'start (sample data)']);
    expect(names(model, 'c')).toEqual(['y (Task b)', 'x (Task a)', 'start (sample data)']);
  });

  test('a cycle, a boundary event and a sub-process lead back', async () => {
    const model = await wired(definitions(
      `${connector('a', 'x')}<b:boundaryEvent id="caught" attachedToRef="a"><b:errorEventDefinition/></b:boundaryEvent>${connector('b', 'y')}
      <b:subProcess id="s">${connector('inner', 'i')}</b:subProcess>${connector('after', 'z')}`
      + flow('caught', 'b') + flow('b', 's') + flow('s', 'after')));
    expect(names(model, 'b')).toEqual(['x (Task a)', 'start (sample data)']);
    expect(names(model, 'inner')).toEqual(['y (Task b)', 'x (Task a)', 'start (sample data)']);
    expect(names(model, 'after')).toEqual(['i (Task inner)', 'y (Task b)', 'x (Task a)', 'start (sample data)']);
    const cycle = await wired(definitions(connector('a', 'x') + connector('b', 'y') + flow('a', 'b') + flow('b', 'a')));
    expect(names(cycle, 'a')).toEqual(['y (Task b)', 'start (sample data)']);
  });
});

describe('once per item', () => {
  test('a loop is written as BPMN has it, read back, and taken away', async () => {
    const model = await Model.of(taskXml('name="T"'));
    const wanted = { repeat: 'parallel', list: 'orders', item: 'order', results: 'answers' } as const;
    model.apply(writeLoop(model.element('t'), wanted, model.create));
    const xml = await model.xml();
    expect(xml).toContain('<b:dataInput id="t_input_1" name="orders" isCollection="true" />');
    expect(xml).toContain('<b:dataInputRefs>t_input_1</b:dataInputRefs>');
    expect(xml).toContain('<b:loopDataInputRef>t_input_1</b:loopDataInputRef>');
    expect(xml).toContain('<b:loopDataOutputRef>t_output_1</b:loopDataOutputRef>');
    const again = await Model.of(xml);
    expect(again.warnings).toEqual([]);
    expect(readLoop(again.element('t'))).toEqual(wanted);
    again.apply(writeLoop(again.element('t'), { ...wanted, repeat: 'sequential', list: 'others' }, again.create));
    expect(await again.xml()).toContain('isSequential="true"');
    expect(await again.xml()).toContain('<b:dataInput id="t_input_1" name="others" isCollection="true" />');
    again.apply(writeLoop(again.element('t'), { ...wanted, repeat: 'no' }, again.create));
    expect(await again.xml()).not.toMatch(/ioSpecification|LoopCharacteristics/);
  });

  test("ProcessMaker's loops keep their conditions", async () => {
    const model = await Model.shared('loops');
    expect(readLoop(model.element('parallel'))).toEqual({ repeat: 'parallel', list: 'orders', item: 'order', results: '' });
    model.apply(writeLoop(model.element('parallel'), { repeat: 'sequential', list: 'orders', item: 'o', results: '' }, model.create));
    expect(await model.xml()).toMatch(/isSequential="true"[^]*name="o"[^]*numberOfCompletedInstances/);
    expect(readLoop(model.element('standard')).repeat).toBe('other');
  });
});

describe('errors', () => {
  test('the event with the code catches, else one that catches any, else one further out', async () => {
    const model = await Model.of(definitions(`<b:subProcess id="s">${connector('a', 'x')}
      <b:boundaryEvent id="gone" attachedToRef="a"><b:errorEventDefinition errorRef="e"/></b:boundaryEvent></b:subProcess>
      <b:boundaryEvent id="any" attachedToRef="s"><b:errorEventDefinition/></b:boundaryEvent>`));
    expect(catcherOf(model.element('a'), 'GONE')?.id).toBe('gone');
    expect(catcherOf(model.element('a'), 'OTHER')?.id).toBe('any');
    expect(catcherOf((await Model.of(definitions(connector('a', 'x')))).element('a'), 'OTHER')).toBeUndefined();
  });
});
