// Times of a model, in seconds for people: a number, or an ISO 8601 duration of days, hours, minutes and seconds.

/** Seconds; undefined for a text that is no single time. */
export function secondsOf(text: string): number | undefined {
  const trimmed = text.trim();
  if (/^\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed);
  const match = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/i.exec(trimmed);
  if (!match || /^PT?$/i.test(trimmed)) return undefined;
  const [days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0)) as [number, number, number, number];
  return ((days * 24 + hours) * 60 + minutes) * 60 + seconds;
}

/** Seconds as a spelling writes them: `PT20S` in our extension, a number in ProcessMaker's. */
export function written(seconds: string, spelling: 'conn' | 'pm'): string {
  return seconds === '' || spelling === 'pm' ? seconds : `PT${seconds}S`;
}

/** Seconds for people: "20 s", "1 min 30 s", "2 h". */
export function spoken(seconds: number): string {
  const parts: string[] = [];
  let rest = seconds;
  for (const [unit, size] of [['d', 86_400], ['h', 3600], ['min', 60]] as const) {
    const count = Math.floor(rest / size);
    if (count > 0) parts.push(`${count} ${unit}`);
    rest -= count * size;
  }
  if (rest > 0 || parts.length === 0) parts.push(`${Math.round(rest * 1000) / 1000} s`);
  return parts.join(' ');
}
