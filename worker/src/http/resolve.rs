//! Names to addresses, checked before any of them is dialled: what was checked is what is connected to.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::guard::Guard;
use super::timing;

/// Looks a name up: the system's resolver, or a test's.
pub(super) type Lookup = Arc<dyn Fn(String) -> LookupFuture + Send + Sync>;
type LookupFuture = Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send>>;

/// The system's resolver.
pub(super) fn system() -> Lookup {
    Arc::new(|name| {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    })
}

/// A name leads to no address that may be called. Whether it leads to any is not said, nor shown by the failure's code: whoever
/// writes a URL would learn which names a private network has. The log says it.
#[derive(Debug, thiserror::Error)]
#[error(
    "no address that may be called was found for this name. Is it spelt right? Where it is one of a private network, the operator \
     allows its range with --allow-net CIDR"
)]
pub(super) struct NoAddress;

/// The resolver inside the client's connector.
pub(super) struct Resolver {
    /// `None` where only an egress proxy is resolved, which the operator has named.
    pub(super) guard: Option<Arc<Guard>>,
    pub(super) lookup: Lookup,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (guard, lookup, name) = (self.guard.clone(), Arc::clone(&self.lookup), name.as_str().to_owned());
        Box::pin(async move {
            let begun = std::time::Instant::now();
            let found = lookup(name.clone()).await;
            timing::resolved(begun.elapsed());
            let Some(guard) = guard else { return Ok(dialled(found?)) };
            match found {
                Ok(addresses) if guard.allows(&name, &addresses) => Ok(dialled(addresses)),
                Ok(_) => {
                    tracing::warn!(name, "a name leads to addresses that http.allow_net does not allow");
                    Err(NoAddress.into())
                }
                Err(error) => {
                    tracing::warn!(name, %error, "a name was not resolved");
                    Err(NoAddress.into())
                }
            }
        })
    }
}

fn dialled(addresses: Vec<IpAddr>) -> Addrs {
    Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0)))
}
