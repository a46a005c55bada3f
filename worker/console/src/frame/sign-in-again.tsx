import { useState } from 'preact/hooks';

import { ended, signOut, stays } from '../api/session';
import { Button } from '../components/button';
import { Dialog } from '../components/dialog';
import { TextField } from '../components/field';
import { texts } from '../texts';
import { signInWith, SignInError } from './sign-in-with';

/** The session ended while a page was open: the page stays, and its request goes on once there is a token. */
export function SignInAgain() {
  return ended.value ? <Again /> : null;
}

function Again() {
  const [value, setValue] = useState('');
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const go = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await signInWith(value.trim(), stays());
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  return (
    <Dialog title={texts.signIn.again} onClose={() => {}} stays>
      <form onSubmit={go} class="stack">
        <p>{texts.signIn.againText}</p>
        <SignInError error={error} />
        <TextField type="password" label={texts.signIn.token} value={value} onInput={setValue} />
        <div class="row-end">
          <Button onClick={signOut}>{texts.frame.signOut}</Button>
          <Button kind="primary" type="submit" disabled={busy || value.trim() === ''}>
            {texts.signIn.act}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
