import { pages } from 'virtual:codes';

import { InlineOf } from '../../code/inline';

/** What to change, and who, of a code's page. */
export function Advice({ code }: { code: string }) {
  const page = pages.find((one) => one.code === (/^HTTP_\d{3}$/.test(code) ? 'HTTP_404' : code));
  const first = page?.blocks.find((block) => block.kind === 'paragraph');
  if (!first || !('inline' in first)) return null;
  const at = first.inline.findIndex((part) => 'strong' in part && part.strong.startsWith('Who'));
  const parts = at < 0 ? first.inline : first.inline.slice(at);
  return <InlineOf of={parts} />;
}
