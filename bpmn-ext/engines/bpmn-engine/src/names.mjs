// The names of exchanges and queues (CONTRACT 1). Pure.

const NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** The names that belong to a prefix and an engine; throws when one of them is not valid. */
export function namesOf(prefix, engine) {
  if (!NAME.test(engine)) throw new TypeError(`engine \`${engine}\`: a name is 1 to 64 of A-Z a-z 0-9 _ -`);
  if (typeof prefix !== 'string' || prefix === '') throw new TypeError('prefix: a text is needed');
  return {
    jobs: `${prefix}.jobs`,
    unrouted: `${prefix}.unrouted`,
    results: `${prefix}.results`,
    control: `${prefix}.control`,
    resultQueue: `${prefix}.results.${engine}`,
    resultPattern: `result.${engine}.#`,
    lock: `${prefix}.results.${engine}.lock`,
  };
}
