/** The ways to sign in at a third party, and the members of each (CONTRACT 7, API 8). */

import { texts } from '../texts';
import type { Connector } from '../api/types';

export interface Member {
  name: string;
  /** Shown and edited as it is; all others never come to the browser. */
  setting?: boolean;
  optional?: boolean;
  /** One of these values. */
  choices?: string[];
  lines?: boolean;
}

const secret = (name: string): Member => ({ name });
const setting = (name: string): Member => ({ name, setting: true });
const optional = (member: Member): Member => ({ ...member, optional: true });

const clientAuth: Member = { name: 'client_auth', setting: true, optional: true, choices: ['', 'body', 'basic'] };
const oauthExtras = [optional(setting('scope')), optional(setting('audience')), clientAuth];

export const AUTHENTICATIONS: Record<string, Member[]> = {
  NONE: [],
  BASIC: [secret('username'), secret('password')],
  OAUTH2_BEARER: [secret('token')],
  API_KEY: [setting('name'), secret('value'), { name: 'in', setting: true, choices: ['header', 'query'] }],
  OAUTH2_CLIENT_CREDENTIALS: [
    setting('url'),
    secret('client_id'),
    optional(secret('client_secret')),
    { name: 'private_key', optional: true, lines: true },
    ...oauthExtras,
  ],
  OAUTH2_PASSWORD: [
    setting('url'),
    secret('client_id'),
    secret('client_secret'),
    secret('username'),
    secret('password'),
    ...oauthExtras,
  ],
  OAUTH2_REFRESH: [
    setting('url'),
    secret('client_id'),
    optional(secret('client_secret')),
    secret('refresh_token'),
    ...oauthExtras,
  ],
  OAUTH2_AUTHORIZATION_CODE: [
    setting('authorize_url'),
    setting('url'),
    secret('client_id'),
    optional(secret('client_secret')),
    ...oauthExtras,
  ],
  DIGEST: [secret('username'), secret('password')],
  AWS_SIGV4: [
    secret('access_key_id'),
    secret('secret_access_key'),
    optional(secret('session_token')),
    setting('region'),
    setting('service'),
  ],
  HEADERS: [],
};

export const authenticationName = (authtype: string): string => texts.authentication.types[authtype] ?? authtype;

export const memberName = (member: string): string => texts.authentication.members[member] ?? member;

export type Status = 'active' | 'inactive' | 'missing';

/** Active, inactive, or without the credentials that its calls need. */
export function statusOf(connector: Pick<Connector, 'status' | 'authtype' | 'credentials_set'>): Status {
  if (connector.status === 'INACTIVE') return 'inactive';
  const needed = (AUTHENTICATIONS[connector.authtype] ?? []).filter((member) => !member.optional && member.name !== 'in');
  const set = connector.credentials_set ?? [];
  return needed.every((member) => set.includes(member.name)) ? 'active' : 'missing';
}
