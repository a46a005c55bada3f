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
            let addresses = lookup(name.clone()).await?;
            timing::resolved(begun.elapsed());
            if let Some(guard) = guard {
                guard.resolved(&name, &addresses)?;
            }
            let dialled: Addrs = Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(dialled)
        })
    }
}
