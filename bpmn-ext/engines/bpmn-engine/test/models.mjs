// Small models, as XML.

const NAMESPACES = [
  'xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"',
  'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"',
  'xmlns:conn="urn:data-connector:bpmn:1"',
  'xmlns:pm="http://processmaker.com/BPMN/2.0/Schema.xsd"',
].join(' ');

/** A definition of one process around flow elements; `roots` follow the process. */
export const definitions = (elements, roots = '') => `<?xml version="1.0" encoding="UTF-8"?>
<definitions ${NAMESPACES} id="definitions" targetNamespace="urn:test">
  <process id="process" isExecutable="true">
    ${elements}
  </process>
  ${roots}
</definitions>`;

/** A task with our extension. */
export const task = (id, { inside = '', loop = '' } = {}) => `
  <serviceTask id="${id}" name="Task ${id}">
    <extensionElements>
      <conn:dataConnector connector="Rates" resource="latest">${inside}</conn:dataConnector>
    </extensionElements>
    ${loop}
  </serviceTask>`;

/** Elements one after the other, from `start` to `end`. */
export const line = (...ids) =>
  `<startEvent id="start" /><endEvent id="end" />` +
  ['start', ...ids].map((id, i) => flow(id, ids[i] ?? 'end')).join('');

export const flow = (source, target, condition = '') =>
  `<sequenceFlow id="from_${source}_to_${target}" sourceRef="${source}" targetRef="${target}">${condition}</sequenceFlow>`;

/** `start`, one connector, `end`. */
export const single = (parts) => definitions(line('a') + task('a', parts));

/** A loop of a task: over the list `lines` into the list `answers`, by default. */
export function loop({ sequential = false, item = 'line', output = 'answer', before = '' } = {}) {
  return `
    <ioSpecification id="io">
      <dataInput id="io_input" name="lines" isCollection="true" />
      <dataOutput id="io_output" name="answers" isCollection="true" />
      <inputSet id="io_inputs"><dataInputRefs>io_input</dataInputRefs></inputSet>
      <outputSet id="io_outputs"><dataOutputRefs>io_output</dataOutputRefs></outputSet>
    </ioSpecification>
    <multiInstanceLoopCharacteristics isSequential="${sequential}">
      ${before}
      <loopDataInputRef>io_input</loopDataInputRef>
      <loopDataOutputRef>io_output</loopDataOutputRef>
      <inputDataItem id="item"${item ? ` name="${item}"` : ''} />
      <outputDataItem id="result"${output ? ` name="${output}"` : ''} />
    </multiInstanceLoopCharacteristics>`;
}
