import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { test } from 'node:test';

import { definitions, flow, line, loop, single, task } from './models.mjs';
import { testApp, until } from './test-app.mjs';
import { files, startWalk } from './walk-process.mjs';

const two = definitions(line('a', 'b') + task('a') + task('b'));

/** Every job that arrived, once for each id; fails when one id came with two contents. */
function unique(jobs) {
  const bodies = new Map();
  for (const job of jobs) {
    const body = JSON.stringify(job);
    assert.equal(bodies.get(job.id) ?? body, body, 'a job that is published again is byte for byte the same');
    bodies.set(job.id, body);
  }
  return [...bodies.keys()];
}

test('an engine that is killed resumes with the same jobs', async (t) => {
  const app = await testApp(t);
  const { model, data, state } = await files(app, two, { n: 1 });
  const args = [model, '--data', data, '--state', state, '--json'];
  app.worker.answer = ({ element }) => (element.id === 'a' ? { data: { a: 1 } } : undefined);
  const killed = startWalk(app, ...args);
  await until(() => app.worker.jobs.length === 2);
  killed.kill();
  assert.equal((await killed.done).signal, 'SIGKILL');

  app.worker.answer = ({ element }) => ({ data: { [element.id]: 2 } });
  const resumed = await startWalk(app, ...args).done;
  assert.equal(resumed.code, 0, resumed.errors);
  assert.deepEqual(JSON.parse(resumed.lines.at(-1)), {
    model: 'model.bpmn',
    engine: 'bpmn-engine',
    broker: 'rabbitmq',
    before: { n: 1 },
    after: { n: 1, a: 1, b: 2 },
    path: ['start', 'a', 'b', 'end'],
  });
  assert.deepEqual(app.worker.jobs.map(({ element }) => element.id), ['a', 'b', 'b']);
  assert.equal(unique(app.worker.jobs).length, 2);
});

test('an engine that is killed before its job was routed publishes it after the restart', async (t) => {
  const app = await testApp(t, { worker: false });
  const { model, data, state } = await files(app, single({}), {});
  const args = [model, '--data', data, '--state', state];
  const killed = startWalk(app, ...args);
  await until(async () => (await readdir(state).catch(() => [])).some((name) => name.startsWith('request-')));
  killed.kill();
  await killed.done;
  await app.startWorker();
  assert.equal((await startWalk(app, ...args).done).code, 0);
  assert.equal(app.worker.jobs.length, 1);
});

test('a loop that is interrupted keeps its outputs', async (t) => {
  for (const sequential of [false, true]) {
    const app = await testApp(t);
    const lines = Array.from({ length: 8 }, (_, n) => n);
    const { model, data, state } = await files(app, single({ loop: loop({ sequential }) }), { lines });
    const args = [model, '--data', data, '--state', state, '--json'];
    app.worker.answer = (job) => (job.data.line % 4 === 3 ? undefined : { data: { answer: `first ${job.data.line}` } });
    const killed = startWalk(app, ...args);
    await until(() => app.worker.jobs.length === (sequential ? 4 : 8));
    // Until its results are stored and acknowledged.
    await until(async () => (await app.messages('results.default')) === 0);
    await new Promise((resolve) => setTimeout(resolve, 500));
    killed.kill();
    await killed.done;

    app.worker.answer = (job) => ({ data: { answer: `second ${job.data.line}` } });
    const { code, lines: printed, errors } = await startWalk(app, ...args).done;
    assert.equal(code, 0, errors);
    const { after } = JSON.parse(printed.at(-1));
    const when = (n) => (n % 4 === 3 || (sequential && n > 3) ? 'second' : 'first');
    assert.deepEqual(after.answers, lines.map((n) => `${when(n)} ${n}`));
    assert.equal(unique(app.worker.jobs).length, 8);
  }
});

test('a job that is published again does not contain newer data', async (t) => {
  const app = await testApp(t);
  const source = definitions(
    `<startEvent id="start" />${flow('start', 'a')}${flow('start', 'b')}${task('a')}${task('b')}
     <parallelGateway id="join" />${flow('a', 'join')}${flow('b', 'join')}<endEvent id="end" />${flow('join', 'end')}`,
  );
  const { model, data, state } = await files(app, source, { n: 1 });
  const args = [model, '--data', data, '--state', state, '--json'];
  app.worker.answer = ({ element }) => (element.id === 'b' ? { data: { b: 1 } } : undefined);
  const killed = startWalk(app, ...args);
  await until(() => app.worker.jobs.length === 2);
  await new Promise((resolve) => setTimeout(resolve, 500));
  killed.kill();
  await killed.done;
  app.worker.answer = ({ element }) => ({ data: { [element.id]: 2 } });
  const { lines } = await startWalk(app, ...args).done;
  assert.deepEqual(JSON.parse(lines.at(-1)).after, { n: 1, a: 2, b: 1 });
  assert.equal(unique(app.worker.jobs).length, 2);
});

test('a result that arrives while the engine is down is used when its request resumes', async (t) => {
  const app = await testApp(t);
  const { model, data, state } = await files(app, single({}), {});
  const args = [model, '--data', data, '--state', state, '--json'];
  app.worker.answer = () => undefined;
  const killed = startWalk(app, ...args);
  await until(() => app.worker.jobs.length === 1);
  killed.kill();
  await killed.done;

  await app.result(app.worker.jobs[0], { data: { while: 'down' } });
  // The job is not answered again, so the result in the queue must be used.
  const { code, lines, errors } = await startWalk(app, ...args).done;
  assert.equal(code, 0, errors);
  assert.deepEqual(JSON.parse(lines.at(-1)).after, { while: 'down' });
});

test('a request that has ended is reported and not run again', async (t) => {
  const app = await testApp(t);
  const { model, data, state } = await files(app, two, [{ n: 1 }, { n: 2 }, { n: 3 }]);
  const args = [model, '--data', data, '--state', state, '--instances', '3'];
  const error = { code: 'HTTP_404', message: 'm', attempts: [] };
  app.worker.answer = (job) => (job.data.n === 2 ? { error } : { data: { [job.element.id]: job.data.n } });
  const first = await startWalk(app, ...args).done;
  const again = await startWalk(app, ...args).done;
  assert.equal(first.code, 1);
  assert.equal(again.code, 1);
  assert.deepEqual(again.lines.sort(), first.lines.sort());
  assert.equal(app.worker.jobs.length, 5);

  const other = await startWalk(app, model, '--state', state).done;
  assert.equal(other.code, 2);
  assert.match(other.errors, /holds 3 of model\.bpmn; take another directory/);
});

test('many instances that are killed three times all complete, each with its own data', async (t) => {
  const app = await testApp(t);
  const all = Array.from({ length: 60 }, (_, n) => ({ n }));
  const { model, data, state } = await files(app, two, all);
  const args = [model, '--data', data, '--state', state];
  app.worker.answer = async (job) => {
    await new Promise((resolve) => setTimeout(resolve, 20 * (job.data.n % 7)));
    return { data: { [job.element.id]: job.data.n } };
  };
  for (const jobs of [10, 40, 80]) {
    const killed = startWalk(app, ...args);
    await until(() => new Set(app.worker.jobs.map(({ id }) => id)).size >= jobs);
    killed.kill();
    await killed.done;
  }
  const { code, lines, errors } = await startWalk(app, ...args).done;
  assert.equal(code, 0, errors);
  const after = lines.map((text) => JSON.parse(text).after).sort((x, y) => x.n - y.n);
  assert.deepEqual(after, all.map(({ n }) => ({ n, a: n, b: n })));
  assert.equal(unique(app.worker.jobs).length, 120);
});
