/** What the tabs of a deployed version share. */

import { type Deployed, deployed, fileOf, type Lint, lint } from '../../model/model';

export interface Whole {
  model: Deployed;
  xml: string | null;
  lint: Lint | null;
}

/** A version with its file, and what lint says of it. */
export async function whole(process: string, version: string, signal?: AbortSignal): Promise<Whole> {
  const [model, xml] = await Promise.all([deployed(process, version, signal), fileOf(process, version, signal)]);
  return { model, xml, lint: xml === null ? null : await lint(xml, undefined, signal).catch(() => null) };
}

/** The name of an element in the file, else its id. */
export function nameOf(data: Whole, element: string): string {
  return data.lint?.tasks.find((task) => task.element === element)?.name ?? element;
}

export function jobsHref(model: Deployed, element: string): string {
  return `/jobs?process=${encodeURIComponent(model.process)}&element=${encodeURIComponent(element)}&period=24h`;
}
