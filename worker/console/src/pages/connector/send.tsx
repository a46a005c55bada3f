import { useEffect, useRef, useState } from 'preact/hooks';

import { attempt } from '../../api/attempt';
import { ApiError } from '../../api/errors';
import { isLimited, may } from '../../api/session';
import type { TryRequest } from '../../api/types';
import { ErrorAlert } from '../../components/alert';
import { credentialsOf } from '../../connector/credentials';
import { type Endpoint, recordOf } from '../../connector/record';
import { useCtrl } from '../../frame/shortcuts';
import { type Outcome, SampleDataError, Send as Pane } from '../../plug-in';
import { texts } from '../../texts';
import type { Editor } from './editor';
import { sampleText, withExample, withReads } from './sample';

const t = texts.connector;

interface SendProps {
  editor: Editor;
  endpoint: Endpoint;
  onChange: (what: string, how: (endpoint: Endpoint) => Endpoint) => void;
}

/** Sends the request as it stands in the form, saved or not. */
export function Send({ editor, endpoint, onChange }: SendProps) {
  const { resource } = endpoint;
  const [sample, setSample] = useState(() => sampleText(resource));
  const [outcome, setOutcome] = useState<Outcome>();
  const [trigger, setTrigger] = useState(0);
  const refusals = refusalsOf(editor, endpoint);
  useReads(editor, endpoint, refusals.preview, sample, setSample);
  useCtrl('Enter', () => setTrigger(trigger + 1));
  return (
    <section class="send-pane" role="region" aria-label={texts.exchange.send}>
      <h2>{texts.exchange.send}</h2>
      <Pane
        method={resource.method.toUpperCase()}
        data={sample}
        onData={setSample}
        attempt={async (data, dry, signal) => {
          try {
            return await attempt({ ...targetOf(editor, endpoint), data, ...(dry ? { dry_run: true } : {}) }, signal);
          } catch (error) {
            const text = error instanceof ApiError ? error.field('data') : undefined;
            throw text === undefined ? error : new SampleDataError(text);
          }
        }}
        outcome={outcome}
        onOutcome={(came) => {
          setOutcome(came);
          if (came?.error?.at) mark(editor, came.error.at, came.error.message);
        }}
        onSaveExample={
          may('manage')
            ? async (_, { response }) => {
                if (response) onChange('example', (one) => ({ ...one, resource: withExample(one.resource, sample, response) }));
                return texts.exchange.exampleKept;
              }
            : undefined
        }
        refusal={refusals.send}
        previewRefusal={refusals.preview}
        codeHref={(code) => `/codes/${code}`}
        adviceFor={(code) => texts.exchange.next[code]}
        rejection={(error) => <ErrorAlert error={error} />}
        trigger={trigger}
      />
    </section>
  );
}

/** Whether nothing differs from what is stored, so that the stored connector is called. */
function isStored(editor: Editor, { name }: Endpoint): boolean {
  return !editor.unsaved.value && editor.stored.value?.endpoints[name] !== undefined;
}

/** Why this token may not call, or not even see what would be sent (API.md 10). */
function refusalsOf(editor: Editor, endpoint: Endpoint): { send?: string; preview?: string } {
  if (isStored(editor, endpoint)) return may('execute') ? {} : { send: texts.frame.notCall };
  const refusal = may('manage')
    ? editor.isNew && isLimited.value
      ? texts.frame.limited
      : undefined
    : may('execute')
      ? t.sendUnsaved
      : texts.frame.notCall;
  return refusal === undefined ? {} : { send: refusal, preview: refusal };
}

/** What to call: the stored connector's id, or the record as edited. */
function targetOf(editor: Editor, endpoint: Endpoint): Pick<TryRequest, 'connector' | 'resource' | 'credentials'> {
  const stored = editor.stored.value;
  if (stored && isStored(editor, endpoint)) return { connector: stored.uuid, resource: endpoint.name };
  const state = editor.state.value;
  const { endpoints: _, ...record } = recordOf(state);
  const credentials = credentialsOf(state.authtype, editor.credentials.value, stored?.authtype !== state.authtype);
  return {
    connector: { ...record, name: record.name || t.unnamed, ...(stored ? { uuid: stored.uuid } : {}) },
    resource: { ...endpoint.resource, purpose: endpoint.name },
    ...(credentials === undefined ? {} : { credentials }),
  };
}

/** Marks the field that a try names, and goes there. */
function mark(editor: Editor, at: string, text: string): void {
  editor.marks.value = { [at]: text };
  setTimeout(() => document.querySelector<HTMLElement>('.resource-form [aria-invalid=true]')?.focus(), 60);
}

/** Milliseconds without a change after which the request is rendered. */
const DELAY = 600;

/** Fills the sample data with every variable that the request reads and that has no value yet. */
function useReads(
  editor: Editor,
  endpoint: Endpoint,
  refusal: string | undefined,
  sample: string,
  onSample: (text: string) => void,
): void {
  const { url, params, headers, body, method } = endpoint.resource;
  const latest = useRef(sample);
  latest.current = sample;
  useEffect(() => {
    if (refusal !== undefined) return;
    const controller = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const { reads } = await attempt({ ...targetOf(editor, endpoint), data: {}, dry_run: true }, controller.signal);
        const filled = withReads(latest.current, reads);
        if (!controller.signal.aborted && filled !== null) onSample(filled);
      } catch {
        // What is wrong with the request is shown when it is sent.
      }
    }, DELAY);
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [JSON.stringify([url, params, headers, body, method]), refusal]);
}
