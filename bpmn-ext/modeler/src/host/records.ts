// A host that has nothing but a file of records: no server, no calls. It checks what records can tell, and tries with the
// answers that were saved as examples.

import { checkModel } from './check';
import { mapRows } from './map';
import { connectorOf, findConnector, findResource } from './record';
import type { Attempt, Host, Json, Outcome } from './types';

/**
 * A host over records as `data-connector connectors export` writes them: a list, or `{"data": […]}`. `overrides` replace
 * functions of it, such as `lint` by one that asks a server.
 */
export function hostFromRecords(records: Json, overrides: Partial<Host> = {}): Host {
  const list = Array.isArray(records) ? records : ((records as { data?: Json[] } | null)?.data ?? []);
  const connectors = list.map((record) => connectorOf(record));
  return {
    connectors: () => Promise.resolve(connectors),
    lint: (xml) => checkModel(xml, connectors),
    attempt: (request) => Promise.resolve(attempt(request)),
    map: (answer, rows) => Promise.resolve(mapRows(answer, rows)),
    ...overrides,
  };

  function attempt(request: Attempt): Outcome {
    const connector = findConnector(connectors, request.connector);
    const resource = findResource(connector, request.resource);
    const none = { request: null, response: null, timing: null, mapped: null, warnings: [], reads: [] };
    if (!resource) {
      const message = connector ? `${connector.name} has no resource ${request.resource}.` : `There is no connector ${request.connector}.`;
      return { ...none, error: { code: 'CONFIGURATION', message, at: connector ? 'resource' : 'connector' } };
    }
    const answer = resource.example?.answer;
    if (!answer || request.dry_run) {
      const what = request.dry_run ? 'Requests are not made here' : `${resource.name} has no saved answer, and calls are not made here`;
      const message = `${what}: this page has the connectors' records only. Open the model in the console to call.`;
      return { ...none, error: { code: 'CONFIGURATION', message, at: null } };
    }
    const rows = (request.config['dataMapping'] ?? []) as Json[];
    const { variables, error } = mapRows(answer, rows);
    const body = answer.body ?? '';
    return {
      ...none,
      response: { ...answer, body, bytes: new TextEncoder().encode(body).length, truncated: false, kind: kindOf(body) },
      mapped: error ? null : variables,
      warnings: ['This is the answer that was saved as an example; nothing was called.'],
      error,
    };
  }
}

function kindOf(body: string): 'json' | 'xml' | 'text' {
  try {
    JSON.parse(body);
    return 'json';
  } catch {
    return body.trimStart().startsWith('<') ? 'xml' : 'text';
  }
}
