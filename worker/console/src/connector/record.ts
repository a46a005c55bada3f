/** A connector as it is edited, and as the server takes it. Pure: knows nothing of pages. */

import type { Connector, Resource, Retry, Row } from '../api/types';

/** A resource with an identity of its own, so that it can be renamed. */
export interface Endpoint {
  id: string;
  name: string;
  resource: Resource;
}

/** What is edited of a connector, without its credentials. */
export interface Edited {
  name: string;
  description: string;
  categories: string[];
  active: boolean;
  authtype: string;
  endpoints: Endpoint[];
  /** Defaults for the resources. */
  defaults: RetryHolder;
}

export interface RetryHolder {
  timeout?: number | string | null;
  retry_attempts?: number | string | null;
  retry_wait_time?: number | string | null;
  retry?: Retry;
  repeat?: string | null;
}

let lastId = 0;
export const freshId = (): string => `r${++lastId}`;

export function edited(record: Connector): Edited {
  const { timeout, retry_attempts, retry_wait_time, retry, repeat } = record;
  return {
    name: record.name,
    description: record.description ?? '',
    categories: String(record.data_source_category_id ?? '')
      .split(',')
      .filter(Boolean),
    active: record.status !== 'INACTIVE',
    authtype: record.authtype,
    endpoints: Object.entries(record.endpoints ?? {}).map(([name, resource]) => ({ id: freshId(), name, resource })),
    defaults: withoutUndefined({ timeout, retry_attempts, retry_wait_time, retry, repeat }),
  };
}

export const blank = (): Edited => ({
  name: '',
  description: '',
  categories: [],
  active: true,
  authtype: 'NONE',
  endpoints: [],
  defaults: {},
});

/** The members that a PUT or POST gives; credentials are added by who knows them. */
export function recordOf(state: Edited): Partial<Connector> {
  return {
    name: state.name.trim(),
    description: state.description === '' ? null : state.description,
    type: 'REST',
    authtype: state.authtype,
    status: state.active ? 'ACTIVE' : 'INACTIVE',
    data_source_category_id: state.categories.length === 0 ? null : state.categories.join(','),
    endpoints: Object.fromEntries(state.endpoints.map((one) => [one.name.trim(), { ...one.resource, purpose: one.name.trim() }])),
    ...state.defaults,
  };
}

/** Whether two states are the same to the server. */
export function sameRecord(one: Edited, other: Edited): boolean {
  return JSON.stringify(recordOf(one)) === JSON.stringify(recordOf(other));
}

export function newResource(): Resource {
  return { url: '', method: 'GET', params: [], headers: [], body: null };
}

/** A name that none of these has: `name`, else `name-2`, `name-3` … */
export function freeName(name: string, taken: readonly string[]): string {
  if (!taken.includes(name)) return name;
  for (let number = 2; ; number++) {
    if (!taken.includes(`${name}-${number}`)) return `${name}-${number}`;
  }
}

/** The query of a URL as rows, and the URL without it. Null when there is none. Templates stay as written. */
export function splitQuery(url: string): { url: string; params: Row[] } | null {
  const [beforeHash] = url.split('#');
  const at = beforeHash.indexOf('?');
  if (at < 0 || at === beforeHash.length - 1) return null;
  const params = beforeHash
    .slice(at + 1)
    .split('&')
    .filter(Boolean)
    .map((pair) => {
      const equals = pair.indexOf('=');
      const [key, value] = equals < 0 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)];
      return { key: decoded(key), value: decoded(value), required: false };
    });
  return { url: beforeHash.slice(0, at), params };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}

/** Whether a text is a cURL command rather than a URL. */
export const isCurl = (text: string): boolean => /^\s*curl(\.exe)?\s/.test(text);

const CONTENT_TYPES: Record<string, string> = { json: 'application/json', xml: 'application/xml' };

/** Another type of body; for JSON and XML the header that nobody else adds. */
export function withBodyType(resource: Resource, type: string): Resource {
  if (type === '') return { ...resource, body: null, body_type: null };
  const next = { ...resource, body: resource.body ?? '', body_type: type };
  const contentType = CONTENT_TYPES[type];
  const headers = resource.headers ?? [];
  const present = headers.some((header) => header.key.toLowerCase() === 'content-type');
  if (!contentType || present) return next;
  return { ...next, headers: [...headers, { key: 'Content-Type', value: contentType, required: true }] };
}

/** "" (none), or what the record says. */
export function bodyType(resource: Resource): string {
  if (resource.body === null || resource.body === undefined) return '';
  return resource.body_type ?? 'raw';
}

/** How often, and with which waits: read from the members that the record has, and written back into these. */
export const retries = {
  attempts(of: RetryHolder): string {
    if (of.retry?.attempts !== undefined) return String(Math.max(0, Number(of.retry.attempts) - 1));
    return text(of.retry_attempts);
  },
  setAttempts<T extends RetryHolder>(of: T, value: string): T {
    if (of.retry?.attempts !== undefined) return { ...of, retry: { ...of.retry, attempts: Number(value || 0) + 1 } };
    return { ...of, retry_attempts: number(value) };
  },
  wait(of: RetryHolder): string {
    return of.retry?.wait !== undefined ? text(of.retry.wait) : text(of.retry_wait_time);
  },
  setWait<T extends RetryHolder>(of: T, value: string): T {
    if (of.retry?.wait !== undefined) return { ...of, retry: { ...of.retry, wait: number(value) ?? 0 } };
    return { ...of, retry_wait_time: number(value) };
  },
  backoff: (of: RetryHolder): string => (of.retry?.backoff === 'exponential' ? 'exponential' : ''),
  setBackoff: <T extends RetryHolder>(of: T, value: string): T => withRetry(of, 'backoff', value),
  statuses: (of: RetryHolder): string => of.retry?.statuses ?? '',
  setStatuses: <T extends RetryHolder>(of: T, value: string): T => withRetry(of, 'statuses', value),
};

function withRetry<T extends RetryHolder>(of: T, member: 'backoff' | 'statuses', value: string): T {
  const { [member]: _, ...others } = of.retry ?? {};
  const retry: Retry = value === '' ? others : { ...others, [member]: value };
  if (Object.keys(retry).length > 0) return { ...of, retry };
  const { retry: __, ...rest } = of;
  return rest as T;
}

export const text = (value: unknown): string => (value === null || value === undefined ? '' : String(value));

export const number = (value: string): number | null => (value.trim() === '' ? null : Number(value));

function withoutUndefined<T extends object>(object: T): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}
