// One request: a model that bpmn-engine walks, with the jobs that it waits for.
// Knows what has to be remembered of a request and in which order; the broker is the connector's.

import { EventEmitter } from 'node:events';

import { CallActivity, ServiceTask } from 'bpmn-elements';
import { Engine } from 'bpmn-engine';

import { FittingErrorEventDefinition } from './boundary.mjs';
import { failure } from './failure.mjs';
import { job, jobId } from './job.mjs';
import { Journal } from './journal.mjs';
import { CheckedLoop, collectionLoop, iterationOutput } from './loop.mjs';
import { conn, pm } from './moddle.mjs';
import { connectorOf } from './spelling.mjs';
import { dataOf, endangered, merge, tidy, writable } from './variables.mjs';

/** More than bpmn-engine's 50, since instances of a parallel loop wait for a broker and not for each other. */
const BATCH_SIZE = 1000;

/**
 * Emits `element` ({id, name, type}) for each element taken, `job` ({id, element}), `result` ({id, element, result}) and
 * `end` (the record) when it has completed or failed.
 */
export class Request extends EventEmitter {
  /** The bpmn-engine that walks the model. */
  engine;
  /** What a restart needs: everything but the engine's own state is kept here. */
  record;
  #connector;
  #journal;
  /** Jobs that wait for a result, by id. */
  #open = new Map();
  #seen = new Set();

  /** `record` is that of an earlier process, or one that `beginning` made. */
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

  /** Starts, or goes on where an earlier process was. */
  async start() {
    const { state } = this.record;
    if (state) await this.engine.recover(state).resume();
    else await this.engine.execute();
    await this.#journal.commit();
  }

  /** Ends with an error that is not an element's. */
  fail(error) {
    this.#end('failed', error);
  }

  /** Takes a result for a job of this request; resolves when it need not be delivered again. */
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

  /** Tells the workers about jobs that were taken back before a crash. */
  repeatCancels() {
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
        ErrorEventDefinition: FittingErrorEventDefinition,
        MultiInstanceLoopCharacteristics: CheckedLoop,
      },
      extensions: { ...extensions, dataConnector: (activity) => this.#extend(activity) },
      extendFn: (behaviour, context) => ({ ...extendFn?.(behaviour, context), ...marked(behaviour) }),
    });
  }

  /** What bpmn-engine asks for each element when it is created: connectors get a service, all keep the data tidy. */
  #extend(activity) {
    const connector = activity.behaviour?.dataConnector;
    if (connector) {
      const service = {
        execute: (message, callback) => this.#execute(activity, message.content, callback),
        // By the message's execution: bpmn-engine hands the calls of all instances of a loop to the last one's service.
        discard: ({ content }) => this.#cancel(content.executionId),
        stop: ({ content }) => this.#stop(content.executionId),
      };
      activity.behaviour.Service = function Service() {
        return service;
      };
    }
    let output;
    return {
      activate: () => {
        tidy(activity.environment, this.record.saved);
        if (connector?.loop?.output !== undefined) output ??= this.#collect(activity, connector.loop.output);
      },
      deactivate: () => {
        output?.cancel();
        output = undefined;
      },
    };
  }

  /** Writes a loop's result when all instances are done, before the flows behind it are judged. */
  #collect(activity, name) {
    const onCompleted = (_, { content }) => {
      merge(activity, writable({ [name]: [...(content.output ?? [])] }), this.record.saved);
    };
    return activity.broker.subscribeTmp('event', 'activity.execution.completed', onCompleted, { noAck: true });
  }

  #execute(activity, content, callback) {
    const { engineName, asDeployed } = this.#connector;
    const id = jobId(engineName, this.id, activity.id, content.executionId);
    this.#open.set(id, { activity, content, callback });
    const { batchSize } = activity.environment.settings;
    this.record.jobs[id] ??= job({ id, engine: engineName, request: this, activity, content, asDeployed, batchSize });
    this.#connector.expect(id, this);
    this.emit('job', { id, element: activity.id });
    this.#journal.commit().then(() => {
      if (this.#open.has(id)) this.#connector.publishJob(id, this.record.jobs[id]);
    });
  }

  #merged(activity, content, data) {
    const { loop } = activity.behaviour.dataConnector;
    const result = writable(data);
    if (loop && content.isMultiInstance) return iterationOutput({ content, loop, result });
    merge(activity, result, this.record.saved);
    return result;
  }

  #cancel(executionId) {
    for (const [id, { content }] of this.#open) {
      if (content.executionId === executionId) this.#takeBack(id);
    }
  }

  /** An engine that is stopped can be resumed and keeps its jobs; an element that is stopped has been left. */
  #stop(executionId) {
    if (!this.engine.stopped) this.#cancel(executionId);
  }

  #takeBack(id) {
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
    this.#connector.forget(id);
  }

  #watch() {
    const on = (pattern, listener) => {
      this.engine.broker.subscribeTmp('event', pattern, (_, { content }) => listener(content), { noAck: true });
    };
    // By the model, since an event that has caught something carries the type of what it caught.
    const isBoundary = ({ id }) => Boolean(this.engine.execution?.getActivityById(id)?.attachedTo);
    // A boundary event is entered with its element, and taken only when it ends.
    on('activity.enter', (content) => !isBoundary(content) && this.#take(content));
    on('activity.end', (content) => isBoundary(content) && this.#take(content));
    // Waiting may take days; a restart goes on waiting.
    on('activity.wait', () => this.#journal.commit());
    on('activity.timer', () => this.#journal.commit());
    on('engine.end', () => this.#end('completed'));
    // Not `engine.error`: bpmn-engine emits its error event only when nobody listens there.
    on('definition.error', ({ error }) => this.#end('failed', error));
    on('engine.stop', () => this.#leave());
  }

  #take({ id, name, type, executionId }) {
    if (this.#seen.has(executionId)) return;
    this.#seen.add(executionId);
    this.record.path.push({ id, execution: executionId });
    this.emit('element', { id, name, type });
  }

  #end(status, error) {
    const { record } = this;
    if (record.status !== 'running') return;
    for (const id of [...this.#open.keys()]) this.#takeBack(id);
    record.status = status;
    record.after = dataOf(this.engine.execution, record.saved);
    if (error) record.error = describe(error);
    this.#journal.commit().then(() => {
      this.#connector.ended(this);
      this.emit('end', record);
    });
  }

  /** The engine was stopped, to be resumed by another process: its jobs stay where they are. */
  #leave() {
    for (const id of this.#open.keys()) this.#connector.forget(id);
    this.#open.clear();
    this.#connector.left(this);
  }

  #snapshot() {
    const { record } = this;
    // What has ended is kept without the means to go on.
    if (record.status !== 'running') return { ...record, jobs: {}, state: undefined };
    return { ...record, state: this.engine.execution?.getState() };
  }
}

/** The record of a request that has not begun. */
export function beginning({ requestId, name, version, data }) {
  const before = structuredClone(data);
  const saved = endangered(before);
  return { request: requestId, name, version, status: 'running', before, saved, path: [], jobs: {}, cancels: [] };
}

/** What a connector's element carries with it; plain data, since bpmn-engine stores it with its state. */
function marked(behaviour) {
  const connector = connectorOf(behaviour);
  if (!connector) return undefined;
  const loop = collectionLoop(behaviour.loopCharacteristics);
  return { dataConnector: loop ? { ...connector, loop } : connector };
}

/** ProcessMaker's call-activity form is a call of ours, not of another process. */
function callActivity(definition, context) {
  const kind = definition.behaviour.dataConnector ? ServiceTask : CallActivity;
  return kind(definition, context);
}

function describe(error) {
  const { code, element, job: id, details } = error.inner ?? error;
  return { message: error.message, code, element: element ?? error.source?.content?.id, job: id, details };
}
