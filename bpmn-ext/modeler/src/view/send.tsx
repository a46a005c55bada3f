/** @jsxImportSource @bpmn-io/properties-panel/preact */
// The pane of "Send" and "Try": sample data, the call, and what came of it. Knows no host; whoever shows it makes the call.

import type { ComponentChildren } from '@bpmn-io/properties-panel/preact';
import { useEffect, useRef, useState } from '@bpmn-io/properties-panel/preact/hooks';

import type { AnswerNode } from '../answer/json';
import type { Failure, Json, Outcome } from '../host/types';
import { copyText, saveFile } from './copy';
import { Exchange } from './exchange';
import { useId } from './hooks';
import { isAlert, isReading, statusOf, toneOf } from './words';

export interface SendProps {
  method: string;
  /** The sample data as they are typed. */
  data: string;
  onData(text: string): void;
  /** Makes the call, or with `dry` only renders it. A `SampleDataError` is shown at the sample data. */
  attempt(data: Json, dry: boolean, signal: AbortSignal): Promise<Outcome>;
  outcome: Outcome | undefined;
  onOutcome(outcome: Outcome | undefined): void;
  onPick?: (node: AnswerNode) => void;
  /** Keeps data and answer as the resource's example, and says so; without it there is no such button. */
  onSaveExample?: ((data: Json, outcome: Outcome) => Promise<string>) | undefined;
  /** Why no call can be made. */
  refusal?: string | undefined;
  /** Why not even a request can be rendered. */
  previewRefusal?: string | undefined;
  /** The page about a code. */
  codeHref?: ((code: string) => string) | undefined;
  /** What to do next about a code. */
  adviceFor?: ((code: string) => string | undefined) | undefined;
  /** How a rejection is shown; without it, as its message. */
  rejection?: ((error: unknown) => ComponentChildren) | undefined;
  /** Stands below the sample data. */
  children?: ComponentChildren;
  /** Counts up whenever the call is asked for from outside, such as by Ctrl+Enter. */
  trigger?: number;
}

/** Sample data that a call cannot be made with. */
export class SampleDataError extends Error {}

/** After so many milliseconds of a call it is said that it still goes on. */
const LONG_MS = 10_000;

export function Send(props: SendProps) {
  const { method, data, onData, outcome, onPick, onSaveExample, refusal, previewRefusal, children, trigger = 0 } = props;
  const { isRunning, said, say, thrown, throwIt, dataError, run, stop } = useCall(props);
  const id = useId();
  const textarea = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    if (dataError !== undefined) textarea.current?.focus();
  }, [dataError]);
  useEffect(() => {
    if (trigger > 0 && refusal === undefined) run(false);
  }, [trigger]);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || refusal !== undefined) return;
    event.preventDefault();
    event.stopPropagation();
    run(false);
  };
  const saveExample = async (): Promise<void> => {
    try {
      if (onSaveExample && outcome) say(await onSaveExample(parsed(data), outcome));
    } catch (error) {
      throwIt(error);
    }
  };
  return (
    <div class="dc-send dc-part" onKeyDown={onKeyDown}>
      <div class="dc-send-parts">
        <div class="dc-send-ask">
          <label class="dc-label" for={id}>Sample data</label>
          <textarea
            ref={textarea}
            id={id}
            class="dc-input dc-code"
            rows={Math.min(12, Math.max(4, data.split('\n').length))}
            spellcheck={false}
            value={data}
            aria-invalid={dataError ? 'true' : undefined}
            aria-describedby={dataError ? `${id}-error` : undefined}
            onInput={(event) => onData(event.currentTarget.value)}
          />
          {dataError && <div id={`${id}-error`} class="dc-error-text">{dataError}</div>}
          <div class="dc-actions">
            <button type="button" class="dc-button" disabled={isRunning || previewRefusal !== undefined} title={previewRefusal} onClick={() => run(true)}>
              Preview request
            </button>
            {isRunning ? (
              <button type="button" class="dc-button" onClick={stop}>Stop</button>
            ) : (
              <button type="button" class="dc-button dc-primary" aria-keyshortcuts="Control+Enter" title={refusal ?? 'Ctrl+Enter'} disabled={refusal !== undefined} onClick={() => run(false)}>
                {isReading(method) ? 'Send' : `Send ${method}`}
              </button>
            )}
          </div>
          {refusal !== undefined && <p class="dc-note">{refusal}</p>}
          {children}
        </div>
        <div class="dc-send-answer">
          <div class="dc-answer-head">
            <Status isRunning={isRunning} said={said} outcome={outcome} />
            {outcome && !isRunning && <Copies outcome={outcome} onSaveExample={onSaveExample && outcome.response ? () => void saveExample() : undefined} />}
          </div>
          {thrown !== undefined && (props.rejection?.(thrown) ?? <div role="alert" class="dc-alert"><p>{thrown instanceof Error ? thrown.message : String(thrown)}</p></div>)}
          {outcome && !isRunning && isAlert(outcome) && <FailureAlert {...props} error={outcome.error as Failure} />}
          {outcome?.warnings.map((warning) => <p key={warning} class="dc-note">Note: {warning}</p>)}
          {outcome && (outcome.request || outcome.response) && <Exchange key={outcome.response ? 'answer' : 'request'} outcome={outcome} onPick={onPick} />}
          {!outcome && !isRunning && thrown === undefined && <p class="dc-empty">Send the call to see its answer here.</p>}
        </div>
      </div>
    </div>
  );
}

/** One call at a time; what comes of a stopped one is dropped. */
function useCall({ method, data, attempt, onOutcome }: SendProps) {
  const running = useRef<AbortController | undefined>(undefined);
  const [isRunning, setRunning] = useState(false);
  const [said, say] = useState('');
  const [thrown, throwIt] = useState<unknown>(undefined);
  const [dataError, setDataError] = useState<string | undefined>(undefined);
  useEffect(() => () => running.current?.abort(), []);
  useEffect(() => setDataError(undefined), [data]);

  const call = async (dry: boolean): Promise<void> => {
    if (running.current) return;
    const controller = new AbortController();
    const isCurrent = (): boolean => running.current === controller;
    running.current = controller;
    setRunning(true);
    throwIt(undefined);
    setDataError(undefined);
    say('');
    try {
      const came = await attempt(parsed(data), dry, controller.signal);
      if (isCurrent()) {
        onOutcome(came);
        if (dry && !came.error) say('This would be sent.');
      }
    } catch (error) {
      if (isCurrent() && error instanceof SampleDataError) setDataError(error.message);
      else if (isCurrent() && !controller.signal.aborted) throwIt(error);
    }
    if (isCurrent()) {
      running.current = undefined;
      setRunning(false);
    }
  };
  const stop = (): void => {
    running.current?.abort();
    running.current = undefined;
    setRunning(false);
    say(isReading(method) ? 'Stopped.' : 'Stopped. It may have taken effect.');
  };
  return { isRunning, said, say, thrown, throwIt, dataError, stop, run: (dry: boolean): void => void call(dry) };
}

function Status({ isRunning, said, outcome }: { isRunning: boolean; said: string; outcome: Outcome | undefined }) {
  const [isLong, setLong] = useState(false);
  useEffect(() => {
    setLong(false);
    if (!isRunning) return;
    const timer = setTimeout(() => setLong(true), LONG_MS);
    return () => clearTimeout(timer);
  }, [isRunning]);
  if (isRunning) return <p role="status" class="dc-status">{isLong ? 'Still working: sending …' : 'Sending …'}</p>;
  const line = said === '' && outcome ? statusOf(outcome) : undefined;
  return <p role="status" class={`dc-status${line && outcome ? ` dc-status-${toneOf(outcome)}` : ''}`}>{line ?? said}</p>;
}

function FailureAlert({ error, codeHref, adviceFor }: { error: Failure } & Pick<SendProps, 'codeHref' | 'adviceFor'>) {
  const advice = adviceFor?.(error.code);
  return (
    <div role="alert" class="dc-alert">
      <p>{error.message}</p>
      <p>{codeHref ? <a class="dc-link" href={codeHref(error.code)}>{error.code}</a> : <code>{error.code}</code>}</p>
      {advice !== undefined && <p class="dc-note">{advice}</p>}
    </div>
  );
}

/** Names below which a download is offered. */
const EXTENSIONS = { json: 'json', xml: 'xml', text: 'txt', binary: 'bin' };

/** What can be taken away from an exchange. */
function Copies({ outcome: { request, response }, onSaveExample }: { outcome: Outcome; onSaveExample: (() => void) | undefined }) {
  const [copied, setCopied] = useState(false);
  const id = useId();
  const refusal = response?.truncated ? 'Only the first 100 KB came here.' : response?.body === null ? 'A binary answer does not come here.' : undefined;
  return (
    <div class="dc-actions">
      {request && <button type="button" class="dc-button" onClick={() => void copyText(request.curl).then(() => setCopied(true))}>Copy as cURL</button>}
      {onSaveExample && <button type="button" class="dc-button" onClick={onSaveExample}>Save as example</button>}
      {response && (
        <button type="button" class="dc-button" disabled={refusal !== undefined} aria-describedby={refusal && id} onClick={() => saveFile(`answer.${EXTENSIONS[response.kind]}`, response.body ?? '')}>
          Download answer
        </button>
      )}
      {refusal && <span id={id} class="dc-note">{refusal}</span>}
      <span aria-live="polite" class="dc-note">{copied ? 'Copied.' : ''}</span>
    </div>
  );
}

/** The sample data as JSON; none are an empty object. */
function parsed(text: string): Json {
  if (text.trim() === '') return {};
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw new SampleDataError(`Sample data are no JSON: ${(error as Error).message}.`);
  }
}
