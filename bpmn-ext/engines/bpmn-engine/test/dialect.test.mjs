import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Engine } from 'bpmn-engine';

import { conn, pm } from '../src/index.mjs';
import { connectorOf, queueOf } from '../src/dialect.mjs';

/** The connectors of a model by element. */
async function connectors(xml) {
  const found = {};
  const extendFn = (element) => {
    const connector = connectorOf(element);
    if (connector) found[element.id] = connector;
  };
  await new Engine({ source: xml, moddleOptions: { conn, pm }, extendFn }).getDefinitions();
  return found;
}

const model = (attributes, elements) =>
  `<b:definitions xmlns:b="http://www.omg.org/spec/BPMN/20100524/MODEL" ${attributes} id="d">` +
  `<b:process id="p" isExecutable="true">${elements}</b:process></b:definitions>`;

test('our extension becomes the configuration of a job, whatever the prefix', async () => {
  const xml = model(
    'xmlns:any="urn:data-connector:bpmn:1" xmlns:acme="urn:acme"',
    `<b:serviceTask id="full">
       <b:extensionElements>
         <acme:note>somebody else's</acme:note>
         <any:dataConnector connector="Rates" resource="latest" queue="slow" repeat="safe">
           <any:input type="param" key="base" value="{{currency}}" />
           <any:input type="Header" key="X-Trace" value="a" format="feel" />
           <any:output variable="rate" source="rates.EUR" />
           <any:output variable="answer" />
           <any:output variable="first" source="data[0]" format="jmespath" />
           <any:retry attempts="4" wait="PT5S" backoff="exponential" maxWait="PT5M" budget="PT1H" statuses="408,5xx" />
           <any:timeout value="PT20S" />
           <any:errorMapping when="404" code="RATE_MISSING" message="no rate for {{currency}}" />
           <any:errorMapping when="4xx,503" code="RATE_REFUSED" />
           <any:success statuses="2xx,304" />
         </any:dataConnector>
       </b:extensionElements>
     </b:serviceTask>
     <b:sendTask id="least">
       <b:extensionElements><any:dataConnector connector="12" resource="ping" /></b:extensionElements>
     </b:sendTask>
     <b:serviceTask id="odd">
       <b:extensionElements>
         <any:dataConnector connector="12" resource="ping"><any:retry attempts="many" /></any:dataConnector>
       </b:extensionElements>
     </b:serviceTask>
     <b:serviceTask id="foreign">
       <b:extensionElements><acme:dataConnector connector="Rates" resource="latest" /></b:extensionElements>
     </b:serviceTask>
     <b:task id="misplaced">
       <b:extensionElements><any:dataConnector connector="Rates" resource="latest" /></b:extensionElements>
     </b:task>`,
  );
  assert.deepEqual(await connectors(xml), {
    full: {
      config: {
        dataSource: 'Rates',
        endpoint: 'latest',
        queue: 'slow',
        repeat: 'safe',
        outboundConfig: [
          { type: 'PARAM', key: 'base', value: '{{currency}}', format: 'mustache' },
          { type: 'HEADER', key: 'X-Trace', value: 'a', format: 'feel' },
        ],
        dataMapping: [
          { key: 'rate', value: 'rates.EUR', format: 'dotNotation' },
          { key: 'answer', value: '', format: 'dotNotation' },
          { key: 'first', value: 'data[0]', format: 'jmespath' },
        ],
        retry: {
          attempts: 4,
          wait: 'PT5S',
          backoff: 'exponential',
          maxWait: 'PT5M',
          budget: 'PT1H',
          statuses: '408,5xx',
        },
        timeout: 'PT20S',
        errorMapping: [
          { when: '404', code: 'RATE_MISSING', message: 'no rate for {{currency}}' },
          { when: '4xx,503', code: 'RATE_REFUSED' },
        ],
        success: '2xx,304',
      },
    },
    least: { config: { dataSource: '12', endpoint: 'ping' } },
    odd: { config: { dataSource: '12', endpoint: 'ping', retry: { attempts: 'many' } } },
  });
});

test("ProcessMaker's dialect is passed on unparsed", async () => {
  const today = 'implementation="package-data-sources/data-source-task-service"';
  const xml = model(
    'xmlns:x="http://processmaker.com/BPMN/2.0/Schema.xsd"',
    `<b:serviceTask id="today" ${today} x:config='{"dataSource":1}' x:errorHandling='{"timeout":20}' />
     <b:serviceTask id="of_2019" implementation="package-data-sources/datasource-task-service" x:config='{"a":1}' />
     <b:serviceTask id="broken" ${today} x:config='{"dataSource":,' x:errorHandling="null" />
     <b:serviceTask id="bare" ${today} x:errorHandling="" />
     <b:callActivity id="webhook" calledElement="data_source_callback-data_source_sub_process" x:config='{"b":2}' />
     <b:callActivity id="called" ${today} x:config='{"c":3}' />
     <b:callActivity id="another_process" calledElement="ProcessId-3" x:config='{"d":4}' />
     <b:serviceTask id="mail" implementation="connector-send-email/processmaker-communication-email-send" x:config="{}" />
     <b:scriptTask id="script" implementation="package-data-sources/data-source-task-service" />`,
  );
  assert.deepEqual(await connectors(xml), {
    today: { config: '{"dataSource":1}', errorHandling: '{"timeout":20}' },
    of_2019: { config: '{"a":1}' },
    broken: { config: '{"dataSource":,' },
    bare: { config: {} },
    webhook: { config: '{"b":2}' },
    called: { config: '{"c":3}' },
  });
});

test('of two dialects on one element, our extension is used', async () => {
  const xml = model(
    'xmlns:c="urn:data-connector:bpmn:1" xmlns:x="http://processmaker.com/BPMN/2.0/Schema.xsd"',
    `<b:serviceTask id="both" implementation="package-data-sources/data-source-task-service" x:config="{}">
       <b:extensionElements><c:dataConnector connector="Rates" resource="latest" /></b:extensionElements>
     </b:serviceTask>`,
  );
  assert.deepEqual(await connectors(xml), { both: { config: { dataSource: 'Rates', endpoint: 'latest' } } });
});

test('a queue without a valid name means the default one', () => {
  for (const [config, queue] of [
    [{ queue: 'slow' }, 'slow'],
    ['{"queue":"slow"}', 'slow'],
    ['{"queue":', 'default'],
    ['null', 'default'],
    [{}, 'default'],
    [{ queue: 'a.b' }, 'default'],
    [{ queue: '#' }, 'default'],
    [{ queue: 7 }, 'default'],
    [{ queue: 'x'.repeat(65) }, 'default'],
  ]) {
    assert.equal(queueOf(config), queue, JSON.stringify(config));
  }
});
