import { useMemo, useState } from 'preact/hooks';

import type { Timing, Tried, UpstreamAnswer } from '../api/types';
import { Button } from '../components/button';
import { Tabs } from '../components/tabs';
import { copy } from '../copy';
import { download } from '../download';
import { bytes, duration } from '../format';
import { texts } from '../texts';
import { AnswerTree } from './answer-tree';
import { parse, pretty } from './json-tree';

const t = texts.exchange;

interface ExchangeProps {
  tried: Tried;
  selected: string;
  onSelect: (tab: string) => void;
  onSaveExample?: () => void;
}

/** What was sent and what came back. */
export function Exchange({ tried, selected, onSelect, onSaveExample }: ExchangeProps) {
  const { request, response } = tried;
  const tabs = [
    { id: 'request', text: t.request },
    ...(response
      ? [
          { id: 'answer', text: t.answer },
          { id: 'raw', text: t.raw },
          { id: 'headers', text: t.headers, count: response.headers.length },
        ]
      : []),
    ...(tried.timing ? [{ id: 'timing', text: t.timing }] : []),
  ];
  const shown = tabs.some((tab) => tab.id === selected) ? selected : response ? 'answer' : 'request';
  return (
    <div class="exchange">
      <Tabs label={t.exchange} tabs={tabs} selected={shown} onSelect={onSelect} small>
        {shown === 'request' &&
          (request ? (
            <pre class="code-block" tabIndex={0}>
              {requestText(request)}
            </pre>
          ) : (
            <p class="quiet">{t.noRequest}</p>
          ))}
        {shown === 'answer' && response && <Answer response={response} />}
        {shown === 'raw' && response && (
          <pre class="code-block" tabIndex={0}>
            {response.body ?? t.binary(bytes(response.bytes))}
          </pre>
        )}
        {shown === 'headers' && response && <Headers headers={response.headers} />}
        {shown === 'timing' && tried.timing && <Spans timing={tried.timing} />}
      </Tabs>
      <div class="row exchange-acts">
        {request && (
          <Button icon="terminal" onClick={() => copy(request.curl)}>
            {t.copyCurl}
          </Button>
        )}
        {response && onSaveExample && (
          <Button icon="save" onClick={onSaveExample}>
            {t.saveExample}
          </Button>
        )}
        {response && (
          <Button
            icon="download"
            refused={response.truncated ? t.onlyFirst : response.body === null ? t.notHere : false}
            onClick={() => download(`answer.${EXTENSIONS[response.kind]}`, response.body ?? '', 'application/octet-stream')}
          >
            {t.download}
          </Button>
        )}
      </div>
    </div>
  );
}

const EXTENSIONS = { json: 'json', xml: 'xml', text: 'txt', binary: 'bin' };

export function requestText(request: { method: string; url: string; headers: [string, string][]; body: string | null }): string {
  const head = [`${request.method} ${request.url}`, ...request.headers.map(([name, value]) => `${name}: ${value}`)].join('\n');
  return request.body ? `${head}\n\n${request.body}` : head;
}

function Answer({ response }: { response: UpstreamAnswer }) {
  const root = useMemo(() => (response.kind === 'json' && !response.truncated ? parse(response.body ?? '') : null), [response]);
  if (response.body === null) return <p class="quiet">{t.binary(bytes(response.bytes))}</p>;
  if (root) return <AnswerTree root={root} label={t.answer} />;
  if (response.body === '') return <p class="quiet">{t.emptyAnswer}</p>;
  return (
    <>
      {response.truncated && <p class="quiet">{t.truncated(bytes(response.bytes))}</p>}
      <pre class="code-block" tabIndex={0}>
        {response.body}
      </pre>
    </>
  );
}

export function Headers({ headers }: { headers: [string, string][] }) {
  return (
    <dl class="pairs">
      {headers.map(([name, value], index) => (
        <div key={`${name}${index}`}>
          <dt>{name}</dt>
          <dd class="mono">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

const SPANS: [keyof Timing, string][] = [
  ['token_ms', t.spans.token],
  ['name_ms', t.spans.name],
  ['connect_ms', t.spans.connect],
  ['tls_ms', t.spans.tls],
  ['first_byte_ms', t.spans.firstByte],
];

function Spans({ timing }: { timing: Timing }) {
  const known = SPANS.flatMap(([member, name]) => (timing[member] === null ? [] : [{ name, ms: timing[member] as number }]));
  const total = timing.total_ms ?? known.reduce((sum, span) => sum + span.ms, 0);
  const rest = Math.max(0, total - known.reduce((sum, span) => sum + span.ms, 0));
  const spans = [...known, { name: t.spans.rest, ms: rest }];
  let start = 0;
  return (
    <dl class="spans">
      {spans.map((span) => {
        const left = start;
        start += span.ms;
        return (
          <div key={span.name}>
            <dt>{span.name}</dt>
            <dd>
              <svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
                <rect x={share(left, total)} width={Math.max(0.5, share(span.ms, total))} height="6" rx="1" />
              </svg>
              <span class="numeric">{exactly(span.ms)}</span>
            </dd>
          </div>
        );
      })}
      <div class="spans-total">
        <dt>{t.spans.total}</dt>
        <dd>
          <span />
          <span class="numeric">{exactly(total)}</span>
        </dd>
      </div>
    </dl>
  );
}

const share = (part: number, whole: number): number => (whole > 0 ? (100 * part) / whole : 0);
const exactly = (ms: number): string => (ms < 10 ? `${Number(ms.toFixed(1))} ms` : duration(ms));

/** A body that was kept: as a tree where it is JSON. */
export function Body({ text, label }: { text: string | null; label: string }) {
  const root = useMemo(() => parse(text ?? ''), [text]);
  const [raw, setRaw] = useState(false);
  if (text === null || text === '') return <p class="quiet">{t.emptyAnswer}</p>;
  if (!root || root.kind === 'scalar')
    return (
      <pre class="code-block" tabIndex={0}>
        {text}
      </pre>
    );
  return (
    <>
      {raw ? (
        <pre class="code-block" tabIndex={0}>
          {pretty(root)}
        </pre>
      ) : (
        <AnswerTree root={root} label={label} quiet />
      )}
      <div class="row">
        <Button icon="code" onClick={() => setRaw(!raw)}>
          {raw ? t.asTree : t.asText}
        </Button>
      </div>
    </>
  );
}
