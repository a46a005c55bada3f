/** In what two versions of a model differ, in words and as marks for both diagrams. */

import NavigatedViewer from 'bpmn-js/lib/NavigatedViewer';
import { diff } from 'bpmn-js-differ';

import { differences } from '../../differences';
import { lint } from '../../model/model';
import { texts } from '../../texts';

const t = texts.models;

export interface Line {
  kind: 'changed' | 'added' | 'removed';
  element: string;
  name: string;
  text: string;
}

export interface Found {
  lines: Line[];
  before: Record<string, string>;
  after: Record<string, string>;
}

interface Described {
  id: string;
  name?: string;
  $type: string;
}

/** The library, at 3.2.0, calls the value of the first model `newValue` and that of the second one `oldValue`. */
interface Attribute {
  oldValue: unknown;
  newValue: unknown;
}

interface Changes {
  _added: Record<string, Described>;
  _removed: Record<string, Described>;
  _changed: Record<string, { model: Described; attrs: Record<string, Attribute> }>;
}

/** `before` to `after`: what our elements do differently comes from their tasks, the rest from the models themselves. */
export async function difference(before: string, after: string): Promise<Found> {
  const [one, other, tasksBefore, tasksAfter] = await Promise.all([
    definitions(before),
    definitions(after),
    lint(before),
    lint(after),
  ]);
  const changes = diff(one, other) as Changes;
  const found: Found = { lines: [], before: {}, after: {} };
  const shown = (element: Described) => element.name ?? element.id;

  for (const [element, model] of Object.entries(changes._added)) {
    found.after[element] = 'element-added';
    found.lines.push({ kind: 'added', element, name: shown(model), text: t.added(shown(model)) });
  }
  for (const [element, model] of Object.entries(changes._removed)) {
    found.before[element] = 'element-removed';
    found.lines.push({ kind: 'removed', element, name: shown(model), text: t.gone(shown(model)) });
  }
  const lines = new Map<string, Line[]>();
  for (const task of tasksAfter.tasks) {
    const was = tasksBefore.tasks.find((old) => old.element === task.element);
    if (!was) continue;
    const own = differences(named(was), named(task)).map((line): Line => ({
      kind: 'changed',
      element: task.element,
      name: task.name ?? task.element,
      text: t.was(line.path, line.before, line.after),
    }));
    if (own.length > 0) lines.set(task.element, own);
  }
  for (const [element, { model, attrs }] of Object.entries(changes._changed)) {
    const plain = Object.entries(attrs).filter(
      ([, value]) =>
        typeof value.oldValue !== 'object' && typeof value.newValue !== 'object' && value.oldValue !== value.newValue,
    );
    const own = plain
      .filter(([attribute]) => attribute === 'name' || !lines.has(element))
      .map(([attribute, value]): Line => ({
        kind: 'changed',
        element,
        name: shown(model),
        text: t.was(attribute, String(value.newValue ?? '–'), String(value.oldValue ?? '–')),
      }));
    if (own.length > 0) lines.set(element, [...own, ...(lines.get(element) ?? [])]);
  }
  for (const [element, own] of lines) {
    found.before[element] = found.after[element] = 'element-changed';
    found.lines.push(...own);
  }
  return found;
}

async function definitions(xml: string): Promise<unknown> {
  const viewer = new NavigatedViewer();
  try {
    await viewer.importXML(xml);
    return (viewer as unknown as { getDefinitions: () => unknown }).getDefinitions();
  } finally {
    viewer.destroy();
  }
}

/** The rows of a task by their keys rather than by their numbers, so that a difference names the key. */
function named(task: { config: unknown; errorHandling?: unknown }): unknown {
  const config = task.config;
  if (typeof config !== 'object' || config === null) return { config };
  const { outboundConfig, dataMapping, ...rest } = config as Record<string, unknown>;
  return {
    ...rest,
    ...byKey(outboundConfig),
    ...byKey(dataMapping),
    ...(task.errorHandling && typeof task.errorHandling === 'object' ? task.errorHandling : {}),
  };
}

function byKey(rows: unknown): Record<string, unknown> {
  if (!Array.isArray(rows)) return {};
  return Object.fromEntries(rows.map((row: { key?: string; value?: unknown }) => [String(row.key), row.value]));
}
