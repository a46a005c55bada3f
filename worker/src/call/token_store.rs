//! Refresh tokens that calls use up and get anew, written into the store.

use crate::http::{Held, Holding, Kept, RefreshTokens};
use crate::plan::CredentialId;
use crate::store::{LockedRefreshToken, RefreshToken, Store};

/// The store, as the HTTP client sees it.
#[derive(Debug)]
pub struct TokenStore(pub Store);

struct HeldToken {
    kept: Option<Kept>,
    held: LockedRefreshToken,
}

impl RefreshTokens for TokenStore {
    fn hold<'a>(&'a self, credential: &'a CredentialId) -> Holding<'a, Box<dyn Held>> {
        Box::pin(async move {
            let held = self.0.refresh_tokens().lock(&credential.connector, credential.version).await;
            let held = held.map_err(|e| e.to_string())?;
            let kept = held.stored.clone().map(|kept| Kept {
                refresh_token: kept.refresh_token,
                access_token: kept.access_token,
                lifetime: kept.lifetime,
            });
            Ok(Box::new(HeldToken { kept, held }) as Box<dyn Held>)
        })
    }
}

impl Held for HeldToken {
    fn kept(&self) -> Option<&Kept> {
        self.kept.as_ref()
    }

    fn keep(self: Box<Self>, kept: Kept) -> Holding<'static, ()> {
        Box::pin(async move {
            let Kept { refresh_token, access_token, lifetime } = kept;
            let kept = RefreshToken { refresh_token, access_token, lifetime };
            self.held.replace(&kept).await.map_err(|e| e.to_string())
        })
    }
}
