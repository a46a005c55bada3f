// "Once per item": an activity's multi-instance loop with the data items it goes over (COMPATIBILITY 1.7).

import type { Change, Create, ModdleElement } from '../call/moddle';

/** How an element is repeated. `other`: in a way that is shown and kept, but not edited here. */
export interface Loop {
  repeat: 'no' | 'sequential' | 'parallel' | 'other';
  /** The variable that holds the list. */
  list: string;
  /** The variable that holds an item while it is called for. */
  item: string;
  /** The variable that gets the list of results. */
  results: string;
}

const MULTI = 'bpmn:MultiInstanceLoopCharacteristics';

/** The loop of an activity. */
export function readLoop(of: ModdleElement): Loop {
  const loop = of.get('loopCharacteristics') as ModdleElement | undefined;
  const nameOf = (item: ModdleElement | undefined): string => item?.get('name') || item?.id || '';
  if (!loop) return { repeat: 'no', list: '', item: '', results: '' };
  if (loop.$type !== MULTI) return { repeat: 'other', list: '', item: '', results: '' };
  return {
    repeat: loop.get('isSequential') ? 'sequential' : 'parallel',
    list: nameOf(loop.get('loopDataInputRef')),
    item: nameOf(loop.get('inputDataItem')),
    results: nameOf(loop.get('loopDataOutputRef')),
  };
}

/** The changes that make a loop out of what an element has; what else the loop holds stays. */
export function writeLoop(of: ModdleElement, wanted: Loop, create: Create): Change[] {
  const loop = of.get('loopCharacteristics') as ModdleElement | undefined;
  if (wanted.repeat === 'other') return [];
  if (wanted.repeat === 'no') return loop ? without(of, loop) : [];
  const isNew = loop?.$type !== MULTI;
  const target = isNew ? create(MULTI) : (loop as ModdleElement);
  if (isNew) target.$parent = of;
  const changes: Change[] = isNew ? [{ target: of, properties: { loopCharacteristics: target } }] : [];
  const current = isNew ? undefined : readLoop(of);
  const properties: Change['properties'] = { isSequential: wanted.repeat === 'sequential' };
  if (wanted.list !== current?.list) {
    properties['loopDataInputRef'] = collection(of, target, 'input', wanted.list, create, changes);
  }
  if (wanted.results !== current?.results) {
    properties['loopDataOutputRef'] = collection(of, target, 'output', wanted.results, create, changes);
  }
  if (wanted.item !== current?.item) item(of, target, wanted.item, create, properties, changes);
  return [...changes, { target, properties }];
}

/** The collection's data item, made or renamed; undefined for an empty name. */
function collection(
  of: ModdleElement, loop: ModdleElement, side: 'input' | 'output', name: string, create: Create, changes: Change[],
): ModdleElement | undefined {
  const [list, refs, set, type] = side === 'input'
    ? ['dataInputs', 'dataInputRefs', 'inputSets', 'bpmn:DataInput'] as const
    : ['dataOutputs', 'dataOutputRefs', 'outputSets', 'bpmn:DataOutput'] as const;
  const present = loop.get(side === 'input' ? 'loopDataInputRef' : 'loopDataOutputRef') as ModdleElement | undefined;
  if (present?.$type === type) {
    if (name !== '') changes.push({ target: present, properties: { name } });
    return name === '' ? undefined : present;
  }
  if (name === '') return undefined;
  const specification = ioSpecification(of, create, changes);
  const data = create(type, { id: `${of.id}_${side}_1`, name, isCollection: true });
  data.$parent = specification;
  const sets = (specification.get(set) ?? []) as ModdleElement[];
  changes.push({ target: specification, properties: { [list]: [...(specification.get(list) ?? []), data] } });
  const first = sets[0];
  if (first) changes.push({ target: first, properties: { [refs]: [...(first.get(refs) ?? []), data] } });
  return data;
}

function item(
  of: ModdleElement, loop: ModdleElement, name: string, create: Create, properties: Change['properties'], changes: Change[],
): void {
  const present = loop.get('inputDataItem') as ModdleElement | undefined;
  if (name === '') properties['inputDataItem'] = undefined;
  else if (present) changes.push({ target: present, properties: { name } });
  else {
    const data = create('bpmn:DataInput', { id: `${of.id}_item`, name });
    data.$parent = loop;
    properties['inputDataItem'] = data;
  }
}

/** BPMN requires one input set and one output set. A specification that is made stands in `changes` already. */
function ioSpecification(of: ModdleElement, create: Create, changes: Change[]): ModdleElement {
  const made = changes.find(({ target, properties }) => target === of && 'ioSpecification' in properties);
  const present = (made?.properties['ioSpecification'] ?? of.get('ioSpecification')) as ModdleElement | undefined;
  if (present) return present;
  const [inputs, outputs] = [create('bpmn:InputSet'), create('bpmn:OutputSet')];
  const specification = create('bpmn:InputOutputSpecification', { dataInputs: [], dataOutputs: [], inputSets: [inputs], outputSets: [outputs] });
  for (const child of [inputs, outputs]) child.$parent = specification;
  specification.$parent = of;
  changes.push({ target: of, properties: { ioSpecification: specification } });
  return specification;
}

/** Takes the loop and the data items that only it used away. */
function without(of: ModdleElement, loop: ModdleElement): Change[] {
  const specification = of.get('ioSpecification') as ModdleElement | undefined;
  const gone = [loop.get('loopDataInputRef'), loop.get('loopDataOutputRef')].filter(Boolean);
  const changes: Change[] = [{ target: of, properties: { loopCharacteristics: undefined } }];
  if (!specification) return changes;
  const rest = (of: ModdleElement, list: string): ModdleElement[] => (of.get(list) ?? []).filter((item: ModdleElement) => !gone.includes(item));
  const [inputs, outputs] = [rest(specification, 'dataInputs'), rest(specification, 'dataOutputs')];
  if (inputs.length + outputs.length === 0) {
    changes[0] = { target: of, properties: { loopCharacteristics: undefined, ioSpecification: undefined } };
    return changes;
  }
  changes.push({ target: specification, properties: { dataInputs: inputs, dataOutputs: outputs } });
  for (const [sets, refs] of [['inputSets', 'dataInputRefs'], ['outputSets', 'dataOutputRefs']] as const) {
    for (const set of specification.get(sets) ?? []) changes.push({ target: set, properties: { [refs]: rest(set, refs) } });
  }
  return changes;
}
