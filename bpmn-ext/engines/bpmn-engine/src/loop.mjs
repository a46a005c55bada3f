// Connectors in loops: translates BPMN's collections to bpmn-engine's loops, and gives the data and the output of an
// iteration (COMPATIBILITY 2.4). Knows loops; must not know jobs or brokers.

import { MultiInstanceLoopCharacteristics } from 'bpmn-elements';

/** The member of an iteration's message that holds its item; bpmn-engine does not use this name. */
const ITEM = 'dataConnectorItem';

/**
 * `{item?, output?, outputItem?}` of a multi-instance connector, by name. Changes the loop so that bpmn-engine, which
 * reads collections from vendors' attributes only, takes them from the BPMN elements.
 */
export function collectionLoop(loopCharacteristics) {
  if (loopCharacteristics?.type !== 'bpmn:MultiInstanceLoopCharacteristics') return undefined;
  const { behaviour } = loopCharacteristics;
  const { loopDataInputRef, loopDataOutputRef, inputDataItem, outputDataItem } = behaviour;
  if (behaviour.collection === undefined && loopDataInputRef) {
    behaviour.collection = `\${environment.variables.${loopDataInputRef.name ?? loopDataInputRef.id}}`;
    behaviour.elementVariable = ITEM;
    behaviour.dataConnectorInput = loopDataInputRef.name ?? loopDataInputRef.id;
  }
  return {
    member: behaviour.elementVariable ?? 'item',
    item: inputDataItem?.name,
    output: loopDataOutputRef?.name,
    outputItem: outputDataItem?.name,
  };
}

/** bpmn-engine's multi-instance loop, which throws on a collection or a completion condition that it cannot use. */
export function CheckedLoop(activity, loopCharacteristics) {
  const loop = new MultiInstanceLoopCharacteristics(activity, loopCharacteristics);
  const execute = loop.execute.bind(loop);
  loop.execute = (message) => {
    check(activity, loopCharacteristics.behaviour);
    return execute(message);
  };
  return loop;
}

function check(activity, { dataConnectorInput, collection, completionCondition }) {
  if (dataConnectorInput !== undefined && !Array.isArray(activity.environment.resolveExpression(collection))) {
    throw new Error(`<${activity.id}> \`${dataConnectorInput}\`, the data that it loops over, is not a list`);
  }
  // bpmn-engine would evaluate any other text as true and stop after the first instance.
  if (completionCondition !== undefined && !String(completionCondition).includes('${')) {
    throw new Error(
      `<${activity.id}> the completion condition \`${completionCondition}\` is not one that bpmn-engine understands; ` +
        'write ${…}',
    );
  }
}

/** `{data, variables}` of the job of an iteration. */
export function iterationData({ content, loop, config, requestData, batchSize }) {
  const { [loop.member]: item, index, loopCardinality, isSequential } = content;
  const { _user, _request, _parent, ...parent } = requestData;
  const finished = isSequential ? index : index - (index % batchSize);
  return {
    data: itemData(item, loop.item),
    variables: {
      ...(_user !== undefined && { _user }),
      ...(_request !== undefined && { _request }),
      ...(config.withoutMIParentVariables !== true && { _parent: parent }),
      loopCounter: index + 1,
      numberOfInstances: loopCardinality,
      numberOfActiveInstances: isSequential ? 1 : Math.min(batchSize, loopCardinality - finished),
      numberOfCompletedInstances: finished,
    },
  };
}

/** The output of an iteration: the value of its output item, or all its data. */
export function iterationOutput({ content, loop, result }) {
  const data = { ...itemData(content[loop.member], loop.item), loopCounter: content.index + 1, ...result };
  return loop.outputItem === undefined ? data : (data[loop.outputItem] ?? null);
}

function itemData(item, name) {
  if (item === undefined) return {};
  if (name !== undefined) return { [name]: item };
  return typeof item === 'object' && !Array.isArray(item) ? { ...item } : {};
}
