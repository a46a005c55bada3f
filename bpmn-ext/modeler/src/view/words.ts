// Sizes, statuses and outcomes in words.

import type { Outcome } from '../host/types';

const STATUSES: { [status: number]: string } = {
  200: 'OK', 201: 'Created', 202: 'Accepted', 204: 'No Content', 206: 'Partial Content', 207: 'Multi-Status', 301: 'Moved Permanently', 302: 'Found',
  303: 'See Other', 304: 'Not Modified', 307: 'Temporary Redirect', 308: 'Permanent Redirect', 400: 'Bad Request', 401: 'Unauthorized',
  402: 'Payment Required', 403: 'Forbidden', 404: 'Not Found', 405: 'Method Not Allowed', 406: 'Not Acceptable', 408: 'Request Timeout',
  409: 'Conflict', 410: 'Gone', 411: 'Length Required', 412: 'Precondition Failed', 413: 'Content Too Large', 415: 'Unsupported Media Type',
  422: 'Unprocessable Content', 423: 'Locked', 425: 'Too Early', 428: 'Precondition Required', 429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error', 501: 'Not Implemented', 502: 'Bad Gateway', 503: 'Service Unavailable', 504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
};

/** "1.2 KB"; a kilobyte has 1,000 bytes. */
export function sizeOf(bytes: number): string {
  if (bytes < 1000) return bytes === 1 ? '1 byte' : `${bytes} bytes`;
  return bytes < 1_000_000 ? `${(bytes / 1000).toFixed(1)} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** "131 ms", "2.4 s". */
export function timeOf(ms: number): string {
  if (ms < 10) return `${Number(ms.toFixed(1))} ms`;
  return ms < 1000 ? `${Math.round(ms)} ms` : `${Number((ms / 1000).toFixed(1))} s`;
}

/** "200 OK". */
export function statusLine(status: number): string {
  const word = STATUSES[status];
  return word ? `${status} ${word}` : String(status);
}

/** "200 OK, 131 ms, 1.2 KB"; undefined without an answer. */
export function statusOf({ response, timing }: Outcome): string | undefined {
  if (!response) return undefined;
  const time = typeof timing?.total_ms === 'number' ? [timeOf(Math.round(timing.total_ms))] : [];
  return [statusLine(response.status), ...time, sizeOf(response.bytes)].join(', ');
}

/** How an answer's status is coloured. */
export function toneOf({ response }: Outcome): 'good' | 'warn' | 'bad' {
  const status = response?.status ?? 0;
  return status < 300 ? 'good' : status < 400 ? 'warn' : 'bad';
}

/** Whether a failure is shown as an alert: one without an answer, or one that the answer itself does not show. */
export function isAlert({ response, error }: Outcome): boolean {
  return error !== null && (!response || ['MAPPING', 'BAD_RESPONSE', 'RESULT_TOO_LARGE'].includes(error.code));
}

/** Whether a method only reads. */
export function isReading(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}
