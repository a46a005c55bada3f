import { useState } from 'preact/hooks';

import { get, post } from '../../api/client';
import { useLoad } from '../../api/load';
import { mayEverywhere } from '../../api/session';
import type { Connector, List } from '../../api/types';
import { ErrorAlert } from '../../components/alert';
import { Button } from '../../components/button';
import { notify } from '../../components/notifications';
import { texts } from '../../texts';

const t = texts.modeler;

/** Connectors that an example calls and that are not here. */
export function Missing({ records, onImported }: { records: Partial<Connector>[]; onImported: () => void }) {
  const [error, setError] = useState<unknown>(null);
  const missing = useLoad(async (signal) => {
    if (records.length === 0) return [];
    const { data } = await get<List<Connector>>('/data_sources', { query: { per_page: 10_000, fields: 'name' }, signal });
    const names = data.data.map((one) => one.name);
    return records.filter((record) => !names.includes(record.name ?? ''));
  }, []);
  if (!missing.data || missing.data.length === 0) return null;
  const names = missing.data.map((record) => record.name ?? '');
  const text = names.length < 2 ? names.join('') : names.slice(0, -1).join(', ') + t.and + names[names.length - 1];
  const go = async () => {
    try {
      await post('/data_sources/import', missing.data, { query: { existing: 'refuse' } });
      notify(t.imported(names.length));
      missing.reload();
      onImported();
    } catch (problem) {
      setError(problem);
    }
  };
  return (
    <div class="stack">
      <div class="note">
        <span role="status" class="grow">
          {t.calls(text)}
        </span>
        <Button icon="import" refused={!mayEverywhere('manage') && texts.frame.readOnly} onClick={go}>
          {t.importMissing(names.length)}
        </Button>
      </div>
      <ErrorAlert error={error} />
    </div>
  );
}
