/** Selects the rest of the line at a place of a textarea, and shows it. Line and column count from 1, in characters. */
export function selectPlace(id: string, place: { line: number; column: number }): void {
  const area = document.querySelector<HTMLTextAreaElement>(`#${CSS.escape(id)}`);
  if (!area) return;
  const start = offsetOf(area.value, place);
  const end = area.value.indexOf('\n', start);
  area.focus();
  area.setSelectionRange(start, end < 0 ? area.value.length : end);
  area.scrollTop = (area.scrollHeight / area.value.split('\n').length) * (place.line - 2);
}

/** The offset, in UTF-16 units as the browser counts them. */
export function offsetOf(text: string, { line, column }: { line: number; column: number }): number {
  const lines = text.split('\n');
  const before = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  return Math.min(text.length, before + [...(lines[line - 1] ?? '')].slice(0, column - 1).join('').length);
}
