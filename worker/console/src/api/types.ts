/** The shapes of API.md that the pages use. */

export type Scope = 'read' | 'execute' | 'manage' | 'admin';

export interface Me {
  kind: 'token' | 'oidc';
  id?: number | string;
  name: string;
  scopes: Scope[];
  connectors: string[] | null;
  expires_at: string | null;
}

export interface List<T> {
  data: T[];
  meta: { total: number; total_pages: number; current_page: number; per_page: number; from: number | null; to: number | null };
}

export interface Cursor<T> {
  data: T[];
  meta: { count: number; per_page: number; next: string | null };
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

export interface UsedBy {
  process: string;
  version: string;
  elements: string[];
}

export type Settings = Record<string, unknown>;

export interface Connector {
  id: number;
  uuid: string;
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
  settings?: Settings;
  used_by?: UsedBy[];
  last_call_at?: string | null;
  updated_by?: { id: string; name: string } | null;
  resources?: { name: string; method: string; description: string | null }[];
  timeout?: number | string | null;
  retry_attempts?: number | string | null;
  retry_wait_time?: number | string | null;
  retry?: Retry;
  repeat?: string | null;
  [more: string]: unknown;
}

export interface Category {
  id: number;
  uuid: string;
  name: string;
  status: string;
  is_system: boolean;
}

export interface Account {
  connected: boolean;
  connected_at: string | null;
  scope: string | null;
}

export interface TryRequest {
  connector: number | string | Partial<Connector>;
  resource: string | Resource;
  config?: unknown;
  data?: unknown;
  credentials?: Settings;
  dry_run?: boolean;
  answer?: { status: number; headers: [string, string][]; body: string | null };
}

export interface SentRequest {
  method: string;
  url: string;
  headers: [string, string][];
  body: string | null;
  curl: string;
}

export interface UpstreamAnswer {
  status: number;
  headers: [string, string][];
  body: string | null;
  bytes: number;
  truncated: boolean;
  kind: 'json' | 'xml' | 'text' | 'binary';
}

export interface Timing {
  name_ms: number | null;
  connect_ms: number | null;
  tls_ms: number | null;
  first_byte_ms: number | null;
  token_ms: number | null;
  total_ms: number | null;
}

export interface Tried {
  request: SentRequest | null;
  response: UpstreamAnswer | null;
  timing: Timing | null;
  mapped: Record<string, unknown> | null;
  warnings: string[] | null;
  reads: string[] | null;
  error: { code: string; message: string; at: string | null } | null;
}

export interface Converted {
  kind: string;
  name: string | null;
  records: Partial<Connector>[];
  changed: string[];
  left_out: { what: string; why: string }[];
}

export interface Job {
  id: string;
  state: string;
  status: 'completed' | 'failed' | 'cancelled' | null;
  engine: string;
  process: string | null;
  version: string | null;
  request: string;
  element: string;
  connector: string | null;
  resource: string | null;
  attempt: number;
  code: string | null;
  http_status: number | null;
  duration_ms: number | null;
  due_at: string | null;
  replay_of: string | null;
  created_at: string;
  updated_at: string;
}

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
  answer: { status: number; headers: [string, string][]; body: string | null } | null;
  message: { element?: { name?: string }; [more: string]: unknown } | null;
  attempts: Attempt[];
  result: {
    status: string;
    data?: Record<string, unknown>;
    error?: { code: string; message: string; body?: string; attempts?: Attempt[] };
    [more: string]: unknown;
  } | null;
}

export interface DeadLetter {
  id: number;
  arrived_at: string;
  reason: string | null;
  detail: string | null;
  job: string | null;
  attempts: number | null;
  exchange: string | null;
  routing_key: string | null;
  replayed_at: string | null;
  properties?: Record<string, unknown>;
  body?: string | null;
}

export interface ModelRow {
  process: string;
  version: string;
  elements: number;
  deployed_at: string;
  file: string | null;
  name?: string | null;
  jobs?: number;
  failed?: number;
}

export interface Task {
  process: string;
  element: string;
  name: string | null;
  dialect: string;
  config: { dataSource?: string | number; endpoint?: string; [more: string]: unknown } | string;
  [more: string]: unknown;
}

export interface Diagnostic {
  code: string;
  severity: 'error' | 'warning';
  position: { line: number; column: number };
  message: string;
  help: string | null;
  element: string | null;
  name: string | null;
  path: string | null;
  fix?: { title: string; edits: { path: string; value: string | null }[] };
}

export interface Stats {
  from: string;
  to: string;
  buckets: { at: string; completed: number; failed: number }[];
  connectors: {
    id: number | string;
    name: string;
    calls: number;
    failed: number;
    p50_ms: number | null;
    p99_ms: number | null;
  }[];
  elements: { process: string; version: string; element: string; jobs: number; failed: number }[];
  now: { workers: number; in_flight: number; queued: number; waiting: number; oldest_waiting_s: number | null };
  needs: { kind: string; count: number; target: string | null }[];
}

export interface Worker {
  id: string;
  host: string;
  version: string;
  state: string;
  reasons: string[];
  queues: string[];
  in_flight: number;
  concurrency: number;
  started_at: string;
  seen_at: string;
}

export interface Queue {
  queue: string;
  messages: number;
  workers: number;
  oldest_s: number | null;
}

export interface Secret {
  name: string;
  hosts: string[];
  changed_at: string;
  used_by: (string | { id?: string; name?: string })[];
}

export interface Token {
  id: number;
  name: string;
  scopes: Scope[];
  connectors: string[] | null;
  created_by: string | null;
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
  revoked_at: string | null;
  token?: string;
}

export interface AuditEntry {
  seq: number;
  at: string;
  actor: string;
  action: string;
  target: string | null;
  detail: unknown;
  request_id: string | null;
}

export interface Bulk {
  id: string;
  action: 'replay' | 'cancel';
  count: number;
  done: number;
  failed: number;
  state: 'running' | 'stopped' | 'done';
  errors: { job: string; message: string }[];
}

export interface Example {
  name: string;
  title: string;
  description?: string;
  model: string;
  connectors: Partial<Connector>[];
  data: Record<string, unknown>;
}

export interface Collection {
  id: number;
  uuid: string;
  name: string;
  description: string | null;
  columns: Column[];
  connector_id: number | null;
  records_count: number;
  created_at: string;
  updated_at: string;
}

export interface Column {
  label?: string;
  field: string;
  type?: string;
  required?: boolean;
  unique?: boolean;
  indexed?: boolean;
}

export interface CollectionRecord {
  id: number;
  data: Record<string, unknown>;
  version: number;
  created_at: string;
  updated_at: string;
}

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
