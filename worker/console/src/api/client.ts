/** The one way to the server: everything that a page asks for goes through `call`. */

import { answered, unanswered } from './connection';
import { ApiError, Away, type ErrorBody, isAbort } from './errors';
import { signedInAgain, token } from './session';

const BASE = '/api/1.0';

export type Query = Record<string, string | number | boolean | null | undefined>;

export interface Request {
  query?: Query;
  /** Sent as JSON; a string or a blob is sent as it is, with `type`. */
  body?: unknown;
  type?: string;
  accept?: string;
  ifMatch?: string | null;
  ifNoneMatch?: string | null;
  signal?: AbortSignal | null;
  /** Another token than the one that is signed in. */
  token?: string;
}

export interface Answer<T> {
  status: number;
  data: T;
  etag: string | null;
  headers: Headers;
}

export async function call<T>(method: string, path: string, request: Request = {}): Promise<Answer<T>> {
  for (;;) {
    const used = request.token ?? token.value;
    const response = await send(method, path, request, used);
    if (response.status === 401 && used !== null && request.token === undefined) {
      if (used === token.value) await signedInAgain(request.signal);
      continue;
    }
    return read<T>(response, method);
  }
}

export const get = <T>(path: string, request?: Request) => call<T>('GET', path, request);
export const post = <T>(path: string, body?: unknown, request?: Request) => call<T>('POST', path, { body, ...request });
export const put = <T>(path: string, body?: unknown, request?: Request) => call<T>('PUT', path, { body, ...request });
export const remove = <T>(path: string, request?: Request) => call<T>('DELETE', path, request);

/** One segment of a path. */
export const segment = (value: string | number): string => encodeURIComponent(String(value));

export function url(path: string, query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== '') parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return BASE + path + (text === '' ? '' : `?${text}`);
}

async function send(method: string, path: string, request: Request, bearer: string | null): Promise<Response> {
  const headers = new Headers();
  if (bearer !== null) headers.set('Authorization', `Bearer ${bearer}`);
  if (request.accept) headers.set('Accept', request.accept);
  if (request.ifMatch) headers.set('If-Match', request.ifMatch);
  if (request.ifNoneMatch) headers.set('If-None-Match', request.ifNoneMatch);
  let body: BodyInit | undefined;
  if (request.body !== undefined) {
    headers.set('Content-Type', request.type ?? 'application/json');
    body = request.type ? (request.body as BodyInit) : JSON.stringify(request.body);
  }
  try {
    const response = await fetch(url(path, request.query), {
      method,
      headers,
      body,
      signal: request.signal,
      cache: 'no-store',
      credentials: 'omit',
    });
    answered();
    return response;
  } catch (error) {
    if (isAbort(error)) throw error;
    unanswered();
    throw new Away();
  }
}

async function read<T>(response: Response, method: string): Promise<Answer<T>> {
  const type = response.headers.get('Content-Type') ?? '';
  const text = method === 'HEAD' ? '' : await response.text();
  const isJson = /[/+]json/.test(type) && text !== '';
  if (!response.ok && response.status !== 304) {
    throw new ApiError(response.status, errorBody(response, isJson ? JSON.parse(text) : null), retryAfter(response));
  }
  const data = (isJson ? JSON.parse(text) : text) as T;
  return { status: response.status, data, etag: response.headers.get('ETag'), headers: response.headers };
}

function errorBody(response: Response, body: Partial<ErrorBody> | null): ErrorBody {
  return {
    ...body,
    message: body?.message ?? `The server answered with status ${response.status}.`,
    code: body?.code ?? `STATUS_${response.status}`,
    request_id: body?.request_id ?? response.headers.get('X-Request-Id') ?? undefined,
  };
}

function retryAfter(response: Response): number | null {
  const seconds = Number(response.headers.get('Retry-After'));
  return Number.isFinite(seconds) && seconds > 0 ? seconds : null;
}
