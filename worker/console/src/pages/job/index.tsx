import '../../job/job.css';

import { useState } from 'preact/hooks';

import { post, segment } from '../../api/client';
import { useLive } from '../../api/load';
import { may, mayEverywhere } from '../../api/session';
import type { Job, WholeJob } from '../../api/types';
import { useAddress, useParts } from '../../address';
import { Alert } from '../../components/alert';
import { Button, LinkButton } from '../../components/button';
import { LiveBar } from '../../components/live-bar';
import { Loading } from '../../components/loading';
import { notify } from '../../components/notifications';
import { Page } from '../../components/page';
import { Tabs } from '../../components/tabs';
import { Terms } from '../../components/terms';
import { Time } from '../../components/time';
import { nameOf, useConnectors } from '../../connector/names';
import { copy } from '../../copy';
import { Body, Headers, requestText, statusLine } from '../../plug-in';
import { CancelQuestion, ReplayQuestion } from '../../job/questions';
import { hasEnded } from '../../job/state';
import { StateBadge } from '../../job/state-badge';
import { modelHref } from '../../model/model';
import { texts } from '../../texts';
import { Attempts } from './attempts';
import { Advice } from './advice';

const t = texts.job;
const TABS = ['request', 'answer', 'mapped', 'job', 'result'] as const;

/** `/jobs/:id`: what happened to one job, and running it again. */
export default function JobPage() {
  const [id = ''] = useParts('jobs');
  return <JobOf key={id} id={id} />;
}

function JobOf({ id }: { id: string }) {
  const { query, set } = useAddress();
  const [asking, setAsking] = useState<'replay' | 'cancel' | null>(null);
  const loaded = useLive<WholeJob>(`/jobs/${segment(id)}`);
  const job = loaded.data;
  const tab = TABS.find((one) => one === query.tab) ?? 'request';
  const refused = !may('manage') && texts.frame.readOnly;

  const replay = async (choice: { new_execution: boolean; send: boolean }) => {
    const { data } = await post<Job>(`/jobs/${segment(id)}/replay`, choice);
    notify(texts.jobs.replayed(data.id), { text: texts.jobs.show, href: `/jobs/${encodeURIComponent(data.id)}` });
  };
  const cancel = async () => {
    await post(`/jobs/${segment(id)}/cancel`);
    notify(texts.jobs.cancelled(id));
    loaded.reload();
  };
  return (
    <Page
      title={t.title(id)}
      above={[{ text: texts.jobs.title, href: '/jobs' }]}
      trailing={
        job && (
          <span role="status">
            <StateBadge job={job} />
          </span>
        )
      }
      actions={
        job && (
          <>
            <LiveBar at={loaded.updatedAt} />
            <Button icon="terminal" refused={!job.sent && t.noRequest} onClick={() => job.sent && copy(job.sent.curl)}>
              {t.copyCurl}
            </Button>
            <Button icon="circle-slash" refused={refused || (hasEnded(job) && t.ended)} onClick={() => setAsking('cancel')}>
              {texts.jobs.cancel}
            </Button>
            <Button icon="rotate-ccw" refused={refused || (!hasEnded(job) && t.running)} onClick={() => setAsking('replay')}>
              {texts.jobs.replay}
            </Button>
          </>
        )
      }
    >
      <Loading of={loaded} what={t.what}>
        {(whole) => (
          <>
            {whole.status === 'failed' && (
              <Alert
                what={whole.result?.error?.message ?? t.failed(whole.code ?? '')}
                code={whole.code}
                next={whole.code && <Advice code={whole.code} />}
              />
            )}
            <JobTerms job={whole} />
            <section class="card" aria-label={t.attempts}>
              <h2>{t.attempts}</h2>
              <Attempts attempts={whole.attempts ?? []} />
            </section>
            <Tabs
              label={t.exchange}
              selected={tab}
              onSelect={(to) => set({ tab: to === 'request' ? null : to }, 'replace')}
              tabs={TABS.map((one) => ({ id: one, text: t[one] }))}
            >
              {tab === 'request' &&
                (whole.sent ? (
                  <pre class="code-block" tabIndex={0}>
                    {requestText(whole.sent)}
                  </pre>
                ) : (
                  <NotKept />
                ))}
              {tab === 'answer' &&
                (whole.answer ? (
                  <div class="stack">
                    <strong>{statusLine(whole.answer.status)}</strong>
                    <Headers headers={whole.answer.headers} />
                    <Body text={whole.answer.body} label={t.answer} />
                  </div>
                ) : (
                  <NotKept />
                ))}
              {tab === 'mapped' &&
                (whole.result?.data ? (
                  <Body text={JSON.stringify(whole.result.data)} label={t.mapped} />
                ) : (
                  <p class="quiet">{t.noResult}</p>
                ))}
              {tab === 'job' && (whole.message ? <Body text={JSON.stringify(whole.message)} label={t.job} /> : <NotKept />)}
              {tab === 'result' &&
                (whole.result ? (
                  <Body text={JSON.stringify(whole.result)} label={t.result} />
                ) : (
                  <p class="quiet">{t.noResult}</p>
                ))}
            </Tabs>
            <div class="row">
              {whole.process && whole.version && mayEverywhere('read') && (
                <LinkButton
                  href={`${modelHref(whole.process, whole.version)}?element=${encodeURIComponent(whole.element)}`}
                  icon="workflow"
                >
                  {t.showInDiagram}
                </LinkButton>
              )}
              <LinkButton href={`/jobs?request=${encodeURIComponent(whole.request)}`} icon="history">
                {t.otherJobs}
              </LinkButton>
              {whole.connector && (
                <LinkButton
                  href={`/connectors/${encodeURIComponent(whole.connector)}${whole.resource ? `/resources/${encodeURIComponent(whole.resource)}` : ''}`}
                  icon="plug"
                >
                  {t.openConnector}
                </LinkButton>
              )}
            </div>
          </>
        )}
      </Loading>
      {asking === 'replay' && job && (
        <ReplayQuestion number={1} unknown={job.code === 'OUTCOME_UNKNOWN'} onReplay={replay} onClose={() => setAsking(null)} />
      )}
      {asking === 'cancel' && <CancelQuestion number={1} onCancel={cancel} onClose={() => setAsking(null)} />}
    </Page>
  );
}

const NotKept = () => <p class="quiet">{t.notKept}</p>;

function JobTerms({ job }: { job: WholeJob }) {
  const connectors = useConnectors();
  const missing = texts.jobs.missing;
  const name = job.message?.element?.name;
  return (
    <Terms
      of={[
        [t.terms.element, name ? `${name} (${job.element})` : job.element],
        [t.terms.connector, job.connector === null ? missing : nameOf(connectors, job.connector)],
        [t.terms.resource, job.resource ?? missing],
        [t.terms.request, <a href={`/jobs?request=${encodeURIComponent(job.request)}`}>{job.request}</a>],
        [t.terms.process, [job.process, job.version].filter(Boolean).join(' ') || missing],
        [t.terms.engine, job.engine],
        [t.terms.created, <Time at={job.created_at} />],
        [t.terms.updated, <Time at={job.updated_at} />],
        ...(job.due_at && !hasEnded(job) ? [[t.terms.due, <Time at={job.due_at} />] as [string, preact.ComponentChildren]] : []),
        ...(job.replay_of
          ? [
              [t.terms.replayOf, <a href={`/jobs/${encodeURIComponent(job.replay_of)}`}>{job.replay_of}</a>] as [
                string,
                preact.ComponentChildren,
              ],
            ]
          : []),
      ]}
    />
  );
}
