import { get } from '../api/client';
import type { Connector, List } from '../api/types';
import { download } from '../download';

/** Gives the browser the chosen connectors, or all, as a file. */
export async function exportConnectors(as: 'json' | 'camunda7' | 'camunda8', ids: string[]): Promise<void> {
  const { data } = await get<List<Connector> | unknown[]>('/data_sources/export', {
    query: { ids: ids.join(','), as: as === 'json' ? null : as },
  });
  download(as === 'json' ? 'connectors.json' : `element-templates-${as}.json`, `${JSON.stringify(data, null, 2)}\n`);
}
