import type { Inline } from './page';

/** Words of a code's page. */
export function InlineOf({ of }: { of: Inline[] }) {
  return (
    <>
      {of.map((part, index) =>
        'strong' in part ? (
          <strong key={index}>{part.strong}</strong>
        ) : 'code' in part ? (
          <code key={index}>{part.code}</code>
        ) : (
          part.text
        ),
      )}
    </>
  );
}
