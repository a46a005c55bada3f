//! Where refresh tokens that change with every use are stored, as calls see it.

use std::pin::Pin;
use std::time::Duration;

use secrecy::SecretString;

use crate::plan::CredentialId;

/// What is stored of a refresh token between its uses.
#[derive(Debug, Clone)]
pub struct StoredRefreshToken {
    /// The one to use next; an account may have none.
    pub refresh_token: Option<SecretString>,
    /// The access token that came with it.
    pub access_token: Option<SecretString>,
    /// How much longer the access token is valid.
    pub lifetime: Duration,
}

/// What the store did, later; boxed, so that the trait can be used as an object.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Why the store could not be read or written.
pub type StoreError = Box<dyn std::error::Error + Send + Sync>;

/// The store of refresh tokens, shared by all processes.
pub trait RefreshTokens: Send + Sync + std::fmt::Debug {
    /// Locks a credential until the guard is dropped; the lock of a process that dies is released. `connection` is that of
    /// an account, whose tokens are stored by whoever connects it.
    fn lock<'a>(
        &'a self,
        credential: &'a CredentialId,
        connection: Option<i64>,
    ) -> StoreFuture<'a, Box<dyn RefreshTokenGuard>>;
}

/// A credential's refresh token, locked.
pub trait RefreshTokenGuard: Send + Sync {
    /// What is stored; `None` before the first use.
    fn stored(&self) -> Option<&StoredRefreshToken>;
    /// Stores the token durably and releases the lock.
    fn store(self: Box<Self>, token: StoredRefreshToken) -> StoreFuture<'static, ()>;
}
