import { get } from '../api/client';
import { useLoad } from '../api/load';
import type { Connector, List } from '../api/types';

type Named = Pick<Connector, 'id' | 'uuid' | 'name'>;

/** The connectors that this token sees, by name; none while they are on their way, or cannot be read. */
export function useConnectors(): Named[] {
  const loaded = useLoad(async (signal) => {
    const query = { per_page: 10_000, order_by: 'name', fields: 'name' };
    return (await get<List<Named>>('/data_sources', { query, signal })).data.data;
  }, []);
  return loaded.data ?? [];
}

/** The name of what a job refers to by name, uuid or number. */
export function nameOf(connectors: Named[], reference: string): string {
  return connectors.find((one) => one.uuid === reference || String(one.id) === reference)?.name ?? reference;
}
