//! Refresh tokens that calls use up and get anew, written into the store.

use crate::http::{RefreshTokenGuard, RefreshTokens, StoreFuture, StoredRefreshToken};
use crate::plan::CredentialId;
use crate::store::{LockedRefreshToken, RefreshToken, Store};

/// The store, as the HTTP client sees it.
#[derive(Debug)]
pub struct TokenStore(pub Store);

struct Guard {
    stored: Option<StoredRefreshToken>,
    lock: LockedRefreshToken,
}

impl RefreshTokens for TokenStore {
    fn lock<'a>(
        &'a self,
        credential: &'a CredentialId,
        connection: Option<i64>,
    ) -> StoreFuture<'a, Box<dyn RefreshTokenGuard>> {
        Box::pin(async move {
            let tokens = self.0.refresh_tokens();
            let lock = match connection {
                Some(connection) => tokens.lock_account(&credential.connector, connection).await?,
                None => tokens.lock(&credential.connector, credential.version).await?,
            };
            let stored = lock.stored.clone().map(|stored| StoredRefreshToken {
                refresh_token: stored.refresh_token,
                access_token: stored.access_token,
                lifetime: stored.lifetime,
            });
            Ok(Box::new(Guard { stored, lock }) as Box<dyn RefreshTokenGuard>)
        })
    }
}

impl RefreshTokenGuard for Guard {
    fn stored(&self) -> Option<&StoredRefreshToken> {
        self.stored.as_ref()
    }

    fn store(self: Box<Self>, token: StoredRefreshToken) -> StoreFuture<'static, ()> {
        Box::pin(async move {
            let StoredRefreshToken { refresh_token, access_token, lifetime } = token;
            Ok(self.lock.replace(&RefreshToken { refresh_token, access_token, lifetime }).await?)
        })
    }
}
