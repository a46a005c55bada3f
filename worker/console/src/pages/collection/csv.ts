/** As much of RFC 4180 as a preview and another header need: the lines themselves are read by the server. Pure. */

/** The separator that is most frequent outside quotes in the header. */
export function delimiterOf(text: string): string {
  const header = firstRecord(text);
  const bare = header.replace(/"(?:[^"]|"")*"/g, '');
  const [best] = [',', ';', '\t']
    .map((sign) => ({ sign, count: bare.split(sign).length }))
    .sort((one, other) => other.count - one.count);
  return best.sign;
}

/** The text up to the first line end outside quotes. */
function firstRecord(text: string): string {
  return text.slice(0, endOfRecord(text, 0));
}

function endOfRecord(text: string, from: number): number {
  let quoted = false;
  for (let at = from; at < text.length; at++) {
    if (text[at] === '"') quoted = !quoted;
    else if (!quoted && (text[at] === '\n' || text[at] === '\r')) return at;
  }
  return text.length;
}

export function cells(record: string, delimiter: string): string[] {
  const result: string[] = [];
  let at = 0;
  for (;;) {
    if (record[at] === '"') {
      let value = '';
      at++;
      while (at < record.length && !(record[at] === '"' && record[at + 1] !== '"')) {
        value += record[at];
        at += record[at] === '"' ? 2 : 1;
      }
      const next = record.indexOf(delimiter, at);
      result.push(value);
      at = next < 0 ? record.length : next;
    } else {
      const next = record.indexOf(delimiter, at);
      result.push(record.slice(at, next < 0 ? record.length : next));
      at = next < 0 ? record.length : next;
    }
    if (at >= record.length) return result;
    at += 1;
    if (at === record.length) return [...result, ''];
  }
}

export interface Preview {
  delimiter: string;
  header: string[];
  rows: string[][];
}

export function preview(text: string, most: number): Preview {
  const clean = text.replace(/^\uFEFF/, '');
  const delimiter = delimiterOf(clean);
  const records: string[][] = [];
  for (let at = 0; at < clean.length && records.length <= most;) {
    const end = endOfRecord(clean, at);
    if (end > at) records.push(cells(clean.slice(at, end), delimiter));
    at = end + (clean.slice(end, end + 2) === '\r\n' ? 2 : 1);
  }
  const [header = [], ...rows] = records;
  return { delimiter, header, rows };
}

const quoted = (cell: string): string => `"${cell.replaceAll('"', '""')}"`;

/** The file with the columns that go somewhere, under the fields they go to. */
export function mapped(text: string, targets: string[]): string {
  const clean = text.replace(/^\uFEFF/, '');
  const delimiter = delimiterOf(clean);
  const kept = targets.flatMap((target, index) => (target === '' ? [] : [index]));
  const lines: string[] = [kept.map((index) => quoted(targets[index])).join(',')];
  for (let at = endOfRecord(clean, 0) + 1; at < clean.length;) {
    const end = endOfRecord(clean, at);
    const record = clean.slice(at, end);
    if (record.trim() !== '') {
      const values = cells(record, delimiter);
      lines.push(
        kept.map((index) => (values[index] === undefined || values[index] === '' ? '' : quoted(values[index]))).join(','),
      );
    }
    at = end + 1;
  }
  return `${lines.join('\r\n')}\r\n`;
}

/** A table as CSV. */
export function csv(rows: string[][]): string {
  return `${rows.map((row) => row.map(quoted).join(',')).join('\r\n')}\r\n`;
}
