// ProcessMaker's spelling of a call: JSON in the attributes `pm:config` and `pm:errorHandling`. Edits change the text in
// place, so that what is not edited keeps its digits, its order and its members. Must not know the other spelling.

import { applyEdits, modify, parse, parseTree, type JSONPath, type ParseError } from 'jsonc-parser';

import type { Json } from '../host/types';
import { attribute, type Change, type ModdleElement } from './moddle';
import { emptyCall, RETRY_MEMBERS, scalarOf, type Call, type Edit, type List, type Scalar } from './types';

export const IMPLEMENTATION = 'package-data-sources/data-source-task-service';
const IMPLEMENTATIONS = [IMPLEMENTATION, 'package-data-sources/datasource-task-service'];
const CALLED_ELEMENT = 'data_source_callback-data_source_sub_process';
const EMPTY = '{"dataSource":"","endpoint":""}';
const LISTS: { [list in List]: string } = { inputs: 'outboundConfig', outputs: 'dataMapping', errors: 'errorMapping' };
const MEMBERS: { [cell: string]: string } = { variable: 'key', source: 'value' };
const FORMATS: { [list in List]?: string } = { inputs: 'mustache', outputs: 'dotNotation' };
/** Members that another spelling has a place for; `type` and an unset callback say nothing. */
const SHARED = new Set([
  'dataSource', 'endpoint', 'queue', 'repeat', 'success', 'timeout', 'retry', 'outboundConfig', 'dataMapping', 'errorMapping',
]);
const SILENT = new Set([
  'type', 'callback_url', 'callback_variable', 'callback_methods', 'callback_data_types', 'callback_authentication',
  'callback_authentication_username', 'callback_authentication_password', 'callback_whitelist',
]);

/** The JSON texts of an element: `pm:config` and `pm:errorHandling`. */
export interface Texts {
  config: string;
  handling: string;
}

/** Whether ProcessMaker's attributes make an element a connector. */
export function isConnector(of: ModdleElement): boolean {
  const implemented = IMPLEMENTATIONS.includes(attribute(of, 'implementation')?.trim() ?? '');
  if (of.$type === 'bpmn:ServiceTask') return implemented;
  const called = attribute(of, 'calledElement')?.trim() === CALLED_ELEMENT;
  return of.$type === 'bpmn:CallActivity' && (implemented || called);
}

/** The call that the attributes mean, as far as they can be read. */
export function read(of: ModdleElement): Call {
  return readTexts(texts(of));
}

/** The call that texts mean, as far as they can be read. */
export function readTexts({ config, handling }: Texts): Call {
  const [members, error] = [objectIn(config), objectIn(handling)];
  const call = emptyCall();
  call.connector = text(members['dataSource']);
  call.resource = bareResource(text(members['endpoint']));
  for (const name of ['queue', 'repeat', 'success'] as const) call[name] = text(members[name]);
  call.timeout = text(members['timeout']) || text(error['timeout']);
  const retry = object(members['retry']);
  for (const member of RETRY_MEMBERS) call.retry[member] = text(retry[member]);
  call.retry.attempts ||= plus(text(error['retry_attempts']), 1);
  call.retry.wait ||= text(error['retry_wait_time']);
  call.inputs = objects(members['outboundConfig']).map((row) => ({
    type: text(row['type']).trim().toUpperCase(),
    key: text(row['key']),
    value: text(row['value']),
    format: text(row['format']) || 'mustache',
  }));
  call.outputs = objects(members['dataMapping']).map((row) => ({
    variable: text(row['key']),
    source: text(row['value']),
    format: text(row['format']) || 'dotNotation',
  }));
  call.errors = objects(members['errorMapping']).map((row) => ({
    when: text(row['when']),
    code: text(row['code']),
    message: text(row['message']),
  }));
  return call;
}

/** Why an element cannot be edited: its JSON is broken. */
export function brokenText(of: ModdleElement): 'pm:config' | 'pm:errorHandling' | undefined {
  const { config, handling } = texts(of);
  if (!isObject(config)) return 'pm:config';
  return isObject(handling) ? undefined : 'pm:errorHandling';
}

/** The changes that an edit means; none where the JSON is broken. */
export function edit(of: ModdleElement, edit: Edit): Change[] {
  if (brokenText(of)) return [];
  const before = texts(of);
  return changes(of, before, editTexts(before, edit));
}

/** The changes that replace broken JSON by an empty configuration. */
export function startAnew(of: ModdleElement): Change[] {
  const broken = brokenText(of);
  if (!broken) return [];
  return [{ target: of, properties: { [broken]: broken === 'pm:config' ? EMPTY : undefined } }];
}

/** The attributes of a new element for a call. */
export function write(call: Call): { [name: string]: string | undefined } {
  // Lists come with their first row: an empty one is not the same as none, with which the resource's headers are sent.
  let texts: Texts = { config: EMPTY, handling: '{}' };
  for (const scalar of ['connector', 'resource', 'queue', 'repeat', 'success', 'timeout', ...RETRY_MEMBERS.map((m) => `retry.${m}`)]) {
    const value = scalarOf(call, scalar as Scalar);
    if (value) texts = editTexts(texts, { set: scalar as Scalar, value });
  }
  for (const list of ['inputs', 'outputs', 'errors'] as const) {
    for (const row of call[list]) texts = editTexts(texts, { list, add: row } as Edit);
  }
  return {
    implementation: IMPLEMENTATION,
    'pm:config': texts.config,
    'pm:errorHandling': texts.handling === '{}' ? undefined : texts.handling,
  };
}

/** `pm:config` as a job carries it; empty where it is broken. */
export function config(of: ModdleElement): { [name: string]: Json } {
  return objectIn(texts(of).config);
}

/** Members of `pm:config` that say something and that only this spelling has. */
export function ownMembers(of: ModdleElement): string[] {
  return Object.entries(config(of))
    .filter(([name, value]) => !SHARED.has(name) && !SILENT.has(name) && value !== null && value !== false && value !== '')
    .map(([name]) => name);
}

/** `list` of `GET: list`, as screens write resources. */
function bareResource(text: string): string {
  return /^[A-Z]+:\s*(.+)$/.exec(text)?.[1] ?? text;
}

/** An attribute's text; an empty object for an empty one. PHP writes an empty object as a list. */
export function filled(value: string | null | undefined): string {
  return ['', 'null', '[]'].includes(value?.trim() ?? '') ? '{}' : (value as string);
}

function texts(of: ModdleElement): Texts {
  return { config: filled(of.get('pm:config')), handling: filled(of.get('pm:errorHandling')) };
}

function changes(of: ModdleElement, before: Texts, after: Texts): Change[] {
  const properties: Change['properties'] = {};
  if (after.config !== before.config) properties['pm:config'] = after.config;
  if (after.handling !== before.handling) properties['pm:errorHandling'] = after.handling;
  return Object.keys(properties).length > 0 ? [{ target: of, properties }] : [];
}

/** The texts after an edit; both must be JSON objects. */
export function editTexts(texts: Texts, edit: Edit): Texts {
  if ('set' in edit) return withScalar(texts, edit.set, edit.value);
  const member = LISTS[edit.list];
  const config = objectIn(texts.config);
  const rows = Array.isArray(config[member]) ? config[member] : [];
  if ('add' in edit) {
    const format = FORMATS[edit.list];
    const cells = Object.entries(edit.add as { [cell: string]: string }).filter(([cell, value]) => cell !== 'message' || value);
    const row = { ...Object.fromEntries(cells.map(([cell, value]) => [MEMBERS[cell] && edit.list === 'outputs' ? MEMBERS[cell] : cell, value])) };
    if (format) row['format'] ??= format;
    if (edit.list === 'outputs') row['value'] ??= '';
    if (!Array.isArray(config[member])) return { ...texts, config: changed(texts.config, [member], [row]) };
    return { ...texts, config: changed(texts.config, [member, rows.length], row, true) };
  }
  // Rows that are no objects are not shown, so they do not count.
  const at = rows.map((row, index) => (isRow(row) ? index : -1)).filter((index) => index >= 0)['remove' in edit ? edit.remove : edit.at];
  if (at === undefined) return texts;
  if ('remove' in edit) return { ...texts, config: changed(texts.config, [member, at], undefined) };
  const cell = edit.list === 'outputs' ? (MEMBERS[edit.cell] ?? edit.cell) : edit.cell;
  const value = edit.cell === 'message' ? edit.value || undefined : edit.value;
  return { ...texts, config: changed(texts.config, [member, at, cell], value) };
}

/** A scalar goes where the element has it already, else where ProcessMaker's own inspector puts it. */
function withScalar(texts: Texts, scalar: Scalar, value: string): Texts {
  const config = objectIn(texts.config);
  const retry = object(config['retry']);
  const inConfig = (path: JSONPath, to: Json | undefined): Texts => ({ ...texts, config: changed(texts.config, path, to) });
  const inHandling = (name: string, to: Json | undefined): Texts => ({ ...texts, handling: changed(texts.handling, [name], to) });
  const as = value === '' ? undefined : numberOr(value);
  switch (scalar) {
    case 'connector': return inConfig(['dataSource'], numberOr(value));
    case 'resource': return inConfig(['endpoint'], value);
    case 'timeout': return config['timeout'] === undefined ? inHandling('timeout', as) : inConfig(['timeout'], as);
    case 'retry.attempts':
      if (retry['attempts'] !== undefined) return inConfig(['retry', 'attempts'], as);
      return inHandling('retry_attempts', value === '' ? undefined : numberOr(plus(value, -1)));
    case 'retry.wait':
      return retry['wait'] === undefined ? inHandling('retry_wait_time', as) : inConfig(['retry', 'wait'], as);
    case 'queue': case 'repeat': case 'success': return inConfig([scalar], value || undefined);
    default: {
      const member = scalar.slice(6);
      const isLast = value === '' && Object.keys(retry).every((name) => name === member);
      return isLast ? inConfig(['retry'], undefined) : inConfig(['retry', member], value || undefined);
    }
  }
}

function changed(text: string, path: JSONPath, value: Json | undefined, isArrayInsertion = false): string {
  return applyEdits(text, modify(text, path, value, { isArrayInsertion, formattingOptions: undefined } as object));
}

/** A whole number as such, when that keeps its digits. */
function numberOr(value: string): Json {
  const number = Number(value);
  return value !== '' && String(number) === value && Number.isSafeInteger(number) ? number : value;
}

function plus(value: string, more: number): string {
  if (value === '') return '';
  const number = Number(value);
  return Number.isInteger(number) ? String(Math.max(number + more, 0)) : value;
}

/** Whether a text is a JSON object. */
export function isObject(text: string): boolean {
  const errors: ParseError[] = [];
  return parseTree(text, errors)?.type === 'object' && errors.length === 0;
}

function objectIn(text: string): { [name: string]: Json } {
  return isObject(text) ? object(parse(text)) : {};
}

function object(value: Json | undefined): { [name: string]: Json } {
  return isRow(value) ? value : {};
}

function isRow(value: Json | undefined): value is { [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function objects(value: Json | undefined): { [name: string]: Json }[] {
  return Array.isArray(value) ? value.filter(isRow) : [];
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

