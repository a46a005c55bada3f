import { get } from '../api/client';
import { ApiError } from '../api/errors';
import { keep } from '../api/session';
import type { Me } from '../api/types';
import { Alert, ErrorAlert } from '../components/alert';
import { texts } from '../texts';

/** Asks the server whose token this is, and keeps it. */
export async function signInWith(token: string, stays: boolean): Promise<void> {
  const { data } = await get<Me>('/me', { token });
  keep(token, data, stays);
}

export function SignInError({ error }: { error: unknown }) {
  if (error instanceof ApiError && error.status === 401)
    return <Alert what={texts.signIn.refused} next={texts.signIn.refusedNext} />;
  if (error instanceof ApiError && error.status === 429) return <Alert what={texts.signIn.tooMany(error.retryAfter ?? 60)} />;
  return <ErrorAlert error={error} />;
}
