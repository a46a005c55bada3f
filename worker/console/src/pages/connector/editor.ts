/** The state of one connector while it is edited: what is stored, what was changed, how to undo it, and saving. */

import { batch, computed, signal } from '@preact/signals';

import { get, post, put, segment } from '../../api/client';
import { ApiError } from '../../api/errors';
import type { Connector } from '../../api/types';
import { type Credentials, credentialsOf, isChanged } from '../../connector/credentials';
import { blank, type Edited, edited, recordOf, sameRecord } from '../../connector/record';
import { draft, dropDraft, keepDraft } from '../../draft';

const INCLUDE = 'settings,used_by,updated_by';
const STEPS = 200;

interface Draft {
  state: Edited;
}

export interface Conflict {
  theirs: Connector;
  etag: string | null;
}

export class Editor {
  /** As it is on the server; null for a new one. */
  readonly stored = signal<Connector | null>(null);
  readonly state = signal<Edited>(blank());
  readonly credentials = signal<Credentials>({ set: [], settings: {}, typed: {} });
  readonly saving = signal(false);
  readonly error = signal<unknown>(null);
  readonly conflict = signal<Conflict | null>(null);
  /** When the draft that was restored was made. */
  readonly restored = signal<Date | null>(null);
  /** Texts of a try about fields, by `at` of API 10. */
  readonly marks = signal<Record<string, string>>({});
  private etag: string | null = null;
  private base: Edited = blank();
  private past: { state: Edited; what: string; at: number }[] = [];
  private future: Edited[] = [];

  readonly unsaved = computed(() => {
    void this.stored.value;
    return isChanged(this.credentials.value) || !sameRecord(this.state.value, this.base);
  });

  constructor(private readonly id: string | null) {
    if (id === null) this.restore();
  }

  get isNew(): boolean {
    return this.id === null;
  }

  private get draftName(): string {
    return `connector.${this.id ?? 'new'}`;
  }

  async load(aborted: AbortSignal): Promise<Connector> {
    const { data, etag } = await this.ask(aborted);
    if (aborted.aborted) return data;
    batch(() => {
      this.take(data, etag);
      this.restore();
    });
    return data;
  }

  private ask(aborted?: AbortSignal) {
    return get<Connector>(`/data_sources/${segment(this.id ?? '')}`, { query: { include: INCLUDE }, signal: aborted });
  }

  private take(record: Connector, etag: string | null): void {
    this.etag = etag;
    this.base = edited(record);
    this.stored.value = record;
    this.state.value = this.base;
    this.credentials.value = { set: record.credentials_set ?? [], settings: record.settings ?? {}, typed: {} };
    this.past = [];
    this.future = [];
  }

  private restore(): void {
    const kept = draft<Draft>(this.draftName);
    if (!kept || sameRecord(kept.state.state, this.base)) return;
    this.state.value = kept.state.state;
    this.restored.value = new Date(kept.at);
  }

  /** Changes the state; changes of the same field within a second are undone together. */
  change(what: string, how: (state: Edited) => Edited): void {
    const before = this.state.value;
    const after = how(before);
    if (after === before) return;
    const last = this.past.at(-1);
    const now = Date.now();
    if (!last || last.what !== what || now - last.at > 1_000)
      this.past = [...this.past.slice(-STEPS), { state: before, what, at: now }];
    else last.at = now;
    this.future = [];
    this.state.value = after;
    this.marks.value = {};
    this.keep();
  }

  undo(): void {
    const last = this.past.pop();
    if (!last) return;
    this.future.push(this.state.value);
    this.state.value = last.state;
    this.keep();
  }

  redo(): void {
    const next = this.future.pop();
    if (!next) return;
    this.past.push({ state: this.state.value, what: '', at: 0 });
    this.state.value = next;
    this.keep();
  }

  type(member: string, value: string | boolean | string[] | null | undefined): void {
    const { [member]: _, ...others } = this.credentials.value.typed;
    this.credentials.value = { ...this.credentials.value, typed: value === undefined ? others : { ...others, [member]: value } };
  }

  private keep(): void {
    if (sameRecord(this.state.value, this.base)) dropDraft(this.draftName);
    else keepDraft<Draft>(this.draftName, { state: this.state.value });
  }

  discard(): void {
    dropDraft(this.draftName);
    batch(() => {
      this.state.value = this.base;
      this.credentials.value = { ...this.credentials.value, typed: {} };
      this.restored.value = null;
      this.error.value = null;
      this.past = [];
    });
  }

  /** The record as it would be saved now. */
  record(): Partial<Connector> {
    const credentials = credentialsOf(
      this.state.value.authtype,
      this.credentials.value,
      this.base.authtype !== this.state.value.authtype,
    );
    return { ...recordOf(this.state.value), ...(credentials === undefined ? {} : { credentials }) };
  }

  /** Saves; answers the uuid of the connector, or null when the server refused. */
  async save(): Promise<string | null> {
    if (this.saving.value) return null;
    batch(() => {
      this.saving.value = true;
      this.error.value = null;
    });
    try {
      const uuid = this.isNew ? await this.create() : await this.update();
      dropDraft(this.draftName);
      this.restored.value = null;
      return uuid;
    } catch (error) {
      if (error instanceof ApiError && error.status === 412) await this.meet();
      else this.error.value = error;
      return null;
    } finally {
      this.saving.value = false;
    }
  }

  private async create(): Promise<string> {
    const { data } = await post<Connector>('/data_sources', this.record());
    this.base = this.state.value;
    return data.uuid;
  }

  private async update(): Promise<string | null> {
    await put(`/data_sources/${segment(this.id ?? '')}`, this.record(), { ifMatch: this.etag });
    const { data, etag } = await this.ask();
    this.etag = etag;
    const mine = this.state.value;
    batch(() => {
      this.base = { ...edited(data), endpoints: mine.endpoints };
      if (!sameRecord(mine, this.base)) this.base = edited(data);
      this.stored.value = data;
      this.state.value = this.base;
      this.credentials.value = { set: data.credentials_set ?? [], settings: data.settings ?? {}, typed: {} };
    });
    return data.uuid;
  }

  /** Somebody else saved first. */
  private async meet(): Promise<void> {
    const { data, etag } = await this.ask();
    this.conflict.value = { theirs: data, etag };
  }

  takeTheirs(): void {
    const conflict = this.conflict.value;
    if (!conflict) return;
    dropDraft(this.draftName);
    batch(() => {
      this.take(conflict.theirs, conflict.etag);
      this.conflict.value = null;
      this.restored.value = null;
    });
  }

  async keepMine(): Promise<string | null> {
    this.etag = this.conflict.value?.etag ?? null;
    this.conflict.value = null;
    return this.save();
  }

  /** The text about a field: of the last refusal, or of the last try. */
  errorOf(path: string, mark?: string): string | undefined {
    const refused = this.error.value instanceof ApiError ? this.error.value.field(path) : undefined;
    return refused ?? (mark === undefined ? undefined : this.marks.value[mark]);
  }
}
