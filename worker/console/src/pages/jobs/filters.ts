/** The filters of the list of jobs: in the address, in words, and as the API takes them. */

import type { Query } from '../../api/client';
import { queryOf } from '../../job/state';
import { texts } from '../../texts';

const t = texts.jobs;

export const FILTERS = ['state', 'code', 'connector', 'process', 'element', 'request', 'period', 'q'] as const;

const HOURS: Record<string, number> = { '1h': 1, '24h': 24, '7d': 168 };

/** The beginning of a period, to the minute, so that asking again asks the same. */
export function startOf(period: string | undefined, now: number): string | undefined {
  const hours = HOURS[period ?? ''];
  return hours === undefined ? undefined : new Date(Math.floor((now - hours * 3_600_000) / 60_000) * 60_000).toISOString();
}

export function apiQuery(query: Record<string, string>, from: string | undefined): Query {
  const { code, connector, process, element, request, q } = query;
  return { ...queryOf(query.state), code, connector, process, element, request, q, from };
}

/** "State: Failed". */
export function inWords(name: string, value: string): string {
  const shown =
    name === 'state'
      ? ((t.words as Record<string, string>)[value] ?? value)
      : name === 'period'
        ? (t.periods[value] ?? value)
        : value;
  return t.filterText(t.filters[name] ?? name, shown);
}

export const active = (query: Record<string, string>): [string, string][] =>
  FILTERS.filter((name) => query[name]).map((name) => [name, query[name]]);
