/** What the plug-in asks of the page around it, over the API. */

import { attempt } from '../../api/attempt';
import { get, put, segment } from '../../api/client';
import { may } from '../../api/session';
import type { Connector, List, Queue } from '../../api/types';
import { lint } from '../../model/model';
import { connectorOf, type Host, type Json } from '../../plug-in';
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
    attempt,
    async map(answer, rows, request) {
      const { connector, resource, config, data: given } = request;
      const mapped = await attempt({ connector, resource, config: { ...config, dataMapping: rows }, data: given, answer });
      return { variables: mapped.mapped ?? {}, error: mapped.error };
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
    adviceFor: (code) => texts.exchange.next[code],
    ...(may('execute') ? {} : { refusal: texts.frame.notCall }),
  };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

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
