import { useLocation } from 'preact-iso';
import { useEffect, useState } from 'preact/hooks';

import { awaySince } from '../../api/connection';
import { Alert } from '../../components/alert';
import { Button } from '../../components/button';
import { Checkbox, TextField } from '../../components/field';
import { Page } from '../../components/page';
import { shortTime } from '../../format';
import { BrandMark } from '../../frame/frame';
import { SignInError, signInWith } from '../../frame/sign-in-with';
import { texts } from '../../texts';
import { ownPath } from './own-path';

/** `/sign-in?to=/path`, and `/sign-in#token=T`, whose token `main.tsx` has taken out of the address. */
export default function SignIn({ offered }: { offered: string | null }) {
  const { query, route } = useLocation();
  const [value, setValue] = useState('');
  const [stays, setStays] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(offered !== null);

  const go = async (token: string) => {
    setBusy(true);
    setError(null);
    try {
      await signInWith(token, stays);
      route(ownPath(query.to) ?? '/overview', true);
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  useEffect(() => {
    if (offered !== null) void go(offered);
  }, []);

  const t = texts.signIn;
  return (
    <main class="sign-in" id="main">
      <div class="sign-in-card">
        <div class="sign-in-brand">
          <BrandMark />
          <span>{texts.product}</span>
        </div>
        <Page title={t.title}>
          <p class="quiet">{t.lead}</p>
          <form
            class="stack"
            onSubmit={(event) => {
              event.preventDefault();
              void go(value.trim());
            }}
          >
            {awaySince.value && error === null && <Alert what={texts.frame.away(shortTime(awaySince.value))} />}
            <SignInError error={error} />
            <TextField type="password" label={t.token} value={value} onInput={setValue} autoComplete="current-password" mono />
            <Checkbox label={t.stay} checked={stays} onChange={setStays} />
            <Button kind="primary" type="submit" class="button-wide" disabled={busy || value.trim() === ''}>
              {t.act}
            </Button>
          </form>
          <details class="sign-in-help">
            <summary>{t.where}</summary>
            <p>{t.whereText}</p>
            <pre class="code-block">{t.command}</pre>
            <p>{t.whereFirst}</p>
          </details>
        </Page>
      </div>
    </main>
  );
}
