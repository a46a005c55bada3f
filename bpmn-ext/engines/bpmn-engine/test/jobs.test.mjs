import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';

import { jobId } from '../src/job.mjs';
import { definitions, line, single, task } from './models.mjs';
import { testApp } from './test-app.mjs';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test('a job is what the contract says', async (t) => {
  const { worker, connect } = await setUp(t);
  const source = single({ inside: '<conn:output variable="rate" source="rates.EUR" />' });
  const connector = await connect();
  await connector.run({ source, requestId: 'r-1', version: '3', data: { currency: 'EUR', list: [1, null] } });

  const [{ body, properties, key }] = worker.all;
  assert.equal(worker.all.length, 1);
  assert.equal(key, 'job.default');
  assert.match(body.id, UUID);
  assert.match(body.element.token, /^a_/);
  assert.deepEqual(body, {
    id: body.id,
    engine: 'default',
    process: { id: 'process', version: '3' },
    request: { id: 'r-1' },
    element: { id: 'a', name: 'Task a', token: body.element.token },
    config: {
      dataSource: 'Rates',
      endpoint: 'latest',
      dataMapping: [{ key: 'rate', value: 'rates.EUR', format: 'dotNotation' }],
    },
    data: { currency: 'EUR', list: [1, null] },
  });
  assert.equal(properties.messageId, body.id);
  assert.equal(properties.type, 'data-connector.job.v1');
  assert.equal(properties.contentType, 'application/json');
  assert.equal(properties.deliveryMode, 2);
});

test("ProcessMaker's texts are passed on unparsed, in both of its forms", async (t) => {
  const { worker, connect } = await setUp(t);
  const source = definitions(
    line('a', 'b') +
      `<serviceTask id="a" implementation="package-data-sources/data-source-task-service"
         pm:config='{"dataSource":1,"endpoint":"x", "queue":"bpmn.queue"}' pm:errorHandling='{"timeout":"20"}' />
       <callActivity id="b" calledElement="data_source_callback-data_source_sub_process" pm:config='{"dataSource":,' />`,
  );
  const { path } = await (await connect()).run({ source, data: {} });
  assert.deepEqual(path, ['start', 'a', 'b', 'end']);
  const [a, b] = worker.jobs;
  assert.equal(a.config, '{"dataSource":1,"endpoint":"x", "queue":"bpmn.queue"}');
  assert.equal(a.errorHandling, '{"timeout":"20"}');
  assert.equal(b.config, '{"dataSource":,');
  assert.ok(!('errorHandling' in b));
  assert.deepEqual(
    worker.all.map(({ key }) => key),
    ['job.default', 'job.default'],
  );
});

test('a job of a queue is published under its name', async (t) => {
  const { worker, connect, listen } = await setUp(t);
  const recorded = await listen('jobs', 'job.slow');
  const source = single({}).replace('resource="latest"', 'resource="latest" queue="slow"');
  // The queue `slow` does not exist, so the worker gets the job through the alternate exchange, too.
  worker.answer = () => undefined;
  (await connect()).createEngine({ source }).execute();
  const [{ body, key }] = await recorded.first(1);
  assert.equal(key, 'job.slow');
  assert.equal(body.config.queue, 'slow');
});

test('as deployed, a job carries no configuration', async (t) => {
  const { worker, connect } = await setUp(t);
  const connector = await connect({ config: 'deployed' });
  await connector.run({ source: single({}), data: { a: 1 } });
  const [{ config, errorHandling, data }] = worker.jobs;
  assert.deepEqual({ config, errorHandling, data }, { config: undefined, errorHandling: undefined, data: { a: 1 } });
});

test('the process of a job is the innermost one', async (t) => {
  const { worker, connect } = await setUp(t);
  const source = definitions(
    `${line('sub')}
     <subProcess id="sub"><startEvent id="s" />${task('a')}<sequenceFlow id="f" sourceRef="s" targetRef="a" /></subProcess>`,
  );
  worker.answer = () => ({ data: { inner: 1 } });
  const { data } = await (await connect()).run({ source, data: { outer: 1 } });
  assert.equal(worker.jobs[0].process.id, 'process');
  assert.deepEqual(worker.jobs[0].data, { outer: 1 });
  assert.deepEqual(data, { outer: 1, inner: 1 });
});

test('variables that bpmn-engine overwrites are restored', async (t) => {
  const { worker, connect } = await setUp(t);
  worker.answer = ({ element }) => ({ data: { [element.id === 'a' ? 'fields' : 'more']: 1 } });
  const source = definitions(line('a', 'b') + task('a') + task('b'));
  const before = { content: 'a text', properties: { a: 1 } };
  const { data } = await (await connect()).run({ source, data: before });
  assert.deepEqual(worker.jobs[0].data, before);
  assert.deepEqual(worker.jobs[1].data, { ...before, fields: 1 });
  assert.deepEqual(data, { ...before, fields: 1, more: 1 });
});

test('an id depends on the activation only', () => {
  const id = jobId('default', 'r-1', 'a', 'a_1');
  assert.match(id, UUID);
  assert.equal(jobId('default', 'r-1', 'a', 'a_1'), id);
  for (const other of [['x', 'r-1', 'a', 'a_1'], ['default', 'r-2', 'a', 'a_1'], ['default', 'r-1', 'a', 'a_2']]) {
    assert.notEqual(jobId(...other), id);
  }
});

test('the examples run to their ends', async (t) => {
  const { worker, connect } = await setUp(t);
  const connector = await connect();
  const example = async (name, part) => readFile(new URL(`../../../../deploy/examples/${name}/${part}`, import.meta.url), 'utf8');
  const walk = async (name) => {
    const data = JSON.parse(await example(name, 'data.json'));
    return connector.run({ source: await example(name, 'model.bpmn'), data });
  };

  worker.answer = ({ element }) =>
    element.id === 'fetch_rate' ? { data: { rate: 1.08, total: 129.6 } } : { data: { available: false } };
  const order = await walk('order');
  assert.deepEqual(order.path, ['order_received', 'fetch_rate', 'reserve_stock', 'in_stock', 'out_of_stock']);
  assert.deepEqual(order.data, { ...order.before, rate: 1.08, total: 129.6, available: false });

  worker.answer = ({ element }) => {
    if (element.id === 'open_enquiry') return { data: { enquiry: 'E-1' } };
    return { error: { code: 'HTTP_404', message: 'm', attempts: [] }, bpmnError: { code: 'CUSTOMER_UNKNOWN' } };
  };
  const { path } = await walk('error-boundary');
  assert.deepEqual(path, ['question_received', 'find_customer', 'customer_unknown', 'open_enquiry', 'enquiry_opened']);

  worker.answer = ({ data: { line: item } }) => ({ data: { quote: item.item } });
  const { data } = await walk('multi-instance');
  assert.deepEqual(data.quotes, ['lamp', 'desk', 'chair']);
});

async function setUp(t) {
  const app = await testApp(t);
  const { worker } = app;
  return { worker, connect: app.connect.bind(app), listen: app.listen.bind(app) };
}
