import type { Cursor } from '../api/types';
import { useAddress } from '../address';
import { texts } from '../texts';

/** Ways to the newest part of a list and to the one before this: the address says where it begins. */
export function NewerOlder({ meta }: { meta: Cursor<unknown>['meta'] }) {
  const { query, href } = useAddress();
  return (
    <div class="table-foot">
      {query.after && (
        <a class="button button-quiet" href={href({ after: null })}>
          {texts.table.newer}
        </a>
      )}
      {meta.next && (
        <a class="button button-quiet" href={href({ after: meta.next })}>
          {texts.table.older}
        </a>
      )}
    </div>
  );
}
