// Mapping an answer without a server: paths of plain names. Other languages are left to the worker, and it says so.

import type { Answer, Json, Mapped } from './types';

interface Row {
  key: string;
  value: string;
  format?: string;
}

/** The variables that rows set, as far as they can be known without the worker's languages. */
export function mapRows(answer: Answer, rows: Json[]): Mapped {
  const variables: Mapped['variables'] = {};
  let body: Json | undefined;
  try {
    body = JSON.parse(answer.body ?? '') as Json;
  } catch {
    body = undefined;
  }
  for (const [index, row] of (rows as unknown as Row[]).entries()) {
    const source = (row.value ?? '').trim();
    const isPath = (row.format ?? 'dotNotation') === 'dotNotation' && !source.includes('{{');
    const steps = isPath ? stepsOf(source) : undefined;
    if (!steps) {
      const message = `${row.key}: only paths of plain names can be evaluated without a server.`;
      return { variables, error: { code: 'MAPPING', message, at: `config.dataMapping.${index}.value` } };
    }
    if (source === '$status') variables[row.key] = answer.status;
    else if (body === undefined) variables[row.key] = steps.length === 0 ? (answer.body ?? '') : '';
    else variables[row.key] = valueAt(body, steps) ?? '';
  }
  return { variables, error: null };
}

/** The names of a dot path, or of a JSONPath of names and indexes; undefined for anything else. */
function stepsOf(source: string): string[] | undefined {
  if (source === '' || source === '0' || source === '$' || source === '$status') return [];
  if (!source.startsWith('$')) return source.split('.');
  const steps = [...source.slice(1).matchAll(/\.([\p{L}\p{N}_-]+)|\[(\d+)\]|\['((?:[^'\\]|\\.)*)'\]/gyu)];
  const isWhole = steps.map(([whole]) => whole).join('') === source.slice(1);
  return isWhole ? steps.map(([, name, index, quoted]) => name ?? index ?? (quoted as string).replace(/\\(.)/g, '$1')) : undefined;
}

function valueAt(value: Json, steps: string[]): Json | undefined {
  const exact = steps.length > 1 ? member(value, steps.join('.')) : undefined;
  if (exact !== undefined) return exact;
  let found: Json | undefined = value;
  for (const step of steps) found = found === undefined ? undefined : member(found, step);
  return found;
}

function member(value: Json, step: string): Json | undefined {
  if (Array.isArray(value)) return /^\d+$/.test(step) ? value[Number(step)] : undefined;
  return typeof value === 'object' && value !== null && Object.hasOwn(value, step) ? value[step] : undefined;
}
