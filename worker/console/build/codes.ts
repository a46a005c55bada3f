// The pages of codes, made of the Markdown that describes them: worker/CODES.md, the table of errors in worker/API.md, and
// bpmn-ext/rules. Plain data, so that nothing of it is ever HTML.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Block, CodePage, Inline } from '../src/code/page';

const worker = new URL('../..', import.meta.url).pathname;
const rules = join(worker, '../bpmn-ext/rules');

export function codePages(): CodePage[] {
  return [...jobCodes(), ...apiErrors(), ...lintRules()];
}

/** The files that pages are made of. */
export function sources(): string[] {
  return [
    join(worker, 'CODES.md'),
    join(worker, 'API.md'),
    ...readdirSync(rules)
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(rules, name)),
  ].filter(existsSync);
}

function jobCodes(): CodePage[] {
  return readFileSync(join(worker, 'CODES.md'), 'utf8')
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const [code, ...lines] = section.split('\n');
      return { code: code.trim(), kind: 'job', blocks: blocks(lines.join('\n')) };
    });
}

/** Rows `| status | `CODE`, `CODE` | when |`. */
function apiErrors(): CodePage[] {
  const file = join(worker, 'API.md');
  if (!existsSync(file)) return [];
  const known = new Map<string, CodePage>();
  for (const [, statuses, codes, when] of readFileSync(file, 'utf8').matchAll(
    /^\| ([\d;, ]+) \| ((?:`[A-Z_]+`(?:, )?)+) \| (.*?) \|$/gm,
  )) {
    for (const [, code] of codes.matchAll(/`([A-Z_]+)`/g)) {
      if (!known.has(code))
        known.set(code, {
          code,
          kind: 'api',
          status: statuses.trim(),
          blocks: blocks(`${when.charAt(0).toUpperCase()}${when.slice(1)}.`),
        });
    }
  }
  return [...known.values()];
}

function lintRules(): CodePage[] {
  return readdirSync(rules)
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => {
      const [title, ...lines] = readFileSync(join(rules, name), 'utf8').split('\n');
      return { code: title.replace(/^# \d+ /, '').trim(), kind: 'lint', blocks: blocks(lines.join('\n')) };
    });
}

function blocks(text: string): Block[] {
  const result: Block[] = [];
  const lines = text.split('\n');
  for (let at = 0; at < lines.length;) {
    const line = lines[at];
    if (line.trim() === '') {
      at++;
    } else if (line.startsWith('```')) {
      const end = lines.findIndex((other, index) => index > at && other.startsWith('```'));
      result.push({ kind: 'code', text: lines.slice(at + 1, end).join('\n') });
      at = end + 1;
    } else if (/^#+ /.test(line)) {
      result.push({ kind: 'heading', inline: inline(line.replace(/^#+ /, '')) });
      at++;
    } else {
      const items = /^[-*] /.test(line);
      let end = at + 1;
      while (end < lines.length && lines[end].trim() !== '' && !/^(```|#+ )/.test(lines[end])) end++;
      const paragraph = lines.slice(at, end).join('\n');
      if (items)
        result.push({
          kind: 'list',
          items: paragraph
            .split(/^[-*] /m)
            .slice(1)
            .map((item) => inline(item)),
        });
      else result.push({ kind: 'paragraph', inline: inline(paragraph) });
      at = end;
    }
  }
  return result;
}

function inline(text: string): Inline[] {
  const parts = text
    .replace(/\s+/g, ' ')
    .trim()
    .split(/(\*\*[^*]+\*\*|`[^`]+`|\[[^\]]+\]\([^)]+\))/);
  return parts
    .filter((part) => part !== '')
    .map((part) => {
      if (part.startsWith('**')) return { strong: part.slice(2, -2) };
      if (part.startsWith('`')) return { code: part.slice(1, -1) };
      if (/^\[.*\]\(/.test(part)) return { text: part.slice(1, part.indexOf(']')) };
      return { text: part };
    });
}
