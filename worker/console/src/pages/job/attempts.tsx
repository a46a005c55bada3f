import type { Attempt } from '../../api/types';
import { duration, longTime } from '../../format';
import { texts } from '../../texts';

const t = texts.job;

/** Each attempt and the wait after it, with a bar on a common scale. */
export function Attempts({ attempts }: { attempts: Attempt[] }) {
  const total = attempts.reduce((sum, one) => sum + one.duration_ms + (one.waited_ms ?? 0), 0);
  if (attempts.length === 0) return <p class="quiet">{t.noAttempts}</p>;
  let start = 0;
  return (
    <ol class="attempts" role="list" aria-label={t.attempts}>
      {attempts.flatMap((one) => {
        const begins = start;
        const waits = begins + one.duration_ms;
        start = waits + (one.waited_ms ?? 0);
        const what = one.status ? t.http(one.status) : (one.code ?? '');
        const good = one.status !== null && one.status !== undefined && one.status < 400;
        return [
          <li key={one.number}>
            <span>{t.attempt(one.number, longTime(new Date(one.at)), what, duration(one.duration_ms))}</span>
            <Bar from={begins} size={one.duration_ms} total={total} kind={good ? 'bar' : 'bar bar-bad'} />
          </li>,
          ...(one.waited_ms
            ? [
                <li key={`${one.number} wait`}>
                  <span class="quiet">{t.waited(duration(one.waited_ms))}</span>
                  <Bar from={waits} size={one.waited_ms} total={total} kind="bar bar-wait" />
                </li>,
              ]
            : []),
        ];
      })}
    </ol>
  );
}

function Bar({ from, size, total, kind }: { from: number; size: number; total: number; kind: string }) {
  const share = (part: number) => (total > 0 ? (100 * part) / total : 0);
  return (
    <svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
      <rect class={kind} x={Math.min(99.2, share(from))} width={Math.max(0.8, share(size))} height="8" />
    </svg>
  );
}
