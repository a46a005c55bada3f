/** What is changed of a connector's credentials. Values that are set are never known here, only kept or replaced. */

import type { Settings } from '../api/types';
import { AUTHENTICATIONS } from './authentication';

/** Stands for a value that stays as it is (API 4). */
export const KEPT = '********';

/** Members that any way to sign in can have. */
export const COMMON = ['hosts', 'verify_certificate', 'expired_statuses', 'client_certificate', 'client_key'] as const;

export interface Credentials {
  /** Members that have a value on the server. */
  set: string[];
  /** Those of them that are no secrets, with their values. */
  settings: Settings;
  /** What was typed here, by member; never stored in a draft. `null` removes one. */
  typed: Record<string, string | boolean | string[] | null>;
}

export const isChanged = (of: Credentials): boolean => Object.keys(of.typed).length > 0;

/** The members that a way to sign in keeps; for own headers, all that are none of the common ones. */
export function membersOf(authtype: string, of: Credentials): string[] {
  const known =
    authtype === 'HEADERS'
      ? [...of.set, ...Object.keys(of.typed)].filter((member) => !(COMMON as readonly string[]).includes(member))
      : (AUTHENTICATIONS[authtype] ?? []).map((member) => member.name);
  return [...new Set([...known, ...COMMON])];
}

/** The `credentials` of a PUT, or undefined when nothing of them changed. */
export function credentialsOf(authtype: string, of: Credentials, authtypeChanged: boolean): Settings | undefined {
  if (!isChanged(of) && !authtypeChanged) return undefined;
  const result: Settings = {};
  for (const member of membersOf(authtype, of)) {
    const typed = of.typed[member];
    if (typed === null) continue;
    if (typed !== undefined && typed !== '') result[member] = typed;
    else if (typed === undefined && !of.set.includes(member) && defaultOf(authtype, member))
      result[member] = defaultOf(authtype, member);
    else if (typed === undefined && of.set.includes(member)) result[member] = member in of.settings ? of.settings[member] : KEPT;
  }
  return result;
}

/** A choice that is made for everybody who makes none. */
function defaultOf(authtype: string, member: string): string | undefined {
  return AUTHENTICATIONS[authtype]?.find((one) => one.name === member && !one.optional)?.choices?.[0];
}
