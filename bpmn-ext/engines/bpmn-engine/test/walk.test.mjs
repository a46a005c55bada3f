import assert from 'node:assert/strict';
import { test } from 'node:test';

import { single } from './models.mjs';
import { testApp, until } from './test-app.mjs';
import { files, startWalk } from './walk-process.mjs';

const error = { code: 'HTTP_404', message: 'Unexpected response (status=404)', attempts: [] };

test('a run prints what happens', async (t) => {
  const app = await testApp(t);
  const { model, data } = await files(app, single({}), { n: 1 });
  app.worker.answer = () => ({ data: { rate: 1.08 } });
  const { code, lines, errors } = await startWalk(app, model, '--data', data, '--request', 'r-1').done;
  assert.equal(code, 0, errors);
  assert.deepEqual(lines, [
    'request r-1',
    '  start  [StartEvent start]',
    '  Task a  [ServiceTask a]',
    '    Task a: rate = 1.08',
    '  end  [EndEvent end]',
    'completed at end',
    'before: {"n":1}',
    'after:  {"n":1,"rate":1.08}',
  ]);
});

test('a run that fails reports it as text and as JSON', async (t) => {
  const app = await testApp(t);
  const { model } = await files(app, single({}), {});
  app.worker.answer = () => ({ error });
  const people = await startWalk(app, model).done;
  assert.equal(people.code, 1);
  assert.ok(people.lines.includes('    Task a: failed with HTTP_404'));
  assert.ok(people.lines.some((line) => line.startsWith('failed: Task a (a) failed with HTTP_404: Unexpected')));

  const programs = await startWalk(app, model, '--json').done;
  assert.equal(programs.code, 1);
  const { error: reported, path } = JSON.parse(programs.lines.at(-1));
  assert.equal(reported.code, 'HTTP_404');
  assert.equal(reported.element, 'a');
  assert.equal(reported.job, app.worker.jobs[1].id);
  assert.deepEqual(path, ['start', 'a']);
});

test('instances print one line each, with their own data', async (t) => {
  const app = await testApp(t);
  app.worker.answer = ({ data }) => (data.n === 2 ? { error } : { data: { twice: data.n * 2 } });
  const { model, data } = await files(app, single({}), [{ n: 1 }, { n: 2 }]);
  const { code, lines } = await startWalk(app, model, '--data', data, '--request', 'r').done;
  assert.equal(code, 1);
  const [one, two] = lines.map((line) => JSON.parse(line)).sort((x, y) => x.before.n - y.before.n);
  const [, job] = app.worker.jobs.sort((x, y) => x.data.n - y.data.n);
  assert.deepEqual(one, {
    request: 'r-1',
    status: 'completed',
    before: { n: 1 },
    after: { n: 1, twice: 2 },
    path: ['start', 'a', 'end'],
  });
  assert.deepEqual(two, {
    request: 'r-2',
    status: 'failed',
    before: { n: 2 },
    after: { n: 2 },
    path: ['start', 'a'],
    error: {
      message: `Task a (a) failed with HTTP_404: Unexpected response (status=404) (job ${job.id})`,
      code: 'HTTP_404',
      element: 'a',
      job: job.id,
    },
  });

  const same = await files(app, single({}), { n: 3 });
  const many = await startWalk(app, same.model, '--data', same.data, '--instances', '4').done;
  assert.deepEqual(many.lines.map((line) => JSON.parse(line).after.twice), [6, 6, 6, 6]);
});

test('without a worker, a run prints what it waits for', async (t) => {
  const app = await testApp(t, { worker: false });
  const { model } = await files(app, single({}), {});
  const walk = startWalk(app, model);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await app.startWorker();
  const { code, errors } = await walk.done;
  assert.equal(code, 0);
  assert.match(errors, /waiting for a worker: no queue is bound to test-\w+\.jobs for job\.default yet/);
});

test('a run that is terminated stores its request for the next one', async (t) => {
  const app = await testApp(t);
  const { model, data, state } = await files(app, single({}), {});
  const args = [model, '--data', data, '--state', state];
  app.worker.answer = () => undefined;
  const stopped = startWalk(app, ...args);
  await until(() => app.worker.jobs.length === 1);
  stopped.kill('SIGTERM');
  assert.equal((await stopped.done).code, 143);
  app.worker.answer = () => ({ data: {} });
  assert.equal((await startWalk(app, ...args).done).code, 0);
  assert.equal(new Set(app.worker.jobs.map(({ id }) => id)).size, 1);
});

test('wrong usage is reported', async (t) => {
  const app = await testApp(t, { worker: false });
  const { model, data } = await files(app, single({}), [{}, 1]);
  for (const [args, message] of [
    [[], /one model is needed/],
    [[model, '--nonsense'], /--nonsense/],
    [[model, '--instances', '0'], /--instances 0: a number is needed/],
    [[model, '--data', data], /each request's data is a JSON object/],
    [[model, '--data', data, '--instances', '3'], /holds the data of 2/],
    [[model, '--engine', 'a.b'], /engine `a\.b`/],
  ]) {
    const { code, errors } = await startWalk(app, ...args).done;
    assert.equal(code, 2, errors);
    assert.match(errors, message);
  }
  const missing = await startWalk(app, 'nowhere.bpmn').done;
  assert.equal(missing.code, 1);
  assert.match(missing.errors, /nowhere\.bpmn/);
});
