/** The pages that the navigation and "Go to" lead to. */

import { may, mayEverywhere } from '../api/session';
import type { IconName } from '../components/icon-names';
import { texts } from '../texts';

export interface Place {
  path: string;
  text: string;
  icon: IconName;
  /** Kinds of `needs` of `/stats` that are counted next to it. */
  needs?: readonly string[];
}

export function places(): Place[] {
  const t = texts.places;
  return [
    { path: '/overview', text: t.overview, icon: 'gauge' },
    ...(mayEverywhere('read') ? [{ path: '/modeler', text: t.modeler, icon: 'workflow' } as const] : []),
    ...(mayEverywhere('read') ? [{ path: '/models', text: t.models, icon: 'boxes', needs: ['model_broken'] } as const] : []),
    { path: '/connectors', text: t.connectors, icon: 'plug', needs: ['connector_refused'] },
    ...(mayEverywhere('read') ? [{ path: '/collections', text: t.collections, icon: 'database' } as const] : []),
    { path: '/jobs', text: t.jobs, icon: 'history', needs: ['parked', 'outcome_unknown', 'untaken_results'] },
    ...(mayEverywhere('read')
      ? [{ path: '/dead-letters', text: t.deadLetters, icon: 'mail-warning', needs: ['dead_letters'] } as const]
      : []),
    ...(mayEverywhere('manage') ? [{ path: '/secrets', text: t.secrets, icon: 'lock' } as const] : []),
    ...(may('admin') ? [{ path: '/tokens', text: t.tokens, icon: 'key-round', needs: ['token_expiring'] } as const] : []),
    ...(may('admin') ? [{ path: '/audit', text: t.audit, icon: 'scroll-text' } as const] : []),
    { path: '/workers', text: t.workers, icon: 'server', needs: ['queue_without_worker'] },
  ];
}
