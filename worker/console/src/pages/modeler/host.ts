/** What the plug-in asks of the page around it, over the API. */

import { connectorOf, type Host, type Json, type Outcome } from 'bpmn-js-data-connector/parts';

import { get, post, put, segment } from '../../api/client';
import { may } from '../../api/session';
import type { Connector, List, Queue, Tried } from '../../api/types';
import { lint } from '../../model/model';
import { texts } from '../../texts';

export function apiHost(): Host {
  return {
    async connectors() {
      const { data } = await get<List<Connector>>('/data_sources', { query: { per_page: 10_000, order_by: 'name' } });
      return data.data.map((record) => connectorOf(record as unknown as Json, `/connectors/${record.uuid}`));
    },
    async lint(xml, data) {
      return (await lint(xml, isObject(data) ? data : undefined)).diagnostics;
    },
    async attempt(request, signal) {
      const { data } = await post<Tried>('/try', request, { signal });
      return outcome(data);
    },
    async map(answer, rows, request) {
      const { connector, resource, config, data: given } = request;
      const { data } = await post<Tried>('/try', {
        connector,
        resource,
        config: { ...config, dataMapping: rows },
        data: given,
        answer,
      });
      return { variables: (data.mapped ?? {}) as Record<string, Json>, error: data.error };
    },
    async queues() {
      try {
        return (await get<{ queues: Queue[] }>('/workers')).data.queues.map((queue) => queue.queue);
      } catch {
        // They are suggestions only.
        return [];
      }
    },
    ...(may('manage') ? { saveExample } : {}),
    codeHref: (code) => `/codes/${code}`,
    ...(may('execute') ? {} : { refusal: texts.frame.notCall }),
  };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function outcome(tried: Tried): Outcome {
  return { ...tried, mapped: tried.mapped as Outcome['mapped'], warnings: tried.warnings ?? [], reads: tried.reads ?? [] };
}

const saveExample: NonNullable<Host['saveExample']> = async (connector, resource, example) => {
  const id = segment(connector.uuid ?? connector.id ?? connector.name);
  const { data: record, etag } = await get<Connector>(`/data_sources/${id}`);
  const answer = example.answer && { status: example.answer.status, headers: example.answer.headers, body: example.answer.body };
  const row = {
    ...record.endpoints[resource.name],
    testData: JSON.stringify(example.data),
    ...(answer ? { testAnswer: answer } : {}),
  };
  await put(`/data_sources/${id}`, { endpoints: { ...record.endpoints, [resource.name]: row } }, { ifMatch: etag });
};
