import type { List } from '../api/types';
import { texts } from '../texts';
import { IconButton } from './button';

/** Where one is in a list, and the pages around it. */
export function Pages({ meta, onPage }: { meta: List<unknown>['meta']; onPage: (page: number) => void }) {
  if (meta.total === 0) return null;
  return (
    <div class="table-foot">
      <span>{texts.table.page(meta.from ?? 0, meta.to ?? 0, meta.total)}</span>
      {meta.total_pages > 1 && (
        <>
          <IconButton
            icon="arrow-left"
            label={texts.table.previous}
            disabled={meta.current_page <= 1}
            onClick={() => onPage(meta.current_page - 1)}
          />
          <IconButton
            icon="arrow-right"
            label={texts.table.next}
            disabled={meta.current_page >= meta.total_pages}
            onClick={() => onPage(meta.current_page + 1)}
          />
        </>
      )}
    </div>
  );
}
