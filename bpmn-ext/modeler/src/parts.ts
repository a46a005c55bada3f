// The parts that pages without a diagram use as well. Imports nothing of bpmn-js.

export { answerTree, pathOf, variableFor, type AnswerNode } from './answer/json';
export { connectorOf, findConnector, findResource, templateVariables } from './host/record';
export type * from './host/types';
export { AnswerTree } from './view/answer-tree';
export { Body } from './view/body';
export { copyText, saveFile } from './view/copy';
export { Exchange, Headers, requestText, type ExchangeTab } from './view/exchange';
export { SampleDataError, Send, type SendProps } from './view/send';
export { isAlert, isReading, sizeOf, statusLine, statusOf } from './view/words';
