import assert from 'node:assert/strict';
import { test } from 'node:test';

import { definitions, flow, line, loop, single, task } from './models.mjs';
import { testApp } from './test-app.mjs';

const lines = [{ item: 'lamp' }, { item: 'desk' }, { item: 'chair' }];

test('a parallel loop sends a job for each item and puts the outputs in order', async (t) => {
  const app = await testApp(t);
  const waiting = [];
  // Answered in reverse order, after all jobs have arrived.
  app.worker.answer = async (job) => {
    waiting.unshift(job);
    if (waiting.length < lines.length) return undefined;
    for (const one of waiting) await app.result(one, { data: { answer: `${one.data.line.item}!`, other: 1 } });
    return undefined;
  };
  const before = { lines, order: 7, _user: { id: 1 } };
  const { data, path } = await (await app.connect()).run({ source: single({ loop: loop() }), data: before });
  assert.deepEqual(data, { ...before, answers: ['lamp!', 'desk!', 'chair!'] });
  assert.deepEqual(path, ['start', 'a', 'end']);
  assert.deepEqual(
    app.worker.jobs.map((job) => ({ data: job.data, variables: job.variables })),
    lines.map((one, index) => ({
      data: { line: one },
      variables: {
        _user: { id: 1 },
        _parent: { lines, order: 7 },
        loopCounter: index + 1,
        numberOfInstances: 3,
        numberOfActiveInstances: 3,
        numberOfCompletedInstances: 0,
      },
    })),
  );
  assert.equal(new Set(app.worker.jobs.map(({ id }) => id)).size, 3);
});

test('a sequential loop sends one job after the other', async (t) => {
  const app = await testApp(t);
  app.worker.answer = ({ variables, data }) => ({ data: { answer: [variables.loopCounter, data.line.item] } });
  const source = single({ loop: loop({ sequential: true }) });
  const { data } = await (await app.connect()).run({ source, data: { lines } });
  assert.deepEqual(data.answers, [[1, 'lamp'], [2, 'desk'], [3, 'chair']]);
  assert.deepEqual(
    app.worker.jobs.map(({ variables }) => [variables.numberOfActiveInstances, variables.numberOfCompletedInstances]),
    [[1, 0], [1, 1], [1, 2]],
  );
});

test('without names, the members of an item are variables and all data is the output', async (t) => {
  const app = await testApp(t);
  app.worker.answer = () => ({ data: { price: 1 } });
  const source = single({ loop: loop({ item: '', output: '' }) });
  const { data } = await (await app.connect()).run({ source, data: { lines } });
  assert.deepEqual(app.worker.jobs[0].data, { item: 'lamp' });
  assert.deepEqual(data.answers[2], { item: 'chair', loopCounter: 3, price: 1 });
});

test('an item may have a name that bpmn-engine uses', async (t) => {
  const app = await testApp(t);
  app.worker.answer = ({ data }) => ({ data: { answer: data.id.item } });
  const source = single({ loop: loop({ item: 'id' }) });
  const { data } = await (await app.connect()).run({ source, data: { lines } });
  assert.deepEqual(data.answers, ['lamp', 'desk', 'chair']);
});

test('a missing output of an instance is null', async (t) => {
  const app = await testApp(t);
  app.worker.answer = ({ variables }) => ({ data: variables.loopCounter === 2 ? {} : { answer: 1 } });
  const { data } = await (await app.connect()).run({ source: single({ loop: loop() }), data: { lines } });
  assert.deepEqual(data.answers, [1, null, 1]);
});

test('a cardinality repeats without items', async (t) => {
  const app = await testApp(t);
  const repeated = '<multiInstanceLoopCharacteristics><loopCardinality>3</loopCardinality></multiInstanceLoopCharacteristics>';
  const { data } = await (await app.connect()).run({ source: single({ loop: repeated }), data: { n: 1 } });
  assert.deepEqual(
    app.worker.jobs.map((job) => [job.data, job.variables.loopCounter, job.variables._parent]),
    [1, 2, 3].map((n) => [{}, n, { n: 1 }]),
  );
  assert.deepEqual(data, { n: 1 });
});

test('a standard loop works on the request and merges into it', async (t) => {
  const app = await testApp(t);
  app.worker.answer = ({ data }) => ({ data: { n: data.n + 1 } });
  const repeated = '<standardLoopCharacteristics loopMaximum="3" />';
  const { data } = await (await app.connect()).run({ source: single({ loop: repeated }), data: { n: 0 } });
  assert.deepEqual(data, { n: 3 });
  assert.deepEqual(
    app.worker.jobs.map((job) => job.variables),
    [{ loopCounter: 1 }, { loopCounter: 2 }, { loopCounter: 3 }],
  );
});

test('a long list is one batch, and an empty one has an empty result', async (t) => {
  const app = await testApp(t);
  app.worker.answer = ({ data }) => ({ data: { answer: data.line } });
  const connector = await app.connect();
  const numbers = Array.from({ length: 240 }, (_, i) => i);
  const source = single({ loop: loop() });
  assert.deepEqual((await connector.run({ source, data: { lines: numbers } })).data.answers, numbers);
  assert.equal(app.worker.jobs[239].variables.numberOfActiveInstances, 240);
  assert.deepEqual((await connector.run({ source, data: { lines: [] } })).data, { lines: [], answers: [] });
});

test('what cannot be looped over is reported', async (t) => {
  const app = await testApp(t);
  const connector = await app.connect();
  const source = single({ loop: loop() });
  for (const data of [{}, { lines: 'abc' }, { lines: { a: 1 } }]) {
    await assert.rejects(connector.run({ source, data }), /<a> `lines`, the data that it loops over, is not a list/);
  }
  const condition = '<completionCondition>numberOfCompletedInstances == 1</completionCondition>';
  const conditional = source.replace('</multiInstance', `${condition}</multiInstance`);
  await assert.rejects(connector.run({ source: conditional, data: { lines } }), /is not one that bpmn-engine understands/);
  assert.equal(app.worker.jobs.length, 0);
});

test('an instance that fails cancels the others and is caught once', async (t) => {
  const app = await testApp(t);
  const cancels = await app.listen('control', '');
  const error = { code: 'HTTP_500', message: 'm', attempts: [] };
  app.worker.answer = ({ variables }) => (variables.loopCounter === 2 ? { error } : undefined);
  const source = definitions(
    line('a') +
      task('a', { loop: loop() }) +
      `<boundaryEvent id="caught" attachedToRef="a"><errorEventDefinition /></boundaryEvent>
       <endEvent id="end_caught" />${flow('caught', 'end_caught')}`,
  );
  const { path, data } = await (await app.connect()).run({ source, data: { lines } });
  assert.deepEqual(path, ['start', 'a', 'caught', 'end_caught']);
  assert.deepEqual(data, { lines });
  const [first, , third] = app.worker.jobs;
  const taken = (await cancels.first(2)).map(({ body }) => body.id);
  assert.deepEqual(taken.sort(), [first.id, third.id].sort());
});
