import { expect, test } from 'vitest';

import { cells, csv, delimiterOf, mapped, preview } from '../../src/pages/collection/csv';

test('quotes, separators and line ends inside quotes', () => {
  expect(cells('a,"b,""c""",,', ',')).toEqual(['a', 'b,"c"', '', '']);
  expect(preview('name,note\r\n"Ada","two\nlines"\r\nBob,\r\n', 5)).toEqual({
    delimiter: ',',
    header: ['name', 'note'],
    rows: [
      ['Ada', 'two\nlines'],
      ['Bob', ''],
    ],
  });
});

test('the separator is what the header has most, outside quotes', () => {
  expect(delimiterOf('a;b;"c,d,e"\n1,2')).toBe(';');
  expect(delimiterOf('a\tb\n')).toBe('\t');
  expect(delimiterOf('alone\n')).toBe(',');
});

test('columns go where they are mapped to, others are left out', () => {
  expect(mapped('Code;Name;Note\nDE;"Ger;many";x\n\nCH;;y\n', ['code', 'name', ''])).toBe(
    '"code","name"\r\n"DE","Ger;many"\r\n"CH",\r\n',
  );
});

test('a report can be read back', () => {
  expect(
    preview(
      csv([
        ['Line', 'What'],
        ['4', 'is "required"'],
      ]),
      5,
    ).rows,
  ).toEqual([['4', 'is "required"']]);
});
