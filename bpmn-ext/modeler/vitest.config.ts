import { defineConfig } from 'vitest/config';

// Vitest reports failures with this, which Node 20 does not have yet.
(Map as any).groupBy ??= (items: Iterable<unknown>, keyOf: (item: unknown) => unknown) => {
  const groups = new Map<unknown, unknown[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
};

export default defineConfig({ test: { include: ['test/*.test.ts'] } });
