// How long to wait before something is tried again. Pure, but for chance.

const SHORTEST_MS = 200;
const LONGEST_MS = 30_000;

/** Milliseconds before the try after `tries` failed ones: doubling, at most 30 s, at least half of it chance. */
export function waitAfter(tries) {
  const ceiling = Math.min(LONGEST_MS, SHORTEST_MS * 2 ** Math.min(tries, 20));
  return Math.max(SHORTEST_MS, ceiling * (0.5 + Math.random() / 2));
}
