import { useEffect, useRef, useState } from 'preact/hooks';

import { post } from '../api/client';
import { ApiError, isAbort } from '../api/errors';
import type { Resource, Tried, TryRequest } from '../api/types';
import { Alert, ErrorAlert } from '../components/alert';
import { Button } from '../components/button';
import { TextArea } from '../components/field';
import { bytes, duration } from '../format';
import { useCtrl } from '../frame/shortcuts';
import { texts } from '../texts';
import './exchange.css';
import { Exchange } from './exchange';
import { withReads } from './sample';
import { statusLine } from './statuses';

const t = texts.exchange;

interface SendProps {
  resource: Resource;
  /** What to call: the stored connector's id, or the record as edited. */
  target: () => Pick<TryRequest, 'connector' | 'resource' | 'credentials'>;
  /** Why this token may not call. */
  refused: string | null;
  sample: string;
  onSample: (text: string) => void;
  onSaveExample: (sample: string, answer: NonNullable<Tried['response']>) => void;
  /** A text about the field that a try names. */
  onMark: (at: string, text: string) => void;
  /** Changes whenever the request may render differently. */
  watch: string;
}

/** Members of an answer that make an alert although there is an answer. */
const ALERTS = ['MAPPING', 'BAD_RESPONSE', 'RESULT_TOO_LARGE'];

/** Sends the request as it stands in the form, saved or not. */
export function Send({ resource, target, refused, sample, onSample, onSaveExample, onMark, watch }: SendProps) {
  const [tried, setTried] = useState<Tried | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [sampleError, setSampleError] = useState<string | null>(null);
  const [tab, setTab] = useState('answer');
  const [stopped, setStopped] = useState(false);
  const running = useRef<AbortController | null>(null);
  const [busy, setBusy] = useState(false);
  const repeats = ['GET', 'HEAD'].includes(resource.method.toUpperCase());

  useReads(watch, target, refused, sample, onSample);
  useEffect(() => () => running.current?.abort(), []);

  const run = async (dry: boolean) => {
    if (busy) return;
    let data: unknown;
    try {
      data = sample.trim() === '' ? {} : JSON.parse(sample);
    } catch {
      setSampleError(t.sampleNotJson);
      document.querySelector<HTMLElement>('#sample-data')?.focus();
      return;
    }
    setSampleError(null);
    setError(null);
    setStopped(false);
    setBusy(true);
    const controller = new AbortController();
    running.current = controller;
    try {
      const answer = await post<Tried>(
        '/try',
        { ...target(), data, ...(dry ? { dry_run: true } : {}) },
        { signal: controller.signal },
      );
      setTried(answer.data);
      setTab(dry || !answer.data.response ? 'request' : tab === 'request' ? 'answer' : tab);
      if (answer.data.error?.at) onMark(answer.data.error.at, answer.data.error.message);
    } catch (problem) {
      if (isAbort(problem)) setStopped(!dry);
      else setError(problem);
    } finally {
      setBusy(false);
    }
  };
  useCtrl('Enter', () => !refused && void run(false));

  const alert = tried?.error && (!tried.response || ALERTS.includes(tried.error.code)) ? tried.error : null;
  const dataError = error instanceof ApiError ? error.field('data') : undefined;
  return (
    <section class="send" role="region" aria-label={t.send}>
      <div class="card-header">
        <h2>{t.send}</h2>
        {busy ? (
          <Button kind="quiet" icon="square" onClick={() => running.current?.abort()}>
            {texts.act.stop}
          </Button>
        ) : (
          <>
            <Button icon="eye" refused={refused} onClick={() => run(true)}>
              {t.preview}
            </Button>
            <Button kind="accent" icon="send" refused={refused} title={t.sendHint} onClick={() => run(false)}>
              {repeats ? t.send : t.sendMethod(resource.method.toUpperCase())}
            </Button>
          </>
        )}
      </div>
      {refused && <p class="quiet small">{refused}</p>}
      <TextArea
        id="sample-data"
        label={t.sample}
        rows={Math.min(10, Math.max(3, sample.split('\n').length))}
        value={sample}
        error={sampleError ?? dataError}
        onInput={(value) => {
          setSampleError(null);
          onSample(value);
        }}
      />
      <div class="send-status" role="status">
        {busy && <span class="quiet">{t.sending}</span>}
        {stopped && !busy && <span>{repeats ? t.stopped : t.stoppedUnknown}</span>}
        {!busy && !stopped && tried?.response && <StatusText tried={tried} />}
      </div>
      <ErrorAlert error={error} shown={['data']} />
      {alert && <Alert what={alert.message} code={alert.code} next={t.next[alert.code]} />}
      {tried?.warnings && tried.warnings.length > 0 && (
        <ul class="plain-list small">
          {tried.warnings.map((warning) => (
            <li key={warning}>{t.warning(warning)}</li>
          ))}
        </ul>
      )}
      {tried ? (
        <Exchange
          tried={tried}
          selected={tab}
          onSelect={setTab}
          onSaveExample={tried.response ? () => tried.response && onSaveExample(sample, tried.response) : undefined}
        />
      ) : (
        !busy && !refused && <p class="quiet send-hint">{t.hint}</p>
      )}
    </section>
  );
}

function StatusText({ tried }: { tried: Tried }) {
  const { response, timing } = tried;
  if (!response) return null;
  const tone = response.status < 300 ? 'good' : response.status < 400 ? 'warn' : 'bad';
  const parts = [statusLine(response.status), timing?.total_ms != null ? duration(timing.total_ms) : null, bytes(response.bytes)];
  return <span class={`status-line status-${tone}`}>{parts.filter((part) => part !== null).join(', ')}</span>;
}

/** Fills the sample data with every variable that the request reads and that has no value yet. */
function useReads(
  watch: string,
  target: SendProps['target'],
  refused: string | null,
  sample: string,
  onSample: (text: string) => void,
): void {
  useEffect(() => {
    if (refused) return;
    const controller = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const { data } = await post<Tried>('/try', { ...target(), data: {}, dry_run: true }, { signal: controller.signal });
        const filled = withReads(sample, data.reads ?? []);
        if (!controller.signal.aborted && filled !== null) onSample(filled);
      } catch {
        // What is wrong with the request is told when it is sent.
      }
    }, 600);
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [watch, refused]);
}
