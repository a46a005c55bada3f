/** Who is signed in. The token lives in this tab's storage, or in the browser's when asked; never in a cookie. */

import { computed, signal } from '@preact/signals';

import type { Me, Scope } from './types';

const KEY = 'data-connector.token';
const channel = new BroadcastChannel('data-connector.session');

export const token = signal<string | null>(sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY));
export const me = signal<Me | null>(null);

/** Set while a request waits for somebody to sign in again. */
export const ended = signal(false);

export const isLimited = computed(() => me.value?.connectors != null);

let waiting: { resolve: () => void; reject: (error: unknown) => void }[] = [];

/** Takes a token that the server has accepted. */
export function keep(value: string, whose: Me, stays: boolean): void {
  forgetStored();
  (stays ? localStorage : sessionStorage).setItem(KEY, value);
  token.value = value;
  me.value = whose;
  ended.value = false;
  const those = waiting;
  waiting = [];
  for (const one of those) one.resolve();
}

/** Forgets the token here and in all other tabs. */
export function signOut(): void {
  forget();
  channel.postMessage('signed-out');
}

channel.onmessage = () => forget();

function forget(): void {
  forgetStored();
  token.value = null;
  me.value = null;
  ended.value = false;
  const those = waiting;
  waiting = [];
  for (const one of those) one.reject(new DOMException('signed out', 'AbortError'));
}

function forgetStored(): void {
  sessionStorage.removeItem(KEY);
  localStorage.removeItem(KEY);
}

export function stays(): boolean {
  return localStorage.getItem(KEY) !== null;
}

/** Resolves once somebody has signed in again; what was typed stays on the page meanwhile. */
export function signedInAgain(aborted?: AbortSignal | null): Promise<void> {
  ended.value = true;
  return new Promise((resolve, reject) => {
    waiting.push({ resolve, reject });
    aborted?.addEventListener('abort', () => reject(aborted.reason));
  });
}

/** Whether the token has a scope, or one that includes it (API.md 3). */
export function may(scope: Scope): boolean {
  const scopes = me.value?.scopes ?? [];
  const includedIn: Record<Scope, Scope[]> = {
    read: ['read', 'manage', 'admin'],
    execute: ['execute', 'manage', 'admin'],
    manage: ['manage', 'admin'],
    admin: ['admin'],
  };
  return scopes.some((held) => includedIn[scope].includes(held));
}

/** What is not a connector or a job is refused to a limited token. */
export function mayEverywhere(scope: Scope): boolean {
  return may(scope) && !isLimited.value;
}
