import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';

import { get, post, remove, segment } from '../api/client';
import type { Bulk } from '../api/types';
import { Button, IconButton, LinkButton } from '../components/button';
import { texts } from '../texts';

const t = texts.jobs;

/** Bulk actions of this visit; they run on the server, whatever page is open. */
const running = signal<{ bulk: Bulk; jobs: string }[]>([]);

export interface BulkRequest {
  action: 'replay' | 'cancel';
  ids?: string[];
  filter?: Record<string, unknown>;
  /** The moment that the list was loaded: what came later is not touched. */
  to?: string;
  new_execution?: boolean;
  send?: boolean;
}

export async function countBulk(request: BulkRequest): Promise<number> {
  return (await post<{ count: number }>('/jobs/bulk', { ...request, count_only: true })).data.count;
}

/** Starts it; `jobs` is the address of the jobs that it is about. */
export async function startBulk(request: BulkRequest, jobs: string): Promise<void> {
  const { data } = await post<{ id: string; count: number }>('/jobs/bulk', request);
  running.value = [
    ...running.value,
    { bulk: { id: data.id, action: request.action, count: data.count, done: 0, failed: 0, state: 'running', errors: [] }, jobs },
  ];
}

async function look(id: string): Promise<void> {
  const { data } = await get<Bulk>(`/bulk/${segment(id)}`);
  running.value = running.value.map((one) => (one.bulk.id === id ? { ...one, bulk: data } : one));
}

export function BulkActions() {
  const open = running.value
    .filter((one) => one.bulk.state === 'running')
    .map((one) => one.bulk.id)
    .join(' ');
  useEffect(() => {
    if (open === '') return;
    const timer = setInterval(() => open.split(' ').forEach((id) => void look(id).catch(() => {})), 1_000);
    return () => clearInterval(timer);
  }, [open]);
  if (running.value.length === 0) return null;
  return (
    <section class="card" role="region" aria-label={t.bulk}>
      {running.value.map(({ bulk, jobs }) => (
        <div key={bulk.id} class="stack">
          <div class="row">
            <span role="status" class="grow">
              {wordsOf(bulk)}
            </span>
            <LinkButton href={jobs}>{t.bulkJobs}</LinkButton>
            {bulk.state === 'running' ? (
              <Button icon="square" onClick={() => void remove(`/bulk/${segment(bulk.id)}`).then(() => look(bulk.id))}>
                {texts.act.stop}
              </Button>
            ) : (
              <IconButton
                icon="x"
                label={texts.act.dismiss}
                onClick={() => (running.value = running.value.filter((one) => one.bulk.id !== bulk.id))}
              />
            )}
          </div>
          <progress max={Math.max(1, bulk.count)} value={bulk.done + bulk.failed} aria-label={wordsOf(bulk)} />
          {bulk.errors.length > 0 && (
            <ul class="plain-list small">
              {bulk.errors.map(({ job, message }) => (
                <li key={job ?? message}>
                  {job !== null && (
                    <>
                      <a href={`/jobs/${encodeURIComponent(job)}`}>{job}</a>:{' '}
                    </>
                  )}
                  {message}
                </li>
              ))}
            </ul>
          )}
        </div>
      ))}
    </section>
  );
}

function wordsOf(bulk: Bulk): string {
  if (bulk.state === 'running') return t.bulkRunning(bulk.action, bulk.done, bulk.count);
  return bulk.state === 'stopped' ? t.bulkStopped(bulk.done, bulk.count) : t.bulkDone(bulk.action, bulk.done, bulk.failed);
}
