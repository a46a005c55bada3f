import { ErrorBoundary, lazy, LocationProvider, Route, Router, useLocation } from 'preact-iso';
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import { get } from './api/client';
import { ApiError } from './api/errors';
import { me, signOut, token } from './api/session';
import type { Me } from './api/types';
import { Alert, ErrorAlert } from './components/alert';
import { Button } from './components/button';
import { Frame } from './frame/frame';
import NotFound from './pages/not-found';
import SignIn from './pages/sign-in';
import { texts } from './texts';

const page = (load: () => Promise<{ default: ComponentType }>) => lazy(load);

const Connectors = page(() => import('./pages/connectors'));
const Connector = page(() => import('./pages/connector'));
const Import = page(() => import('./pages/import'));
const Models = page(() => import('./pages/models'));
const Model = page(() => import('./pages/model'));
const Overview = page(() => import('./pages/overview'));
const Jobs = page(() => import('./pages/jobs'));
const Job = page(() => import('./pages/job'));
const DeadLetters = page(() => import('./pages/dead-letters'));
const DeadLetter = page(() => import('./pages/dead-letter'));
const Secrets = page(() => import('./pages/secrets'));
const Tokens = page(() => import('./pages/tokens'));
const Audit = page(() => import('./pages/audit'));
const Workers = page(() => import('./pages/workers'));
const Collections = page(() => import('./pages/collections'));
const Collection = page(() => import('./pages/collection'));
const Modeler = page(() => import('./pages/modeler'));
const Code = page(() => import('./pages/codes'));

export function App({ offered }: { offered: string | null }) {
  return (
    <LocationProvider>
      <Entrance offered={offered} />
    </LocationProvider>
  );
}

/** Signing in, or the page of somebody who is. */
function Entrance({ offered }: { offered: string | null }) {
  const { path, url, route } = useLocation();
  const [error, setError] = useState<unknown>(null);
  const [turn, setTurn] = useState(0);
  const held = token.value;
  const signingIn = path === '/sign-in';

  useEffect(() => {
    if (held === null && !signingIn) route(url === '/' ? '/sign-in' : `/sign-in?to=${encodeURIComponent(url)}`, true);
    if (held !== null && path === '/') route('/overview', true);
  }, [held, url]);
  useEffect(() => {
    if (held === null || me.value !== null) return;
    setError(null);
    get<Me>('/me', { token: held }).then(
      ({ data }) => (me.value = data),
      (problem: unknown) => (problem instanceof ApiError && problem.status === 401 ? signOut() : setError(problem)),
    );
  }, [held, turn]);

  if (signingIn) return <SignIn offered={offered} />;
  if (error !== null) {
    return (
      <main class="main">
        <ErrorAlert error={error}>
          <Button onClick={() => setTurn(turn + 1)}>{texts.act.tryAgain}</Button>
        </ErrorAlert>
      </main>
    );
  }
  if (held === null || me.value === null || path === '/') return null;
  return (
    <Frame>
      <Pages />
    </Frame>
  );
}

function Pages() {
  const [broken, setBroken] = useState(false);
  const { path } = useLocation();
  useEffect(() => setBroken(false), [path]);
  if (broken) return <Alert what={texts.errors.pageBroken} next={texts.errors.pageBrokenNext} />;
  return (
    <ErrorBoundary
      onError={(problem) => {
        console.error(problem);
        setBroken(true);
      }}
    >
      <Router>
        <Route path="/connectors" component={Connectors} />
        <Route path="/connectors/import" component={Import} />
        <Route path="/connectors/:id/:rest*" component={Connector} />
        <Route path="/models" component={Models} />
        <Route path="/models/:process/:version" component={Model} />
        <Route path="/overview" component={Overview} />
        <Route path="/jobs" component={Jobs} />
        <Route path="/jobs/:id" component={Job} />
        <Route path="/dead-letters" component={DeadLetters} />
        <Route path="/dead-letters/:number" component={DeadLetter} />
        <Route path="/secrets" component={Secrets} />
        <Route path="/tokens" component={Tokens} />
        <Route path="/audit" component={Audit} />
        <Route path="/workers" component={Workers} />
        <Route path="/collections" component={Collections} />
        <Route path="/collections/:id" component={Collection} />
        <Route path="/modeler" component={Modeler} />
        <Route path="/codes/:code" component={Code} />
        <Route default component={NotFound} />
      </Router>
    </ErrorBoundary>
  );
}
