import { expect, test } from 'vitest';

const sources = import.meta.glob<string>('../../src/**/*.{ts,tsx,css}', { query: '?raw', import: 'default', eager: true });
const files = Object.entries(sources).map(([path, text]) => ({ path: path.replace('../../src/', ''), text }));

test('no file has more than 400 lines', () => {
  const long = files.filter(({ path, text }) => path !== 'api/schema.ts' && text.split('\n').length > 401);
  expect(long.map(({ path }) => path)).toEqual([]);
});

test('the server is reached through the API client only', () => {
  const reaching = files.filter(({ text }) =>
    /\bfetch\((?!\))|XMLHttpRequest|EventSource|\/api\/1\.0/.test(text.replace(/\.fetch\(/g, '')),
  );
  expect(reaching.map(({ path }) => path)).toEqual(['api/client.ts']);
});

test('pages know nothing of other pages', () => {
  const knowing = files.flatMap(({ path, text }) => {
    const own = /^pages\/([^/]+)\//.exec(path)?.[1];
    if (!own) return [];
    return [...text.matchAll(/from '\.\.\/([a-z][^/']*)\//g)].map(([, other]) => `${own} knows ${other}`);
  });
  expect(knowing).toEqual([]);
});

test('no file imports itself by way of others', () => {
  const known = new Set(files.map(({ path }) => path));
  const importsOf = ({ path, text }: { path: string; text: string }) =>
    [...text.matchAll(/^(?:import|export)(?! type)[^;]*? from '(\.[^']+)'/gm)].flatMap(([, to]) => {
      const base = new URL(to, `file:///${path}`).pathname.slice(1);
      return ['', '.ts', '.tsx', '/index.ts', '/index.tsx'].map((end) => base + end).filter((one) => known.has(one));
    });
  const graph = new Map(files.map((file) => [file.path, importsOf(file)]));
  const circles: string[] = [];
  const done = new Set<string>();
  const walk = (path: string, way: string[]) => {
    if (way.includes(path)) return void circles.push([...way.slice(way.indexOf(path)), path].join(' > '));
    if (done.has(path)) return;
    for (const next of graph.get(path) ?? []) walk(next, [...way, path]);
    done.add(path);
  };
  for (const path of graph.keys()) walk(path, []);
  expect(circles).toEqual([]);
});
