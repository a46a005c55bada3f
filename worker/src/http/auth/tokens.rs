//! Tokens: fetched once for any number of waiting jobs, kept until shortly before they expire, dropped when refused.
//!
//! Knows when a token is good and who may fetch one; must not know how an endpoint is asked.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::Instant;

use crate::job::Failure;
use crate::plan::{CredentialId, OAuth2};

/// A token without `expires_in` is believed for so long.
pub(super) const LIFETIME: Duration = Duration::from_mins(5);
/// Tokens that are kept, and for how long after their last use.
const KEPT: u64 = 10_000;
const UNUSED: Duration = Duration::from_hours(1);
/// A token is fetched anew so long before its end, or a tenth of its life, whichever is more.
const EARLY: Duration = Duration::from_mins(1);
/// How long a failure is believed, the first time and at most.
const FAILED: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5));
/// A third party that refuses a token which was fetched because of a refusal does not get another one so soon.
const FORCED: Duration = Duration::from_secs(5);

/// A token, and which one of its kind.
#[derive(Debug, Clone)]
pub(in crate::http) struct Token {
    value: SecretString,
    generation: u64,
}

impl Token {
    pub(in crate::http) fn value(&self) -> &SecretString {
        &self.value
    }
}

/// What an endpoint gave.
#[derive(Debug, Clone)]
pub(super) struct Fetched {
    pub(super) value: SecretString,
    pub(super) lifetime: Duration,
}

/// What tokens are told apart by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    credential: CredentialId,
    url: String,
    scope: Option<String>,
    audience: Option<String>,
}

/// All tokens of a process.
#[derive(Debug)]
pub(in crate::http) struct Tokens(Cache<Key, Arc<Mutex<Slot>>>);

/// One credential's token; whoever holds it fetches, and everybody else waits.
#[derive(Debug, Default)]
pub(super) struct Slot {
    good: Option<Good>,
    failed: Option<Failed>,
    generation: u64,
    /// The last value that a third party refused.
    refused: Option<SecretString>,
    forced_at: Option<Instant>,
    /// A refresh token that could not be written down yet: the one before it may be used up.
    pub(super) unwritten: Option<Kept>,
}

#[derive(Debug)]
struct Good {
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
        Self(Cache::builder().max_capacity(KEPT).time_to_idle(UNUSED).build())
    }
}

impl Tokens {
    /// The token of a credential, or the failure of the last try while that is believed. `fetch` is given the slot, runs
    /// once however many ask, and goes on when the one who asked gives up: an answer with a new refresh token in it must
    /// not be lost.
    pub(super) async fn get<F, Fetching>(
        &self,
        credential: &CredentialId,
        oauth: &OAuth2,
        fetch: F,
    ) -> Result<Token, Failure>
    where
        F: FnOnce(OwnedMutexGuard<Slot>) -> Fetching,
        Fetching: Future<Output = (OwnedMutexGuard<Slot>, Result<Fetched, Failure>)> + Send + 'static,
    {
        let slot = self.slot(credential, oauth).await.lock_owned().await;
        let now = Instant::now();
        if let Some(good) = slot.good.as_ref().filter(|good| now < good.until) {
            return Ok(good.token.clone());
        }
        if let Some(failed) = slot.failed.as_ref().filter(|failed| now < failed.until) {
            return Err(failed.failure.clone());
        }
        let fetching = fetch(slot);
        let fetched = tokio::spawn(async move {
            let (mut slot, fetched) = fetching.await;
            slot.settle(fetched)
        });
        fetched.await.unwrap_or_else(|_| Err(super::oauth::no_token("asking for it ended in a defect")))
    }

    /// Drops exactly this token, so that a burst of refusals fetches one new one; whether there is anything to try again with.
    pub(in crate::http) async fn refuse(&self, credential: &CredentialId, oauth: &OAuth2, token: &Token) -> bool {
        let slot = self.slot(credential, oauth).await;
        let mut slot = slot.lock().await;
        let Some(good) = &slot.good else { return true };
        if good.token.generation != token.generation {
            return true;
        }
        if slot.forced_at.is_some_and(|at| at.elapsed() < FORCED) {
            return false;
        }
        slot.refused = Some(token.value.clone());
        slot.forced_at = Some(Instant::now());
        slot.good = None;
        true
    }

    async fn slot(&self, credential: &CredentialId, oauth: &OAuth2) -> Arc<Mutex<Slot>> {
        let key = Key {
            credential: credential.clone(),
            url: oauth.url.to_string(),
            scope: oauth.scope.clone(),
            audience: oauth.audience.clone(),
        };
        self.0.get_with(key, async { Arc::default() }).await
    }
}

impl Slot {
    /// Whether a third party has refused this very token.
    pub(super) fn was_refused(&self, value: &SecretString) -> bool {
        self.refused.as_ref().is_some_and(|refused| refused.expose_secret() == value.expose_secret())
    }

    fn settle(&mut self, fetched: Result<Fetched, Failure>) -> Result<Token, Failure> {
        let now = Instant::now();
        match fetched {
            Ok(Fetched { value, lifetime }) => {
                self.generation += 1;
                let token = Token { value, generation: self.generation };
                self.good = Some(Good { token: token.clone(), until: now + usable(lifetime, fastrand::f64()) });
                self.failed = None;
                Ok(token)
            }
            Err(failure) => {
                let wait = self.failed.as_ref().map_or(FAILED.0, |failed| (failed.wait * 2).min(FAILED.1));
                self.good = None;
                self.failed = Some(Failed { failure: failure.clone(), until: now + wait, wait });
                Err(failure)
            }
        }
    }
}

/// How long a token is used: up to a minute or a tenth of its life before its end, and a little less by chance, so that
/// workers do not all fetch at once; of short lives half.
pub(super) fn usable(lifetime: Duration, random: f64) -> Duration {
    let early = EARLY.max(lifetime / 10);
    let usable = lifetime.saturating_sub(early).max(lifetime / 2);
    usable.mul_f64(1.0 - 0.05 * random)
}

/// What is kept of a refresh token between its uses.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The one to use next.
    pub refresh_token: SecretString,
    /// The access token that came with it.
    pub access_token: Option<SecretString>,
    /// How much longer that one lives.
    pub lifetime: Duration,
}

/// A boxed future, as traits that are held behind a pointer need it.
pub type Holding<'a, T> = Pin<Box<dyn Future<Output = Result<T, String>> + Send + 'a>>;

/// Where refresh tokens are kept that change with every use; what a process learns there is true for all processes.
pub trait RefreshTokens: Send + Sync + std::fmt::Debug {
    /// Takes a credential's lock, for as long as the answer lives; a process that dies gives it back.
    fn hold<'a>(&'a self, credential: &'a CredentialId) -> Holding<'a, Box<dyn Held>>;
}

/// A credential's refresh token, locked.
pub trait Held: Send + Sync {
    /// What was kept; `None` before the first use.
    fn kept(&self) -> Option<&Kept>;
    /// Writes down what to keep, durably, and gives the lock back.
    fn keep(self: Box<Self>, kept: Kept) -> Holding<'static, ()>;
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
