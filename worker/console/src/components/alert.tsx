import type { ComponentChildren } from 'preact';

import { ApiError, Away, isAbort } from '../api/errors';
import { texts } from '../texts';
import { Icon } from './icon';

interface AlertProps {
  /** What happened. */
  what: ComponentChildren;
  code?: string | null;
  /** What to do next. */
  next?: ComponentChildren;
  requestId?: string;
  children?: ComponentChildren;
}

/** What happened, its code, and what to do next. */
export function Alert({ what, code, next, requestId, children }: AlertProps) {
  return (
    <div class="alert" role="alert">
      <Icon name="circle-alert" />
      <div class="alert-body">
        <p>
          {what}
          {code && (
            <>
              {' '}
              <a class="code" href={`/codes/${code}`}>
                {code}
              </a>
            </>
          )}
        </p>
        {next && <p class="quiet">{next}</p>}
        {children}
        {requestId && (
          <details class="support">
            <summary>{texts.errors.support}</summary>
            {texts.errors.requestId} <code>{requestId}</code>
          </details>
        )}
      </div>
    </div>
  );
}

interface ErrorAlertProps {
  error: unknown;
  /** Fields that show their own texts. */
  shown?: string[];
  children?: ComponentChildren;
}

/** An error of a request, shown in three parts. What was stopped on purpose is no error. */
export function ErrorAlert({ error, shown = [], children }: ErrorAlertProps) {
  if (error == null || isAbort(error)) return null;
  if (error instanceof Away)
    return (
      <Alert what={texts.errors.away} next={texts.errors.awayNext}>
        {children}
      </Alert>
    );
  if (!(error instanceof ApiError))
    return (
      <Alert what={texts.errors.unexpected} next={texts.errors.unexpectedNext}>
        {children}
      </Alert>
    );
  const texts422 = error.textsBeside(shown).filter((text) => text !== error.message);
  return (
    <Alert what={error.message} code={error.code} next={nextAfter(error)} requestId={error.body.request_id}>
      {texts422.length > 0 && (
        <ul>
          {texts422.map((text) => (
            <li key={text}>{text}</li>
          ))}
        </ul>
      )}
      {children}
    </Alert>
  );
}

function nextAfter(error: ApiError): string | undefined {
  if (error.retryAfter !== null) return texts.errors.again(error.retryAfter);
  return texts.errors.next[error.status];
}
