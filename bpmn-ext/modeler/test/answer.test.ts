// Answers as trees, the paths into them, and variables at the caret.

import { describe, expect, test } from 'vitest';

import { answerTree, indented, matching, pathOf, variableFor, type AnswerNode } from '../src/answer/json';
import { suggested, typedVariable, withVariable } from '../src/answer/variables';
import { mapRows } from '../src/host/map';

const find = (root: AnswerNode, ...keys: string[]): AnswerNode =>
  keys.reduce((node, key) => node.children.find((child) => child.key === key) as AnswerNode, root);

const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);

describe('answers', () => {
  test('numbers keep their digits and paths lead to their values', () => {
    const body = '{"rates":{"USD":1.080,"big":12345678901234567890},"items":[{"name":"a"},{"name":"second"}],"a.b":{"c d":1}}';
    const root = answerTree(body) as AnswerNode;
    expect(find(root, 'rates', 'USD').scalar).toBe('1.080');
    expect(find(root, 'rates', 'big').scalar).toBe('12345678901234567890');
    expect(find(root, 'items', '1', 'name')).toMatchObject({ scalar: '"second"', path: 'items.1.name' });
    expect(find(root, 'a.b', 'c d').path).toBe("$['a.b']['c d']");
    const paths = ['rates.USD', 'items.1.name', "$['a.b']['c d']", ''];
    const rows = paths.map((value, at) => ({ key: `v${at}`, value }));
    expect(mapRows({ status: 200, headers: [], body }, rows).variables).toEqual({
      v0: 1.08, v1: 'second', v2: 1, v3: JSON.parse(body),
    });
  });

  test.each(['', 'no json', '{"a":1,}', '// c\n1', '{', '[1,]', '{"a" 1}', '1 2', '"open', deep(600), deep(200_000)])('%j is no tree', (text) => expect(answerTree(text)).toBeUndefined());

  test('laid out, numbers keep their digits', () => {
    expect(indented('{"a":[1.080,12345678901234567890]}').replace(/\s/g, '')).toBe('{"a":[1.080,12345678901234567890]}');
    expect(indented('{"a":1}')).toBe('{\n  "a": 1\n}');
  });

  test('a name with a quote or a backslash is quoted in paths', () => {
    expect(pathOf(["it's", 'a\\b'])).toBe("$['it\\'s']['a\\\\b']");
    expect(pathOf(['0'])).toBe('$[0]');
    expect(pathOf([])).toBe('');
  });

  test('a search keeps what leads to its findings', () => {
    const root = answerTree('{"a":{"b":"needle"},"c":1}') as AnswerNode;
    expect([...matching(root, 'NEED')].map((node) => node.key).sort()).toEqual(['', 'a', 'b']);
  });

  test('variables are named by the last name of the path, made free', () => {
    expect(variableFor('rates.USD', [])).toBe('USD');
    expect(variableFor('rates.USD', ['USD', 'USD2'])).toBe('USD3');
    expect(variableFor('items.0', [])).toBe('items');
    expect(variableFor('', [])).toBe('answer');
    expect(variableFor("$['a.b']['c d']", [])).toBe('c_d');
    expect(variableFor('loopCounter', [])).toBe('loopCounter2');
  });

  test('other languages are not evaluated here, and it says so', () => {
    const { error } = mapRows({ status: 200, headers: [], body: '{}' }, [{ key: 'a', value: 'x', format: 'feel' }]);
    expect(error).toMatchObject({ code: 'MAPPING', at: 'config.dataMapping.0.value' });
  });
});

describe('variables at the caret', () => {
  test.each([
    ['{{', 2, ''], ['a {{cu', 6, 'cu'], ['{{{ x', 5, 'x'], ['{{#it', 5, 'it'],
  ])('%j at %i is %j', (text, caret, word) => expect(typedVariable(text, caret)?.word).toBe(word));

  test.each([['{{a}} b', 7], ['plain', 5], ['{{ a b', 6], ['{', 1]])('%j at %i is none', (text, caret) => {
    expect(typedVariable(text, caret)).toBeUndefined();
  });

  test('choosing one replaces the word and closes the braces', () => {
    expect(withVariable('x {{cu', 6, 'currency')).toEqual({ text: 'x {{currency}}', caret: 14 });
    expect(withVariable('{{cu}} y', 4, 'currency')).toEqual({ text: '{{currency}} y', caret: 12 });
    expect(withVariable('{{{c', 4, 'all')).toEqual({ text: '{{{all}}}', caret: 9 });
  });

  test('names that begin with the word come first', () => {
    expect(suggested([{ name: 'base_rate' }, { name: 'rate' }, { name: 'other' }], 'RA').map(({ name }) => name)).toEqual(['rate', 'base_rate']);
  });
});
