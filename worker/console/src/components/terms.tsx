import type { ComponentChildren } from 'preact';

/** Terms with their values. */
export function Terms({ of }: { of: [string, ComponentChildren][] }) {
  return (
    <dl class="terms card">
      {of.map(([term, value]) => (
        <div key={term}>
          <dt>{term}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
