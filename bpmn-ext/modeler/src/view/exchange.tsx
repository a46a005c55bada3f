/** @jsxImportSource @bpmn-io/properties-panel/preact */
// `tablist "Exchange"`: what was sent and what came back, in five views.

import type { ComponentChildren } from '@bpmn-io/properties-panel/preact';
import { useMemo, useRef, useState } from '@bpmn-io/properties-panel/preact/hooks';

import { answerTree, type AnswerNode } from '../answer/json';
import type { Outcome, TimingSpan } from '../host/types';
import { AnswerTree } from './answer-tree';
import { useId } from './hooks';
import { sizeOf } from './words';

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
      <div id={`${id}-panel`} role="tabpanel" aria-labelledby={`${id}-${tab}`} class="dc-tabpanel" tabIndex={tab === 'Answer' ? -1 : 0}>
        {panel(tab, outcome, onPick)}
      </div>
    </div>
  );
}

function panel(tab: ExchangeTab, outcome: Outcome, onPick: Props['onPick']): ComponentChildren {
  const { request, response, timing } = outcome;
  if (tab === 'Request') return request ? <pre class="dc-pre">{requestText(request)}</pre> : <p class="dc-empty">No request was made.</p>;
  if (tab === 'Timing') return timing ? <Timing timing={timing} /> : <p class="dc-empty">Nothing was sent.</p>;
  if (!response) return <p class="dc-empty">There is no answer.</p>;
  if (tab === 'Headers') return <pre class="dc-pre">{response.headers.map(([name, value]) => `${name}: ${value}`).join('\n')}</pre>;
  if (tab === 'Raw') return <Raw response={response} />;
  return <AnswerPanel response={response} onPick={onPick} />;
}

/** "GET http://…", then "Name: value" a line, an empty line, the body. */
export function requestText({ method, url, headers, body }: NonNullable<Outcome['request']>): string {
  const head = [`${method} ${url}`, ...headers.map(([name, value]) => `${name}: ${value}`)].join('\n');
  return body === null || body === '' ? head : `${head}\n\n${body}`;
}

function AnswerPanel({ response, onPick }: { response: NonNullable<Outcome['response']>; onPick: Props['onPick'] }) {
  const [wanted, setWanted] = useState('');
  const isTree = response.kind === 'json' && !response.truncated && response.body !== null;
  const root = useMemo(() => (isTree ? answerTree(response.body as string) : undefined), [response]);
  if (!root) return <Raw response={response} />;
  return (
    <>
      <input class="dc-input dc-search" type="search" aria-label="Find in answer" placeholder="Find in answer" value={wanted} onInput={(event) => setWanted(event.currentTarget.value)} />
      <AnswerTree root={root} wanted={wanted} onPick={onPick} />
    </>
  );
}

function Raw({ response: { body, bytes, truncated, kind } }: { response: NonNullable<Outcome['response']> }) {
  if (body === null || kind === 'binary') return <p class="dc-empty">{sizeOf(bytes)} that are no text.</p>;
  if (body === '') return <p class="dc-empty">The answer has no body.</p>;
  return (
    <>
      {truncated && <p class="dc-note">Answer of {sizeOf(bytes)}; the first 100 KB are shown.</p>}
      <pre class="dc-pre">{body}</pre>
    </>
  );
}

function Timing({ timing }: { timing: NonNullable<Outcome['timing']> }) {
  const total = timing.total_ms ?? 0;
  const known = SPANS.flatMap(([span, name]) => (typeof timing[span] === 'number' ? [[name, timing[span]] as [string, number]] : []));
  const rest = total - known.reduce((sum, [, ms]) => sum + ms, 0);
  const rows: [string, number][] = [...known, ['Rest', Math.max(rest, 0)], ['Total', total]];
  return (
    <table class="dc-table">
      <thead><tr><th scope="col">Span</th><th scope="col" class="dc-number">Milliseconds</th></tr></thead>
      <tbody>
        {rows.map(([name, ms]) => <tr key={name}><th scope="row">{name}</th><td class="dc-number">{Math.round(ms * 10) / 10}</td></tr>)}
      </tbody>
    </table>
  );
}
