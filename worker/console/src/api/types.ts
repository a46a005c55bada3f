/** The shapes of answers: of the API's own description, and finer where that one says no more than "object" (API.md). */

import type { components } from './schema';

type Schemas = components['schemas'];
/** A shape with some members in a finer one. */
type Finer<T, Members> = Omit<T, keyof Members> & Members;

export type Scope = Schemas['Scopes'][number];
export type Me = Schemas['Me'];

export interface List<T> {
  data: T[];
  meta: Schemas['Meta'];
}

export interface Cursor<T> {
  data: T[];
  meta: Schemas['CursorMeta'];
}

/** A parameter or header of a resource. */
export interface Row {
  id?: number;
  key: string;
  value: string;
  required?: boolean;
  description?: string;
}

export interface Retry {
  attempts?: number;
  wait?: number | string;
  backoff?: string;
  maxWait?: number | string;
  budget?: number | string;
  statuses?: string;
}

export interface Resource {
  url: string;
  method: string;
  purpose?: string;
  description?: string | null;
  params?: Row[];
  headers?: Row[];
  body?: string | null;
  body_type?: string | null;
  testData?: string | null;
  testAnswer?: unknown;
  timeout?: number | string | null;
  retry_attempts?: number | string | null;
  retry_wait_time?: number | string | null;
  retry?: Retry;
  repeat?: string | null;
  [more: string]: unknown;
}

export type Settings = Record<string, unknown>;

export type UsedBy = Schemas['ModelUse'];

/** What every connector has, whatever was asked for. */
interface ConnectorMembers {
  name: string;
  description: string | null;
  type: string;
  authtype: string;
  credentials: string | Settings | null;
  credentials_set: string[];
  endpoints: Record<string, Resource>;
  status: 'ACTIVE' | 'INACTIVE';
  data_source_category_id: string | null;
  warnings: string[];
  created_at: string;
  updated_at: string;
  timeout?: number | string | null;
  retry_attempts?: number | string | null;
  retry_wait_time?: number | string | null;
  retry?: Retry;
  repeat?: string | null;
}

export type Connector = Pick<
  Schemas['dataSource'],
  'id' | 'uuid' | 'resources' | 'used_by' | 'last_call_at' | 'updated_by' | 'settings'
> &
  ConnectorMembers & { [more: string]: unknown };

export type Category = Schemas['DataSourceCategory'];

export interface Account {
  connected: boolean;
  connected_at: string | null;
  scope: string | null;
}

export type TryRequest = Finer<
  Schemas['Try'],
  {
    connector: number | string | Partial<Connector>;
    resource: string | Resource;
    config?: unknown;
    data?: unknown;
    credentials?: Settings;
    answer?: Pick<UpstreamAnswer, 'status' | 'headers' | 'body'>;
  }
>;

type Headers = [string, string][];

export type SentRequest = Finer<NonNullable<Schemas['Tried']['request']>, { headers: Headers; body: string | null }>;

export type UpstreamAnswer = Finer<NonNullable<Schemas['Tried']['response']>, { headers: Headers }>;

export type Tried = Finer<
  Schemas['Tried'],
  {
    request: SentRequest | null;
    response: UpstreamAnswer | null;
    mapped: Record<string, unknown> | null;
    warnings: string[] | null;
    reads: string[] | null;
  }
>;

export type Converted = Finer<Schemas['Conversion'], { records: Partial<Connector>[] }>;

export type Job = Finer<Schemas['JobRow'], { engine: string; request: string; element: string }>;

export interface Attempt {
  number: number;
  at: string;
  code?: string | null;
  status?: number | null;
  duration_ms: number;
  waited_ms?: number | null;
}

export interface WholeJob extends Job {
  sent: SentRequest | null;
  answer: Pick<UpstreamAnswer, 'status' | 'headers' | 'body'> | null;
  message: { element?: { name?: string }; [more: string]: unknown } | null;
  attempts: Attempt[];
  result: {
    status: string;
    data?: Record<string, unknown>;
    error?: { code: string; message: string; body?: string; attempts?: Attempt[] };
    [more: string]: unknown;
  } | null;
}

export type DeadLetter = Schemas['DeadLetterRow'] & { properties?: unknown; body?: string | null };

export type ModelRow = Finer<Schemas['Deployment'], { file: string | null }>;

export interface Task {
  process: string;
  element: string;
  name: string | null;
  dialect: string;
  config: { dataSource?: string | number; endpoint?: string; [more: string]: unknown } | string;
  [more: string]: unknown;
}

export type Diagnostic = Finer<Schemas['Diagnostic'], { position: { line: number; column: number } }>;

export type Stats = Schemas['Stats'];
export type Worker = Schemas['Workers']['data'][number];
export type Queue = Schemas['Workers']['queues'][number];
export type Setting = Schemas['Settings']['data'][number];

export type Secret = Finer<Schemas['Secret'], { used_by: (string | { id?: string; name?: string })[] }>;

export type Token = Finer<Schemas['Token'], { created_by: string | null }> & Partial<Pick<Schemas['CreatedToken'], 'token'>>;

export type AuditEntry = Finer<Schemas['AuditRow'], { target: string | null; detail: unknown }>;

export type Bulk = Finer<Schemas['Bulk'], { action: 'replay' | 'cancel' }>;

export type Example = Finer<Schemas['Examples']['data'][number], { connectors: Partial<Connector>[] }>;

export type Column = Schemas['Column'];

export interface Collection extends Pick<Schemas['Collection'], 'id' | 'uuid' | 'records_count'> {
  name: string;
  description: string | null;
  columns: Column[];
  connector_id: number | null;
  created_at: string;
  updated_at: string;
}

export type CollectionRecord = Pick<Schemas['Record'], 'id' | 'data' | 'version'> & { created_at: string; updated_at: string };

export interface ImportReport {
  mode: string;
  dry_run: boolean;
  read: number;
  created: number;
  updated: number;
  unchanged: number;
  skipped: number;
  failed: number;
  aborted: unknown;
  errors: { line: number | null; record: number; field: string | null; message: string }[];
  errors_truncated: boolean;
}
