/** What needs somebody, for the counts in the navigation: asked at most once a minute. */

import { signal } from '@preact/signals';

import { get } from '../api/client';
import { may, me } from '../api/session';
import type { Stats } from '../api/types';

export const needs = signal<Stats['needs']>([]);

const MINUTE = 60_000;
let askedAt = 0;

export async function askNeeds(): Promise<void> {
  if (me.value === null || !may('read') || document.hidden || Date.now() - askedAt < MINUTE) return;
  askedAt = Date.now();
  try {
    needs.value = (await get<Stats>('/stats', { query: { period: '24h' } })).data.needs;
  } catch {
    // The counts are an extra; the pages say what is wrong with the server.
  }
}

/** Takes them from an answer that a page has asked for anyway. */
export function takeNeeds(from: Stats['needs']): void {
  askedAt = Date.now();
  needs.value = from;
}
