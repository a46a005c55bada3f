import { pages } from 'virtual:codes';

import { LinkButton } from '../../components/button';
import { Page } from '../../components/page';
import { useParts } from '../../address';
import { texts } from '../../texts';
import NotFound from '../not-found';
import { InlineOf } from '../../code/inline';
import type { Block, CodePage } from '../../code/page';

const t = texts.codes;

/** `/codes/:code`: what a code means, and what to change. */
export default function Code() {
  const [code = ''] = useParts('codes');
  const page = pageOf(code);
  if (!page) return <NotFound />;
  return (
    <Page
      title={code}
      class="page-narrow"
      actions={
        page.kind === 'job' && (
          <LinkButton href={`/jobs?code=${encodeURIComponent(code)}`} icon="history">
            {t.jobs}
          </LinkButton>
        )
      }
    >
      <p class="quiet">
        {t.kinds[page.kind]}
        {page.status && ` ${t.status(page.status)}`}
      </p>
      <div class="card prose">
        {page.blocks.map((block, index) => (
          <BlockOf key={index} block={block} />
        ))}
      </div>
    </Page>
  );
}

/** All statuses of third parties are described with 404. */
export function pageOf(code: string): CodePage | undefined {
  const wanted = /^HTTP_\d{3}$/.test(code) ? 'HTTP_404' : code;
  return pages.find((page) => page.code === wanted);
}

function BlockOf({ block }: { block: Block }) {
  if (block.kind === 'code')
    return (
      <pre class="code-block" tabIndex={0}>
        {block.text}
      </pre>
    );
  if (block.kind === 'heading')
    return (
      <h2>
        <InlineOf of={block.inline} />
      </h2>
    );
  if (block.kind === 'list')
    return (
      <ul>
        {block.items.map((item, index) => (
          <li key={index}>
            <InlineOf of={item} />
          </li>
        ))}
      </ul>
    );
  return (
    <p>
      <InlineOf of={block.inline} />
    </p>
  );
}
