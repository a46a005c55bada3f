/** One call, tried or only rendered. */

import type { Outcome } from 'bpmn-js-data-connector/parts';

import { post } from './client';
import type { Tried, TryRequest } from './types';

/** What came of it; that nothing came is no error. */
export async function attempt(request: TryRequest, signal?: AbortSignal): Promise<Outcome> {
  const { data } = await post<Tried>('/try', request, { signal });
  return { ...data, mapped: data.mapped as Outcome['mapped'], warnings: data.warnings ?? [], reads: data.reads ?? [] };
}
