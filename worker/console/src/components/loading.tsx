import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import { Away } from '../api/errors';
import type { Loaded } from '../api/load';
import { texts } from '../texts';
import { ErrorAlert } from './alert';
import { Button } from './button';

/** How long something has been running, in steps that matter: 0, 150 ms, 1 s, 10 s. */
function useStep(since: number | null): 0 | 1 | 2 | 3 {
  const [step, setStep] = useState<0 | 1 | 2 | 3>(0);
  useEffect(() => {
    setStep(0);
    if (since === null) return;
    const timers = (
      [
        [150, 1],
        [1_000, 2],
        [10_000, 3],
      ] as const
    ).map(([ms, to]) => window.setTimeout(() => setStep(to), Math.max(0, since + ms - Date.now())));
    return () => timers.forEach(clearTimeout);
  }, [since]);
  return since === null ? 0 : step;
}

interface LoadingProps<T> {
  of: Loaded<T>;
  /** "connectors", in "Loading connectors …". */
  what: string;
  children: (data: T) => ComponentChildren;
  /** Rows of the skeleton, as many as are usual. */
  rows?: number;
}

/** Shows what was loaded. That nobody answers is said once, by the frame. Before, nothing for 150 ms, then a skeleton, then words, then a way to stop. */
export function Loading<T>({ of, what, children, rows = 6 }: LoadingProps<T>) {
  const step = useStep(of.since);
  return (
    <>
      {of.error != null && !(of.error instanceof Away) && (
        <ErrorAlert error={of.error}>
          <Button icon="rotate-cw" onClick={of.reload}>
            {texts.act.tryAgain}
          </Button>
        </ErrorAlert>
      )}
      {step === 3 && (
        <p class="loading-text" role="status">
          <span>{texts.loading.still(what)}</span> <Button onClick={of.stop}>{texts.act.stop}</Button>
        </p>
      )}
      {of.data !== undefined
        ? children(of.data)
        : of.since !== null &&
          step > 0 && (
            <div class="skeleton" aria-busy="true">
              {step === 2 && (
                <p class="loading-text" role="status">
                  {texts.loading.loading(what)}
                </p>
              )}
              {Array.from({ length: rows }, (_, index) => (
                <div key={index} class="skeleton-row" />
              ))}
            </div>
          )}
    </>
  );
}
