/** The words that people see for what a job is doing, over the ledger's states (API 6). */

import type { Query } from '../api/client';
import type { Job } from '../api/types';
import type { Tone } from '../components/badge';
import type { IconName } from '../components/icon-names';

export type Word = 'running' | 'waiting' | 'completed' | 'failed' | 'not taken' | 'cancelled' | 'parked';

export const WORDS: Word[] = ['running', 'waiting', 'completed', 'failed', 'not taken', 'cancelled', 'parked'];

export function wordOf(job: Pick<Job, 'state' | 'status' | 'engine'>): Word {
  if (job.state === 'parked') return 'parked';
  if (job.state === 'cancelled' || job.status === 'cancelled') return 'cancelled';
  // Results of jobs made over the API stay in the ledger; nobody is to take them.
  if (job.state === 'answered' && job.engine !== 'api') return 'not taken';
  if (job.status === 'completed' || job.status === 'failed') return job.status;
  return job.state === 'waiting' || job.state === 'queued' ? 'waiting' : 'running';
}

export const hasEnded = (job: Pick<Job, 'state' | 'status'>): boolean => job.status !== null || job.state === 'parked';

/** How the API is asked for a word; an unknown one goes there as it is, for the server to say what is wrong. */
export function queryOf(word: string | undefined): Query {
  const known: Record<Word, Query> = {
    running: { state: 'sending' },
    waiting: { state: 'waiting' },
    completed: { status: 'completed' },
    failed: { status: 'failed' },
    'not taken': { state: 'answered' },
    cancelled: { state: 'cancelled' },
    parked: { state: 'parked' },
  };
  return word ? (known[word as Word] ?? { state: word }) : {};
}

export const TONES: Record<Word, { tone: Tone; icon?: IconName }> = {
  running: { tone: 'accent' },
  waiting: { tone: 'plain', icon: 'clock' },
  completed: { tone: 'good' },
  failed: { tone: 'bad' },
  'not taken': { tone: 'warn' },
  cancelled: { tone: 'plain', icon: 'circle-slash' },
  parked: { tone: 'bad', icon: 'circle-pause' },
};
