//! Access tokens: fetched once for any number of waiting jobs, cached until shortly before they expire, dropped when a third
//! party refuses them.
//!
//! Knows when a token may be used and who may fetch one; must not know the requests to a token endpoint.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::Instant;

use super::refresh_tokens::StoredRefreshToken;
use crate::job::Failure;
use crate::plan::{CredentialId, Grant, OAuth2, Redactor};

/// The lifetime of a token without `expires_in`.
pub(super) const LIFETIME: Duration = Duration::from_mins(5);
/// How many tokens are cached, and how long after their last use.
const CACHED: u64 = 10_000;
const CACHED_IDLE: Duration = Duration::from_hours(1);
/// A token is fetched anew this long before it expires, or a tenth of its lifetime, whichever is more.
const EARLY: Duration = Duration::from_mins(1);
/// How long a failure is cached, the first time and at most.
const FAILED: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5));
/// After a token was fetched because a third party refused the one before, this long none is fetched for that reason.
const FORCED: Duration = Duration::from_secs(5);

/// A token, and its number among those of its credential.
#[derive(Debug, Clone)]
pub(in crate::http) struct Token {
    value: SecretString,
    generation: u64,
    /// Masks the value, in every call that carries it.
    redactor: Arc<Redactor>,
}

impl Token {
    pub(in crate::http) fn value(&self) -> &SecretString {
        &self.value
    }

    pub(in crate::http) fn redactor(&self) -> &Arc<Redactor> {
        &self.redactor
    }
}

/// What a token endpoint returned.
#[derive(Debug, Clone)]
pub(super) struct Fetched {
    pub(super) value: SecretString,
    pub(super) lifetime: Duration,
}

/// What identifies a token.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    credential: CredentialId,
    url: String,
    scope: Option<String>,
    audience: Option<String>,
    /// Which connection of an account: the tokens of another one are not used.
    connection: Option<i64>,
}

/// All tokens of a process.
#[derive(Debug)]
pub(in crate::http) struct Tokens(Cache<Key, Arc<Mutex<TokenSlot>>>);

/// One credential's token; whoever has it locked fetches, and all others wait.
#[derive(Debug, Default)]
pub(super) struct TokenSlot {
    cached: Option<CachedToken>,
    failed: Option<Failed>,
    generation: u64,
    /// The last value that a third party refused.
    refused: Option<SecretString>,
    forced_at: Option<Instant>,
    /// A refresh token that is not stored yet: the one before it may be used up.
    pub(super) unstored: Option<StoredRefreshToken>,
}

#[derive(Debug)]
struct CachedToken {
    token: Token,
    until: Instant,
}

#[derive(Debug)]
struct Failed {
    failure: Failure,
    until: Instant,
    wait: Duration,
}

impl Default for Tokens {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(CACHED).time_to_idle(CACHED_IDLE).build())
    }
}

impl Tokens {
    /// The token of a credential, or the failure of the last try while that is cached. `fetch` gets the slot, runs once for
    /// all callers, and is not cancelled with them: a response with a new refresh token in it must not be lost.
    pub(super) async fn get<F, Fetching>(
        &self,
        credential: &CredentialId,
        oauth: &OAuth2,
        fetch: F,
    ) -> Result<Token, Failure>
    where
        F: FnOnce(OwnedMutexGuard<TokenSlot>) -> Fetching,
        Fetching: Future<Output = (OwnedMutexGuard<TokenSlot>, Result<Fetched, Failure>)> + Send + 'static,
    {
        let slot = self.slot(credential, oauth).await.lock_owned().await;
        let now = Instant::now();
        if let Some(cached) = slot.cached.as_ref().filter(|cached| now < cached.until) {
            return Ok(cached.token.clone());
        }
        if let Some(failed) = slot.failed.as_ref().filter(|failed| now < failed.until) {
            return Err(failed.failure.clone());
        }
        let fetching = fetch(slot);
        let fetched = tokio::spawn(async move {
            let (mut slot, fetched) = fetching.await;
            slot.settle(fetched)
        });
        fetched.await.unwrap_or_else(|_| Err(super::oauth::no_token("fetching it ended in a defect")))
    }

    /// Drops exactly this token, which a third party refused, so that a burst of refusals fetches one new one; whether the
    /// request may be sent again with another token.
    pub(in crate::http) async fn invalidate(&self, credential: &CredentialId, oauth: &OAuth2, token: &Token) -> bool {
        let slot = self.slot(credential, oauth).await;
        let mut slot = slot.lock().await;
        let Some(cached) = &slot.cached else { return true };
        if cached.token.generation != token.generation {
            return true;
        }
        if slot.forced_at.is_some_and(|at| at.elapsed() < FORCED) {
            return false;
        }
        slot.refused = Some(token.value.clone());
        slot.forced_at = Some(Instant::now());
        slot.cached = None;
        true
    }

    async fn slot(&self, credential: &CredentialId, oauth: &OAuth2) -> Arc<Mutex<TokenSlot>> {
        let key = Key {
            credential: credential.clone(),
            url: oauth.url.to_string(),
            scope: oauth.scope.clone(),
            audience: oauth.audience.clone(),
            connection: match oauth.grant {
                Grant::Account { connection, .. } => connection,
                Grant::Password { .. } | Grant::ClientCredentials | Grant::Refresh { .. } => None,
            },
        };
        self.0.get_with(key, async { Arc::default() }).await
    }
}

impl TokenSlot {
    /// Whether a third party has refused this very token.
    pub(super) fn was_refused(&self, value: &SecretString) -> bool {
        self.refused.as_ref().is_some_and(|refused| refused.expose_secret() == value.expose_secret())
    }

    fn settle(&mut self, fetched: Result<Fetched, Failure>) -> Result<Token, Failure> {
        let now = Instant::now();
        match fetched {
            Ok(Fetched { value, lifetime }) => {
                self.generation += 1;
                let redactor = Arc::new(Redactor::of([&value]));
                let token = Token { value, generation: self.generation, redactor };
                self.cached =
                    Some(CachedToken { token: token.clone(), until: now + usable(lifetime, fastrand::f64()) });
                self.failed = None;
                Ok(token)
            }
            Err(failure) => {
                let wait = self.failed.as_ref().map_or(FAILED.0, |failed| (failed.wait * 2).min(FAILED.1));
                self.cached = None;
                self.failed = Some(Failed { failure: failure.clone(), until: now + wait, wait });
                Err(failure)
            }
        }
    }
}

/// How long a token is used: up to a minute or a tenth of its lifetime before it expires, but at least half of it; and up to
/// a twentieth less at random, so that workers do not all fetch at once.
pub(super) fn usable(lifetime: Duration, random: f64) -> Duration {
    let early = EARLY.max(lifetime / 10);
    let usable = lifetime.saturating_sub(early).max(lifetime / 2);
    usable.mul_f64(1.0 - 0.05 * random)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_used_until_shortly_before_its_end() {
        for (lifetime, earliest, latest) in
            [(3_600, 3_078, 3_240), (600, 513, 540), (300, 228, 240), (60, 28, 30), (2, 0, 1)]
        {
            let at = |random: f64| usable(Duration::from_secs(lifetime), random).as_secs();
            assert!(at(1.0) >= earliest && at(0.0) == latest, "{lifetime}: {} {}", at(1.0), at(0.0));
        }
    }
}
