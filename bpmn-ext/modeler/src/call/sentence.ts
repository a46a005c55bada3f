// Says in one sentence what the settings of "If it fails" mean.

import { secondsOf, spoken } from './time';
import type { Call } from './types';

/** The sentence; what is not configured is said to come from the resource. */
export function retrySentence(call: Call): string {
  const { attempts, wait, backoff, maxWait, budget, statuses } = call.retry;
  const timeout = time(call.timeout);
  const limit = timeout ? `Each call may take ${timeout}.` : 'Each call may take as long as the resource says.';
  const count = Number(attempts);
  if (attempts === '') {
    const what = wait || backoff || statuses ? 'How often it is tried again' : 'Whether it is tried again, and when,';
    return `${what} is what the resource says. ${limit}`;
  }
  if (!Number.isInteger(count) || count < 1) return limit;
  if (count === 1) return `It is tried once and not again. ${limit}`;
  const first = time(wait);
  const pause = first ? `waits of ${first}` : 'the waits of the resource';
  const growth = backoff === 'exponential' ? `, each up to twice as long as the one before${maxWait ? `, at most ${time(maxWait) ?? maxWait}` : ''}` : '';
  const when = statuses ? ` after ${statuses} or no answer` : '';
  const end = budget ? ` No attempt starts later than ${time(budget) ?? budget} after the first.` : '';
  return `It is tried ${count} times in all${when}, with ${pause}${growth}. ${limit}${end}`;
}

function time(text: string): string | undefined {
  const seconds = secondsOf(text);
  return seconds === undefined || seconds === 0 ? undefined : spoken(seconds);
}
