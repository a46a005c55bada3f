// One request: a model that bpmn-engine runs, with the jobs whose results it waits for.
// Knows what is stored of a request and in which order; must not know the broker.

import { EventEmitter } from 'node:events';

import { CallActivity, ServiceTask } from 'bpmn-elements';
import { Engine } from 'bpmn-engine';

import { BestMatchErrorEventDefinition } from './boundary.mjs';
import { failure } from './failure.mjs';
import { job, jobId } from './job.mjs';
import { Journal } from './journal.mjs';
import { CheckedLoop, collectionLoop, iterationOutput } from './loop.mjs';
import { conn, pm } from './moddle.mjs';
import { connectorOf } from './dialect.mjs';
import { dataOf, overwrittenVariables, merge, restoreVariables, withoutReserved } from './variables.mjs';

/** More than bpmn-engine's default of 50, since the instances of a parallel loop only wait for results. */
const BATCH_SIZE = 1000;

/**
 * Emits `element` ({id, name, type}) for each element entered, `job` ({id, element}), `result` ({id, element, result}) and
 * `end` (the record) when it has completed or failed.
 */
export class Request extends EventEmitter {
  /** The bpmn-engine that runs the model. */
  engine;
  /** What is stored for a restart, except for the engine's own state. */
  record;
  #connector;
  #journal;
  /** Jobs without a result, by id. */
  #open = new Map();
  #seen = new Set();

  /** `record` is that of an earlier process, or a new one from `newRecord`. */
  constructor(connector, record, engineOptions) {
    super();
    this.#connector = connector;
    this.record = record;
    const { store, warn } = connector;
    this.#journal = new Journal(store && (() => store.save(record.request, this.#snapshot())), warn);
    for (const { execution } of record.path) this.#seen.add(execution);
    this.engine = this.#createEngine(engineOptions);
    this.#watch();
  }

  get id() {
    return this.record.request;
  }

  get version() {
    return this.record.version;
  }

  /** Starts the engine, or resumes it from the stored state. */
  async start() {
    const { state } = this.record;
    if (state) await this.engine.recover(state).resume();
    else await this.engine.execute();
    await this.#journal.commit();
  }

  /** Ends the request with an error that no element has thrown. */
  fail(error) {
    this.#end('failed', error);
  }

  /** Handles the result of a job of this request; resolves when it can be acknowledged. */
  async settle(id, result) {
    const open = this.#open.get(id);
    if (!open) return;
    this.#forget(id);
    const { activity, content, callback } = open;
    this.emit('result', { id, element: activity.id, result });
    if (result.status === 'completed') callback(null, this.#merged(activity, content, result.data));
    else callback(failure({ activity, id, result }));
    await this.#journal.commit();
  }

  /** Publishes again the cancellations that were not confirmed before a crash. */
  republishCancels() {
    for (const id of this.record.cancels) this.#publishCancel(id);
  }

  #createEngine(options) {
    const { extensions, moddleOptions, elements, settings, extendFn, data, ...others } = options;
    return new Engine({
      ...others,
      variables: structuredClone(this.record.before),
      settings: { batchSize: BATCH_SIZE, ...settings },
      moddleOptions: { ...moddleOptions, conn, pm },
      elements: {
        ...elements,
        CallActivity: callActivity,
        ErrorEventDefinition: BestMatchErrorEventDefinition,
        MultiInstanceLoopCharacteristics: CheckedLoop,
      },
      extensions: { ...extensions, dataConnector: (activity) => this.#extend(activity) },
      extendFn: (behaviour, context) => ({ ...extendFn?.(behaviour, context), ...connectorBehaviour(behaviour) }),
    });
  }

  /** bpmn-engine's extension for each element: connectors get a service, and all restore the request's data. */
  #extend(activity) {
    const connector = activity.behaviour?.dataConnector;
    if (connector) {
      const service = {
        execute: (message, callback) => this.#execute(activity, message.content, callback),
        // By the execution in the message: bpmn-engine calls the service of the last instance for all instances of a loop.
        discard: ({ content }) => this.#cancelExecution(content.executionId),
        stop: ({ content }) => this.#stop(content.executionId),
      };
      activity.behaviour.Service = function Service() {
        return service;
      };
    }
    let output;
    return {
      activate: () => {
        restoreVariables(activity.environment, this.record.saved);
        if (connector?.loop?.output !== undefined) output ??= this.#collectOutput(activity, connector.loop.output);
      },
      deactivate: () => {
        output?.cancel();
        output = undefined;
      },
    };
  }

  /** Writes the output of a loop when all instances have ended, before the conditions of outgoing flows are evaluated. */
  #collectOutput(activity, name) {
    const onCompleted = (_, { content }) => {
      merge(activity, withoutReserved({ [name]: [...(content.output ?? [])] }), this.record.saved);
    };
    return activity.broker.subscribeTmp('event', 'activity.execution.completed', onCompleted, { noAck: true });
  }

  #execute(activity, content, callback) {
    const { engineName, omitConfig } = this.#connector;
    const id = jobId(engineName, this.id, activity.id, content.executionId);
    this.#open.set(id, { activity, content, callback });
    const { batchSize } = activity.environment.settings;
    this.record.jobs[id] ??= job({ id, engine: engineName, request: this, activity, content, omitConfig, batchSize });
    this.#connector.awaitResult(id, this);
    this.emit('job', { id, element: activity.id });
    this.#journal.commit().then(() => {
      if (this.#open.has(id)) this.#connector.publishJob(id, this.record.jobs[id]);
    });
  }

  #merged(activity, content, data) {
    const { loop } = activity.behaviour.dataConnector;
    const result = withoutReserved(data);
    if (loop && content.isMultiInstance) return iterationOutput({ content, loop, result });
    merge(activity, result, this.record.saved);
    return result;
  }

  #cancelExecution(executionId) {
    for (const [id, { content }] of this.#open) {
      if (content.executionId === executionId) this.#cancelJob(id);
    }
  }

  /** Cancels the job of an element that is stopped; the jobs of a stopped engine stay, since it can be resumed. */
  #stop(executionId) {
    if (!this.engine.stopped) this.#cancelExecution(executionId);
  }

  #cancelJob(id) {
    this.#forget(id);
    this.record.cancels.push(id);
    this.#publishCancel(id);
    this.#journal.commit();
  }

  #publishCancel(id) {
    this.#connector.publishCancel(id, () => {
      this.record.cancels = this.record.cancels.filter((other) => other !== id);
      this.#journal.commit();
    });
  }

  #forget(id) {
    this.#open.delete(id);
    delete this.record.jobs[id];
    this.#connector.forgetJob(id);
  }

  #watch() {
    const on = (pattern, listener) => {
      this.engine.broker.subscribeTmp('event', pattern, (_, { content }) => listener(content), { noAck: true });
    };
    // By the model, since the message of an event that has caught something has the type of what it caught.
    const isBoundary = ({ id }) => Boolean(this.engine.execution?.getActivityById(id)?.attachedTo);
    // A boundary event is entered together with its element; it is part of the path only when it ends.
    on('activity.enter', (content) => !isBoundary(content) && this.#addToPath(content));
    on('activity.end', (content) => isBoundary(content) && this.#addToPath(content));
    // Waiting can take days, so it is stored.
    on('activity.wait', () => this.#journal.commit());
    on('activity.timer', () => this.#journal.commit());
    on('engine.end', () => this.#end('completed'));
    // Not `engine.error`: with a listener there, bpmn-engine would not emit its error event.
    on('definition.error', ({ error }) => this.#end('failed', error));
    on('engine.stop', () => this.#detach());
  }

  #addToPath({ id, name, type, executionId }) {
    if (this.#seen.has(executionId)) return;
    this.#seen.add(executionId);
    this.record.path.push({ id, execution: executionId });
    this.emit('element', { id, name, type });
  }

  #end(status, error) {
    const { record } = this;
    if (record.status !== 'running') return;
    for (const id of [...this.#open.keys()]) this.#cancelJob(id);
    record.status = status;
    record.after = dataOf(this.engine.execution, record.saved);
    if (error) record.error = describe(error);
    this.#journal.commit().then(() => {
      this.#connector.requestEnded(this);
      this.emit('end', record);
    });
  }

  /** The engine was stopped and can be resumed by another process, so its jobs are not cancelled. */
  #detach() {
    for (const id of this.#open.keys()) this.#connector.forgetJob(id);
    this.#open.clear();
    this.#connector.requestStopped(this);
  }

  #snapshot() {
    const { record } = this;
    // A request that has ended cannot be resumed, so its state is not stored.
    if (record.status !== 'running') return { ...record, jobs: {}, state: undefined };
    return { ...record, state: this.engine.execution?.getState() };
  }
}

/** The record of a new request. */
export function newRecord({ requestId, name, version, data }) {
  const before = structuredClone(data);
  const saved = overwrittenVariables(before);
  return { request: requestId, name, version, status: 'running', before, saved, path: [], jobs: {}, cancels: [] };
}

/** The connector as behaviour of its element; plain data, since bpmn-engine stores it with its state. */
function connectorBehaviour(behaviour) {
  const connector = connectorOf(behaviour);
  if (!connector) return undefined;
  const loop = collectionLoop(behaviour.loopCharacteristics);
  return { dataConnector: loop ? { ...connector, loop } : connector };
}

/** A call activity that ProcessMaker runs as a connector behaves as a service task. */
function callActivity(definition, context) {
  const kind = definition.behaviour.dataConnector ? ServiceTask : CallActivity;
  return kind(definition, context);
}

function describe(error) {
  const { code, element, job: id, details } = error.inner ?? error;
  return { message: error.message, code, element: element ?? error.source?.content?.id, job: id, details };
}
