import './modeler.css';

import { lazy, useLocation } from 'preact-iso';

import { useLoad } from '../../api/load';
import { useAddress } from '../../address';
import { Alert } from '../../components/alert';
import { LinkButton } from '../../components/button';
import { Loading } from '../../components/loading';
import { Page } from '../../components/page';
import { Empty } from '../../components/table';
import { useMedia } from '../../media';
import { texts } from '../../texts';
import { type Opened, open } from './opened';
import { Start } from './start';

const t = texts.modeler;

// The page to begin at has no diagram.
const Editor = lazy(() => import('./editor').then((module) => module.Editor));
const Diagram = lazy(() => import('../../model/diagram').then((module) => module.Diagram));

/** `/modeler`, `?example=…`, `?model=…&version=…`, `?draft=…`, each with `&element=…`. */
export default function ModelerPage() {
  const { query } = useAddress();
  const named = query.draft ?? query.example ?? query.model;
  if (named === undefined) return <Start />;
  return <Named key={JSON.stringify([query.draft, query.example, query.model, query.version])} query={query} />;
}

function Named({ query }: { query: Record<string, string> }) {
  const loaded = useLoad((signal) => open(query, signal), []);
  const isNarrow = useMedia('(max-width: 899px)');
  const { url } = useLocation();
  const plain = loaded.error instanceof Error && loaded.error.constructor === Error ? loaded.error : null;
  if (loaded.data) {
    return isNarrow ? (
      <Reading of={loaded.data} selected={query.element} />
    ) : (
      <Editor opened={loaded.data} selected={query.element} address={url} />
    );
  }
  return (
    <Page title={t.title}>
      {plain ? (
        <Alert what={plain.message}>
          <LinkButton href="/modeler">{t.start}</LinkButton>
        </Alert>
      ) : (
        <Loading of={loaded} what={t.what}>
          {() => null}
        </Loading>
      )}
      {loaded.data === null && (
        <Empty icon="search-x" text={t.gone}>
          <LinkButton href="/modeler">{t.start}</LinkButton>
        </Empty>
      )}
    </Page>
  );
}

/** Below 900 px a model is for reading. */
function Reading({ of, selected }: { of: Opened; selected?: string }) {
  return (
    <Page title={t.title}>
      <p class="quiet">{t.reading}</p>
      <Diagram xml={of.current.xml} label={t.canvas} selected={selected} />
    </Page>
  );
}
