/** Sample data of a resource, as text, and its example. Pure. */

import type { Resource } from '../../api/types';

/** The sample data that are stored with a resource. */
export function sampleText({ testData }: Resource): string {
  if (testData === null || testData === undefined || testData === '') return '';
  try {
    return JSON.stringify(typeof testData === 'string' ? JSON.parse(testData) : testData, null, 2);
  } catch {
    return String(testData);
  }
}

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

const EXAMPLE_BYTES = 64 * 1024;

/** The sample data and the answer, as the example of a resource; an answer that is too large is left out. */
export function withExample(
  resource: Resource,
  testData: string,
  answer: { status: number; headers: [string, string][]; body: string | null },
): Resource {
  const testAnswer = { status: answer.status, headers: answer.headers, body: answer.body };
  const fits = new Blob([JSON.stringify(testAnswer)]).size <= EXAMPLE_BYTES;
  const { testAnswer: _, ...rest } = resource;
  return fits ? { ...rest, testData, testAnswer } : { ...rest, testData };
}
