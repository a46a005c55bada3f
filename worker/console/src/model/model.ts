/** A deployed model: its address, its file, its elements, and what lint finds in it. */

import { call, get, segment } from '../api/client';
import { ApiError } from '../api/errors';
import type { Diagnostic, Task } from '../api/types';

export const modelHref = (process: string, version: string): string =>
  `/models/${encodeURIComponent(process)}/${encodeURIComponent(version)}`;

export interface Deployed {
  process: string;
  version: string;
  name?: string | null;
  file: string | null;
  deployed_at: string;
  /** What workers use, by element. */
  elements: Record<string, StoredTask>;
}

export interface StoredTask {
  config: Record<string, unknown> | string | null;
  errorHandling?: unknown;
}

export interface Lint {
  tasks: Task[];
  diagnostics: Diagnostic[];
}

/** The file as it was deployed; null where it was not kept. */
export async function fileOf(process: string, version: string, signal?: AbortSignal): Promise<string | null> {
  try {
    return (await get<string>(`/models/${segment(process)}/${segment(version)}`, { accept: 'application/xml', signal })).data;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

export async function lint(xml: string, data?: unknown, signal?: AbortSignal): Promise<Lint> {
  return (await call<Lint>('POST', '/models/lint', { body: { model: xml, ...(data === undefined ? {} : { data }) }, signal }))
    .data;
}

export async function deployed(process: string, version: string, signal?: AbortSignal): Promise<Deployed> {
  return (await get<Deployed>(`/models/${segment(process)}/${segment(version)}`, { query: { include: 'name' }, signal })).data;
}

/** Which connector and resource an element calls. */
export function called(task: StoredTask): { connector: string; resource: string } {
  const config = typeof task.config === 'string' ? parsed(task.config) : (task.config ?? {});
  return { connector: String(config.dataSource ?? '–'), resource: String(config.endpoint ?? '–') };
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** Deploys a file; errors of lint come as an `ApiError` with `diagnostics`. */
export async function deploy(xml: string, file: string, label: string): Promise<{ process: string; version: string }[]> {
  const { data } = await call<{ data: { process: string; version: string }[] }>('POST', '/models', {
    body: xml,
    type: 'application/xml',
    query: { version: label, file },
  });
  return data.data;
}
