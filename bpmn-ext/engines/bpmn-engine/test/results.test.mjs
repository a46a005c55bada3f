import assert from 'node:assert/strict';
import { test } from 'node:test';

import { definitions, flow, line, single, task } from './models.mjs';
import { testApp, until } from './test-app.mjs';

const refused = { code: 'HTTP_404', message: 'Unexpected response (status=404)', body: 'no', attempts: [{ number: 1 }] };

/** `a` with error boundary events, each with its own end event. */
const guarded = (...codes) =>
  definitions(
    line('a') +
      task('a') +
      codes
        .map(
          (code, i) => `
            <boundaryEvent id="caught_${i}" attachedToRef="a">
              <errorEventDefinition${code ? ` errorRef="error_${i}"` : ''} />
            </boundaryEvent>
            <endEvent id="end_${i}" />${flow(`caught_${i}`, `end_${i}`)}`,
        )
        .join(''),
    codes.map((code, i) => (code ? `<error id="error_${i}" name="e" errorCode="${code}" />` : '')).join(''),
  );

test('a result is merged, overwriting and creating, without the names that belong to the engine', async (t) => {
  const app = await testApp(t);
  app.worker.answer = () => ({ data: { rate: 2, text: null, _user: 'x', loopCounter: 9, _parent: {} } });
  const connector = await app.connect();
  const outcome = await connector.run({ source: single({}), requestId: 'r', data: { rate: 1, kept: true } });
  assert.deepEqual(outcome, {
    request: 'r',
    status: 'completed',
    before: { rate: 1, kept: true },
    data: { rate: 2, kept: true, text: null },
    path: ['start', 'a', 'end'],
  });
});

test('mapped data decides at a gateway', async (t) => {
  const app = await testApp(t);
  const source = definitions(
    `<startEvent id="start" /><endEvent id="yes" /><endEvent id="no" />
     <exclusiveGateway id="which" default="from_which_to_no" />` +
      task('a') +
      flow('start', 'a') +
      flow('a', 'which') +
      flow('which', 'no') +
      flow(
        'which',
        'yes',
        '<conditionExpression xsi:type="tFormalExpression">${environment.variables.ok}</conditionExpression>',
      ),
  );
  const connector = await app.connect();
  for (const [ok, end] of [[true, 'yes'], [false, 'no']]) {
    app.worker.answer = () => ({ data: { ok } });
    assert.deepEqual((await connector.run({ source })).path, ['start', 'a', 'which', end]);
  }
});

test("a boundary event catches the code of the error mapping, else the worker's", async (t) => {
  const app = await testApp(t);
  const connector = await app.connect();
  for (const [codes, bpmnError, end] of [
    [['RATE_MISSING'], { code: 'RATE_MISSING', message: 'no rate for XTS' }, 'end_0'],
    [['HTTP_404'], undefined, 'end_0'],
    [[undefined], undefined, 'end_0'],
    [['OTHER', 'RATE_MISSING'], { code: 'RATE_MISSING' }, 'end_1'],
    // Of several events, the one with the code of the error.
    [[undefined, 'HTTP_404'], undefined, 'end_1'],
    [['HTTP_404', undefined], undefined, 'end_0'],
    [['OTHER', undefined, undefined], undefined, 'end_1'],
  ]) {
    app.worker.answer = () => ({ error: refused, ...(bpmnError && { bpmnError }) });
    const { path, data } = await connector.run({ source: guarded(...codes), data: { a: 1 } });
    assert.deepEqual(path, ['start', 'a', end.replace('end', 'caught'), end], `${codes}`);
    assert.deepEqual(data, { a: 1 });
  }
});

test('an uncaught error ends the request and names element, job and code', async (t) => {
  const app = await testApp(t);
  const connector = await app.connect();
  app.worker.answer = () => ({ error: refused });
  const failed = await connector.run({ source: guarded('OTHER'), data: { a: 1 } }).catch((error) => error);
  const [{ id }] = app.worker.jobs;
  assert.equal(failed.message, `Task a (a) failed with HTTP_404: Unexpected response (status=404) (job ${id})`);
  const { name, code, element, job, status, details, before, data, path } = failed;
  assert.deepEqual(
    { name, code, element, job, status, details, before, data, path },
    {
      name: 'RequestFailed',
      code: 'HTTP_404',
      element: 'a',
      job: id,
      status: 'failed',
      details: refused,
      before: { a: 1 },
      data: { a: 1 },
      path: ['start', 'a'],
    },
  );

  app.worker.answer = () => ({ error: refused, bpmnError: { code: 'RATE_MISSING', message: 'no rate for XTS' } });
  await assert.rejects(connector.run({ source: single({}) }), /RATE_MISSING: no rate for XTS \(HTTP_404, job /);
});

test("an application's own engine gets the error from bpmn-engine", async (t) => {
  const app = await testApp(t);
  app.worker.answer = () => ({ error: refused });
  const engine = (await app.connect()).createEngine({ source: single({}) });
  engine.execute();
  const error = await engine.waitFor('end').catch((reason) => reason);
  assert.equal(error.code, 'HTTP_404');
  assert.equal(error.inner.details.body, 'no');
});

test('a second result and one for an element that has ended are acknowledged and ignored', async (t) => {
  const app = await testApp(t);
  const connector = await app.connect();
  const warnings = [];
  connector.on('warning', (text) => warnings.push(text));
  let first;
  app.worker.answer = async (job) => {
    if (job.element.id === 'a') {
      first = job;
      await app.result(job, { data: { n: 1 } });
      await app.result(job, { data: { n: 2 } });
      return { data: { n: 3 } };
    }
    await app.result(first, { data: { n: 4 } });
    await app.result(first, { error: refused });
    return { data: {} };
  };
  const source = definitions(line('a', 'b') + task('a') + task('b'));
  const { data } = await connector.run({ source, data: { n: 0 } });
  assert.deepEqual(data, { n: 1 });

  await app.result(first, { data: { n: 5 } });
  await connector.run({ source, data: { n: 0 } });
  await connector.close();
  await until(async () => (await app.messages('results.default')) === 0);
  assert.deepEqual(warnings, []);
});

test('a message that is not a result is reported and dropped, and the next one is handled', async (t) => {
  const app = await testApp(t);
  const connector = await app.connect();
  const warnings = [];
  connector.on('warning', (text) => warnings.push(text));
  const bad = [
    ['not JSON', {}],
    ['{"status":"completed"}', {}],
    ['{"job":"1","status":"maybe"}', {}],
    ['{"job":"1","status":"completed"}', { type: 'something.else' }],
  ];
  for (const [text, properties] of bad) await app.publish('results', 'result.default.-', text, properties);
  await connector.run({ source: single({}) });
  assert.equal(warnings.length, bad.length);
  assert.match(warnings[0], /is not a result and is dropped: not JSON/);
  await connector.close();
  await until(async () => (await app.messages('results.default')) === 0);
});

test('a replay is ignored', async (t) => {
  const app = await testApp(t);
  app.worker.answer = async (job) => {
    await app.result(job, { data: { n: 'replayed' }, replay: 2 }, { messageId: `${job.id}#2` });
    return { data: { n: 'first' } };
  };
  const { data } = await (await app.connect()).run({ source: single({}) });
  assert.deepEqual(data, { n: 'first' });
});

test('a result of an unknown request is parked, then reported and dropped', async (t) => {
  const app = await testApp(t);
  const connector = await app.connect({ parkFor: 300 });
  const warnings = [];
  connector.on('warning', (text) => warnings.push(text));
  const job = { id: 'j-1', engine: 'default', request: { id: 'unknown' }, element: { id: 'a' } };
  await app.result(job);
  await until(() => warnings.length > 0);
  assert.match(warnings[0], /job j-1 belongs to no request/);

  await app.result({ ...job, id: 'j-2' });
  await new Promise((resolve) => setTimeout(resolve, 100));
  await connector.close();
  // One that is still parked stays in the queue.
  await until(async () => (await app.messages('results.default')) === 1);
});
