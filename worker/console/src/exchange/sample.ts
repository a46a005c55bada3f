/** Sample data as text. Pure. */

/** The sample with the variables that it lacks; null when it lacks none or is not to be touched. */
export function withReads(sample: string, reads: string[]): string | null {
  let data: unknown;
  try {
    data = sample.trim() === '' ? {} : JSON.parse(sample);
  } catch {
    return null;
  }
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return null;
  const lacking = reads.filter((name) => !(name in data) && !name.startsWith('_'));
  if (lacking.length === 0) return null;
  return JSON.stringify({ ...data, ...Object.fromEntries(lacking.map((name) => [name, ''])) }, null, 2);
}
