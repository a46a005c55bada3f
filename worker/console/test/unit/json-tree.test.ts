import { expect, test } from 'vitest';

import { find, nameOf, type Node, parse, pretty } from '../../src/exchange/json-tree';

const at = (node: Node | null, ...keys: string[]): Node => {
  const found = keys.reduce<Node | undefined>((one, key) => one?.children.find((child) => child.key === key), node ?? undefined);
  if (!found) throw new Error(`there is no ${keys.join('.')}`);
  return found;
};

test('numbers keep their digits', () => {
  const tree = parse('{"id": 12345678901234567890, "rate": 1.080}');
  expect(at(tree, 'id').text).toBe('12345678901234567890');
  expect(at(tree, 'rate').text).toBe('1.080');
});

test('an item is named by its key and the JSON of a scalar', () => {
  const tree = parse('{"rates": {"USD": 1.08}, "name": "second", "list": [true]}');
  expect(nameOf(at(tree, 'rates', 'USD'))).toBe('USD: 1.08');
  expect(nameOf(at(tree, 'name'))).toBe('name: "second"');
  expect(nameOf(at(tree, 'list'))).toBe('list');
  expect(nameOf(at(tree, 'list', '0'))).toBe('0: true');
});

test('a path is dotted, and JSONPath where a name has a dot', () => {
  const tree = parse(`{"data": [{"a.b": {"it's": 1}}]}`);
  expect(at(tree, 'data', '0').path).toBe('data.0');
  expect(at(tree, 'data', '0', 'a.b').path).toBe("$['data'][0]['a.b']");
  expect(at(tree, 'data', '0', 'a.b', "it's").path).toBe("$['data'][0]['a.b']['it\\'s']");
});

test.each(['', '{', '[1,]', '{"a" 1}', '1 2', 'nul', '"open', `${'['.repeat(600)}${']'.repeat(600)}`])(
  '%j is no JSON',
  (text) => {
    expect(parse(text)).toBeNull();
  },
);

test('what is found brings what leads to it', () => {
  const tree = parse('{"a": {"b": "needle"}, "c": 1}');
  const found = find(tree as Node, 'NEEDLE');
  expect(found.has(at(tree, 'a'))).toBe(true);
  expect(found.has(at(tree, 'a', 'b'))).toBe(true);
  expect(found.has(at(tree, 'c'))).toBe(false);
});

test('laid out, a document stays the same document', () => {
  const text = '{"a":[1,{"b":null}],"empty":{},"none":[]}';
  expect(JSON.parse(pretty(parse(text) as Node))).toEqual(JSON.parse(text));
});
