// The wait before another attempt. Knows the backoff; must not know what is attempted.

const MIN_MS = 200;
const MAX_MS = 30_000;

/** Milliseconds to wait after `tries` failed attempts: exponential up to 30 s, with up to 50 % jitter. */
export function backoffMs(tries) {
  const ceiling = Math.min(MAX_MS, MIN_MS * 2 ** Math.min(tries, 20));
  return Math.max(MIN_MS, ceiling * (0.5 + Math.random() / 2));
}
