/** @jsxImportSource @bpmn-io/properties-panel/preact */
// `tablist "Exchange"`: what was sent and what came back, in five views.

import type { ComponentChildren } from '@bpmn-io/properties-panel/preact';
import { useMemo, useRef, useState } from '@bpmn-io/properties-panel/preact/hooks';

import { answerTree, type AnswerNode } from '../answer/json';
import type { Outcome, TimingSpan } from '../host/types';
import { AnswerTree } from './answer-tree';
import { useId } from './hooks';
import { sizeOf, timeOf } from './words';

const TABS = ['Request', 'Answer', 'Raw', 'Headers', 'Timing'] as const;
export type ExchangeTab = (typeof TABS)[number];

const SPANS: [span: TimingSpan, name: string][] = [
  ['name_ms', 'Name'], ['connect_ms', 'Connect'], ['tls_ms', 'TLS'], ['token_ms', 'Token'], ['first_byte_ms', 'First byte'],
];

interface Props {
  outcome: Outcome;
  /** Enter or click on an item of the answer. */
  onPick?: ((node: AnswerNode) => void) | undefined;
  /** The view that is shown first. */
  first?: ExchangeTab;
}

export function Exchange({ outcome, onPick, first }: Props) {
  const [chosen, setTab] = useState<ExchangeTab | undefined>(first);
  const tab = chosen ?? (outcome.response ? 'Answer' : 'Request');
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const go = (index: number): void => {
    const next = TABS[(index + TABS.length) % TABS.length] as ExchangeTab;
    setTab(next);
    list.current?.querySelector<HTMLElement>(`#${id}-${next}`)?.focus();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const at = TABS.indexOf(tab);
    const moves: { [key: string]: number } = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: TABS.length - 1 };
    if (!(event.key in moves)) return;
    event.preventDefault();
    go(moves[event.key] as number);
  };
  return (
    <div class="dc-exchange">
      <div ref={list} role="tablist" aria-label="Exchange" class="dc-tabs" onKeyDown={onKeyDown}>
        {TABS.map((name) => (
          <button key={name} id={`${id}-${name}`} type="button" role="tab" aria-selected={name === tab} aria-controls={`${id}-panel`} tabIndex={name === tab ? 0 : -1} onClick={() => setTab(name)}>
            {name}
          </button>
        ))}
      </div>
      <div id={`${id}-panel`} role="tabpanel" aria-labelledby={`${id}-${tab}`} class="dc-tabpanel" tabIndex={-1}>
        {panel(tab, outcome, onPick)}
      </div>
    </div>
  );
}

function panel(tab: ExchangeTab, outcome: Outcome, onPick: Props['onPick']): ComponentChildren {
  const { request, response, timing } = outcome;
  if (tab === 'Request') return request ? <pre class="dc-pre" tabIndex={0}>{requestText(request)}</pre> : <p class="dc-empty">No request was made.</p>;
  if (tab === 'Timing') return timing ? <Timing timing={timing} /> : <p class="dc-empty">Nothing was sent.</p>;
  if (!response) return <p class="dc-empty">There is no answer.</p>;
  if (tab === 'Headers') return <Headers headers={response.headers} />;
  if (tab === 'Raw') return <Raw response={response} />;
  return <AnswerPanel response={response} onPick={onPick} />;
}

/** "GET http://…", then "Name: value" a line, an empty line, the body. */
export function requestText({ method, url, headers, body }: NonNullable<Outcome['request']>): string {
  const head = [`${method} ${url}`, ...headers.map(([name, value]) => `${name}: ${value}`)].join('\n');
  return body === null || body === '' ? head : `${head}\n\n${body}`;
}

/** Headers in the order in which they came. */
export function Headers({ headers }: { headers: [string, string][] }) {
  return (
    <dl class="dc-pairs">
      {headers.map(([name, value], at) => <div key={at}><dt>{name}</dt><dd>{value}</dd></div>)}
    </dl>
  );
}

function AnswerPanel({ response, onPick }: { response: NonNullable<Outcome['response']>; onPick: Props['onPick'] }) {
  const isTree = response.kind === 'json' && !response.truncated && response.body !== null;
  const root = useMemo(() => (isTree ? answerTree(response.body as string) : undefined), [response]);
  return root ? <AnswerTree root={root} label="Answer" onPick={onPick} /> : <Raw response={response} />;
}

function Raw({ response: { body, bytes, truncated, kind } }: { response: NonNullable<Outcome['response']> }) {
  if (body === null || kind === 'binary') return <p class="dc-empty">A binary answer of {sizeOf(bytes)}, which is not shown.</p>;
  if (body === '') return <p class="dc-empty">The answer has no body.</p>;
  return (
    <>
      {truncated && <p class="dc-note">Answer of {sizeOf(bytes)}; the first 100 KB are shown.</p>}
      <pre class="dc-pre" tabIndex={0}>{body}</pre>
    </>
  );
}

function Timing({ timing }: { timing: NonNullable<Outcome['timing']> }) {
  const known = SPANS.flatMap(([span, name]) => (typeof timing[span] === 'number' ? [{ name, ms: timing[span] as number }] : []));
  const sum = known.reduce((before, { ms }) => before + ms, 0);
  const total = timing.total_ms ?? sum;
  let start = 0;
  const spans = [...known, { name: 'Rest', ms: Math.max(total - sum, 0) }].map(({ name, ms }) => ({ name, ms, from: (start += ms) - ms }));
  const share = (ms: number): number => (total > 0 ? (100 * ms) / total : 0);
  return (
    <dl class="dc-spans">
      {spans.map(({ name, ms, from }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
              <rect x={share(from)} width={Math.max(0.5, share(ms))} height="6" />
            </svg>
          </dd>
          <dd class="dc-ms">{timeOf(ms)}</dd>
        </div>
      ))}
      <div class="dc-total">
        <dt>Total</dt>
        <dd />
        <dd class="dc-ms">{timeOf(total)}</dd>
      </div>
    </dl>
  );
}
