// The variables that a template at the caret could read, and the words around the caret.

/** What stands between `{{` and the caret; undefined where no variable is being typed. */
export function typedVariable(text: string, caret: number): { from: number; word: string } | undefined {
  const before = text.slice(0, caret);
  const open = before.lastIndexOf('{{');
  if (open < 0 || before.indexOf('}}', open) >= 0) return undefined;
  const match = /^\{{2,3}\s*[#^&]?\s*([\p{L}\p{N}_.]*)$/u.exec(before.slice(open));
  return match ? { from: caret - (match[1] as string).length, word: match[1] as string } : undefined;
}

/** The text and the caret after a variable was chosen at the caret. */
export function withVariable(text: string, caret: number, name: string): { text: string; caret: number } {
  const typed = typedVariable(text, caret);
  if (!typed) return { text, caret };
  const before = text.slice(0, typed.from);
  const braces = /\{\{\{\s*$/.test(before) ? '}}}' : '}}';
  const rest = text.slice(caret).replace(/^[\p{L}\p{N}_.]*\s*(\}{2,3})?/u, '');
  const head = `${before}${name}${braces}`;
  return { text: head + rest, caret: head.length };
}

/** Names that may be meant by a word: those that begin with it, then those that hold it. */
export function suggested<T extends { name: string }>(variables: T[], word: string): T[] {
  const wanted = word.toLowerCase();
  const begins = variables.filter(({ name }) => name.toLowerCase().startsWith(wanted));
  return [...begins, ...variables.filter((variable) => !begins.includes(variable) && variable.name.toLowerCase().includes(wanted))];
}
