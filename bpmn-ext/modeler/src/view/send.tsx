/** @jsxImportSource @bpmn-io/properties-panel/preact */
// The pane of "Send" and "Try": sample data, the call, and what came of it. Knows no host; whoever shows it makes the call.

import type { ComponentChildren } from '@bpmn-io/properties-panel/preact';
import { useEffect, useRef, useState } from '@bpmn-io/properties-panel/preact/hooks';

import type { AnswerNode } from '../answer/json';
import type { Json, Outcome } from '../host/types';
import { Exchange } from './exchange';
import { useId } from './hooks';
import { isAlert, isReading, statusOf } from './words';

export interface SendProps {
  method: string;
  /** The sample data as they are typed. */
  data: string;
  onData(text: string): void;
  /** Makes the call, or with `dry` only renders it. */
  attempt(data: Json, dry: boolean, signal: AbortSignal): Promise<Outcome>;
  outcome: Outcome | undefined;
  onOutcome(outcome: Outcome | undefined): void;
  onPick?: (node: AnswerNode) => void;
  /** Keeps data and answer as the resource's example; without it there is no such button. */
  onSaveExample?: ((data: Json, outcome: Outcome | undefined) => Promise<void>) | undefined;
  /** Why no call can be made. */
  refusal?: string | undefined;
  /** The page about a code. */
  codeHref?: ((code: string) => string) | undefined;
  /** Stands below the sample data. */
  children?: ComponentChildren;
  /** Counts up whenever the call is asked for from outside, such as by Ctrl+Enter. */
  trigger?: number;
}

/** Names below which a download is offered. */
const EXTENSIONS = { json: 'json', xml: 'xml', text: 'txt', binary: 'bin' };

export function Send(props: SendProps) {
  const { method, data, onData, attempt, outcome, onOutcome, onPick, onSaveExample, refusal, codeHref, children, trigger = 0 } = props;
  const running = useRef<AbortController | undefined>(undefined);
  const [isRunning, setRunning] = useState(false);
  const [said, setSaid] = useState('');
  const [thrown, setThrown] = useState<string | undefined>(undefined);
  const [dataError, setDataError] = useState<string | undefined>(undefined);
  const dataId = useId();
  const textarea = useRef<HTMLTextAreaElement>(null);

  const call = async (dry: boolean): Promise<void> => {
    const json = parsed(data);
    if ('error' in json) {
      setDataError(json.error);
      textarea.current?.focus();
      return;
    }
    running.current?.abort();
    const controller = new AbortController();
    running.current = controller;
    setRunning(true);
    setThrown(undefined);
    setDataError(undefined);
    setSaid('');
    try {
      const came = await attempt(json.value, dry, controller.signal);
      if (running.current === controller) {
        onOutcome(came);
        if (dry && !came.error) setSaid('This would be sent.');
      }
    } catch (error) {
      if (running.current === controller && !controller.signal.aborted) setThrown(error instanceof Error ? error.message : String(error));
    }
    if (running.current === controller) setRunning(false);
  };
  const stop = (): void => {
    running.current?.abort();
    running.current = undefined;
    setRunning(false);
    setSaid(isReading(method) ? 'Stopped.' : 'Stopped. It may have taken effect.');
  };
  useEffect(() => () => running.current?.abort(), []);
  useEffect(() => {
    if (trigger > 0 && refusal === undefined) void call(false);
  }, [trigger]);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || refusal !== undefined) return;
    event.preventDefault();
    event.stopPropagation();
    void call(false);
  };
  const status = isRunning ? 'Calling …' : said || (outcome && statusOf(outcome)) || '';
  const error = outcome && isAlert(outcome) ? outcome.error : null;
  return (
    <div class="dc-send" onKeyDown={onKeyDown}>
      <div class="dc-send-ask">
        <label class="dc-label" for={dataId}>Sample data</label>
        <textarea
          ref={textarea}
          id={dataId}
          class="dc-input dc-code"
          rows={6}
          spellcheck={false}
          value={data}
          aria-invalid={dataError ? 'true' : undefined}
          aria-describedby={dataError ? `${dataId}-error` : undefined}
          onInput={(event) => {
            setDataError(undefined);
            onData(event.currentTarget.value);
          }}
        />
        {dataError && <div id={`${dataId}-error`} class="dc-error-text">{dataError}</div>}
        <div class="dc-actions">
          {isRunning ? (
            <button type="button" class="dc-button" onClick={stop}>Stop</button>
          ) : (
            <button type="button" class="dc-button dc-primary" aria-keyshortcuts="Control+Enter" disabled={refusal !== undefined} onClick={() => void call(false)}>
              {isReading(method) ? 'Send' : `Send ${method}`}
            </button>
          )}
          <button type="button" class="dc-button" disabled={isRunning} onClick={() => void call(true)}>Preview request</button>
          {onSaveExample && (
            <button type="button" class="dc-button" disabled={isRunning} onClick={() => {
              const json = parsed(data);
              if (!('error' in json)) void onSaveExample(json.value, outcome).then(() => setSaid('Saved as example.'), (error) => setThrown(String(error.message ?? error)));
            }}>Save as example</button>
          )}
        </div>
        {refusal !== undefined && <p class="dc-note">{refusal}</p>}
        {children}
      </div>
      <div class="dc-send-answer">
        <div class="dc-answer-head">
          <p role="status" class={`dc-status${outcome?.response && outcome.response.status >= 400 ? ' dc-status-bad' : ''}`}>{status}</p>
          {outcome && !isRunning && <Copies outcome={outcome} />}
        </div>
        {thrown !== undefined && <div role="alert" class="dc-alert"><p>{thrown}</p></div>}
        {error && !isRunning && (
          <div role="alert" class="dc-alert">
            <p>{error.message}</p>
            <p>{codeHref ? <a class="dc-link" href={codeHref(error.code)}>{error.code}</a> : <code>{error.code}</code>}</p>
          </div>
        )}
        {outcome?.warnings.map((warning) => <p key={warning} class="dc-note">{warning}</p>)}
        {outcome && (outcome.request || outcome.response) && <Exchange key={outcome.response ? 'answer' : 'request'} outcome={outcome} onPick={onPick} />}
        {!outcome && !isRunning && thrown === undefined && <p class="dc-empty">Send the call to see its answer here.</p>}
      </div>
    </div>
  );
}

/** What can be taken away from an exchange. */
function Copies({ outcome: { request, response } }: { outcome: Outcome }) {
  const [copied, setCopied] = useState(false);
  const noteId = useId();
  const isCut = response?.truncated === true;
  const download = (): void => {
    if (!response) return;
    const url = URL.createObjectURL(new Blob([response.body ?? '']));
    const link = Object.assign(document.createElement('a'), { href: url, download: `answer.${EXTENSIONS[response.kind]}` });
    link.click();
    URL.revokeObjectURL(url);
  };
  return (
    <div class="dc-actions">
      {request && (
        <button type="button" class="dc-button" onClick={() => void navigator.clipboard.writeText(request.curl).then(() => setCopied(true))}>Copy as cURL</button>
      )}
      {response && (
        <button type="button" class="dc-button" disabled={isCut || response.body === null} aria-describedby={isCut ? noteId : undefined} onClick={download}>Download answer</button>
      )}
      {isCut && <span id={noteId} class="dc-note">Only the first 100 KB came here.</span>}
      <span aria-live="polite">{copied ? 'Copied.' : ''}</span>
    </div>
  );
}

function parsed(text: string): { value: Json } | { error: string } {
  if (text.trim() === '') return { value: {} };
  try {
    return { value: JSON.parse(text) as Json };
  } catch (error) {
    return { error: `Sample data are no JSON: ${(error as Error).message}.` };
  }
}
