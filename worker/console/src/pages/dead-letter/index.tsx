import { useState } from 'preact/hooks';

import { get, post, segment } from '../../api/client';
import { useLoad } from '../../api/load';
import { mayEverywhere } from '../../api/session';
import type { DeadLetter } from '../../api/types';
import { Button } from '../../components/button';
import { Question } from '../../components/dialog';
import { Loading } from '../../components/loading';
import { notify } from '../../components/notifications';
import { Page } from '../../components/page';
import { Terms } from '../../components/terms';
import { Time } from '../../components/time';
import { Body } from '../../plug-in';
import { useParts } from '../../address';
import { texts } from '../../texts';

const t = texts.deadLetters;

/** `/dead-letters/:n`: one message as it came, and publishing it again. */
export default function DeadLetterPage() {
  const [number = ''] = useParts('dead-letters');
  const [asking, setAsking] = useState(false);
  const loaded = useLoad(
    async (signal) => (await get<DeadLetter>(`/dead_letters/${segment(number)}`, { signal })).data,
    [number],
  );
  const publish = async () => {
    await post(`/dead_letters/${segment(number)}/replay`);
    notify(t.published(number));
    loaded.reload();
  };
  return (
    <Page
      title={t.one(number)}
      above={[{ text: t.title, href: '/dead-letters' }]}
      actions={
        <Button
          icon="send"
          refused={!mayEverywhere('manage') && texts.frame.readOnly}
          disabled={!loaded.data}
          onClick={() => setAsking(true)}
        >
          {t.publish}
        </Button>
      }
    >
      <Loading of={loaded} what={t.whatOne}>
        {(letter) => (
          <>
            <Terms
              of={[
                [t.terms.arrived, <Time at={letter.arrived_at} />],
                [
                  t.terms.reason,
                  letter.reason ? (
                    <a class="code" href={`/codes/${letter.reason}`}>
                      {letter.reason}
                    </a>
                  ) : (
                    texts.jobs.missing
                  ),
                ],
                [t.terms.detail, letter.detail ?? texts.jobs.missing],
                [
                  t.terms.job,
                  letter.job ? <a href={`/jobs/${encodeURIComponent(letter.job)}`}>{letter.job}</a> : texts.jobs.missing,
                ],
                [t.terms.attempts, letter.attempts ?? texts.jobs.missing],
                [t.terms.exchange, letter.exchange ?? texts.jobs.missing],
                [t.terms.key, letter.routing_key ?? texts.jobs.missing],
                [t.terms.published, <Time at={letter.replayed_at} />],
              ]}
            />
            <section class="card" role="region" aria-label={t.body}>
              <h2>{t.body}</h2>
              <Body text={letter.body ?? null} label={t.body} />
            </section>
            <section class="card" aria-label={t.properties}>
              <h2>{t.properties}</h2>
              <Body text={JSON.stringify(letter.properties ?? {})} label={t.properties} />
            </section>
          </>
        )}
      </Loading>
      {asking && (
        <Question
          title={t.publishTitle}
          text={t.publishText}
          act={t.publishAct}
          destroys={false}
          onAct={publish}
          onClose={() => setAsking(false)}
        />
      )}
    </Page>
  );
}
