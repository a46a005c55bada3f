/** Reading from the server in pages: once (`useLoad`), or again and again while the page is looked at (`useLive`). */

import { signal, useSignalEffect } from '@preact/signals';
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

import { type Answer, get, type Query } from './client';
import { awaySince } from './connection';
import { Away, isAbort } from './errors';

export interface Loaded<T> {
  data: T | undefined;
  error: unknown;
  /** When the request that runs began; null when none does. */
  since: number | null;
  reload: () => void;
  stop: () => void;
}

/** What `load` answers; asked again when `deps` change. Old data stay meanwhile; a late answer never replaces a newer one. */
export function useLoad<T>(load: (signal: AbortSignal) => Promise<T>, deps: unknown[]): Loaded<T> {
  const [state, setState] = useState<{ data?: T; error?: unknown; since: number | null }>({ since: Date.now() });
  const [turn, setTurn] = useState(0);
  const running = useRef<AbortController | null>(null);
  /** Nobody answered: asked again once somebody does. */
  const lost = useRef(false);
  useEffect(() => {
    const controller = new AbortController();
    running.current = controller;
    setState((before) => ({ ...before, since: Date.now() }));
    load(controller.signal).then(
      (data) => !controller.signal.aborted && setState({ data, since: null }),
      (error: unknown) => !controller.signal.aborted && setState((before) => ({ data: before.data, error, since: null })),
    );
    return () => controller.abort();
  }, [...deps, turn]);
  useSignalEffect(() => {
    if (awaySince.value === null && lost.current) setTurn((n) => n + 1);
  });
  lost.current = state.error instanceof Away;
  const stop = useCallback(() => {
    running.current?.abort();
    setState((before) => ({ ...before, since: null }));
  }, []);
  return { data: state.data, error: state.error, since: state.since, reload: useCallback(() => setTurn((n) => n + 1), []), stop };
}

/** Whether lists ask again by themselves; a choice for all of them. */
export const paused = signal(false);

const QUICK = 2_000;
const SLOW = 10_000;
const IDLE = 5 * 60_000;

let lastTouched = Date.now();
for (const event of ['pointerdown', 'pointermove', 'keydown', 'wheel']) {
  addEventListener(event, () => (lastTouched = Date.now()), { passive: true });
}

export interface Live<T> extends Loaded<T> {
  /** Whether the data are those of the query, and not what stays of an earlier one until they are there. */
  isCurrent: boolean;
  etag: string | null;
  updatedAt: number | null;
  /** The server's clock when it answered last with something new, to the end of that second; ISO 8601. */
  serverTime: string | null;
}

/** A GET that is repeated every 2 s, every 10 s after five idle minutes, and never while the page is hidden. */
export function useLive<T>(path: string, query: Query = {}, every = QUICK): Live<T> {
  const key = JSON.stringify([path, query]);
  const [state, setState] = useState<{
    /** The query of the answer. */
    key: string;
    answer?: Answer<T>;
    error?: unknown;
    since: number | null;
    at: number | null;
  }>({
    key,
    since: Date.now(),
    at: null,
  });
  const [turn, setTurn] = useState(0);
  const latest = useRef<{ key: string; etag: string | null }>({ key, etag: null });
  const running = useRef<AbortController | null>(null);

  useEffect(() => {
    const controller = new AbortController();
    running.current = controller;
    let timer = 0;
    if (latest.current.key !== key) latest.current = { key, etag: null };
    const ask = async () => {
      try {
        const answer = await get<T>(path, { query, signal: controller.signal, ifNoneMatch: latest.current.etag });
        if (controller.signal.aborted) return;
        latest.current.etag = answer.etag;
        setState((before) => ({
          key,
          answer: answer.status === 304 ? before.answer : answer,
          since: null,
          at: Date.now(),
        }));
      } catch (error) {
        if (controller.signal.aborted || isAbort(error)) return;
        setState((before) => ({ ...before, error, since: null }));
      }
      again();
    };
    const again = () => {
      const wait = Date.now() - lastTouched > IDLE ? Math.max(SLOW, every) : every;
      timer = window.setTimeout(() => {
        if (document.hidden || paused.value) again();
        else void ask();
      }, wait);
    };
    setState((before) => ({ ...before, since: Date.now() }));
    void ask();
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [key, turn]);

  const stop = useCallback(() => {
    running.current?.abort();
    setState((before) => ({ ...before, since: null }));
  }, []);
  return {
    data: state.answer?.data,
    isCurrent: state.answer !== undefined && state.key === key,
    etag: state.answer?.etag ?? null,
    error: state.error,
    since: state.since,
    updatedAt: state.at,
    serverTime: state.answer ? endOfSecond(state.answer.headers.get('Date')) : null,
    reload: useCallback(() => setTurn((n) => n + 1), []),
    stop,
  };
}

/** HTTP dates have no fractions: what happened within the second belongs to it. */
function endOfSecond(date: string | null): string {
  const time = Date.parse(date ?? '') || Date.now();
  return new Date(Math.floor(time / 1_000) * 1_000 + 999).toISOString();
}
