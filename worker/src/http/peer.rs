//! Judges who is really at the other end, before a byte of the request is written to it.
//!
//! The resolver judged what was to be dialled; this catches whatever came between, and calls to ourselves.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Extensions;
use hyper_util::client::legacy::connect::{Connection, HttpInfo};
use tower_layer::Layer;
use tower_service::Service;

use super::guard::{Denied, Guard};

type BoxError = Box<dyn Error + Send + Sync>;

/// Wraps the client's connector.
#[derive(Clone)]
pub(super) struct PeerLayer {
    pub(super) guard: Arc<Guard>,
}

/// A connector whose connections are judged.
#[derive(Clone)]
pub(super) struct Judged<S> {
    inner: S,
    guard: Arc<Guard>,
}

impl<S> Layer<S> for PeerLayer {
    type Service = Judged<S>;

    fn layer(&self, inner: S) -> Judged<S> {
        Judged { inner, guard: Arc::clone(&self.guard) }
    }
}

impl<S, Destination> Service<Destination> for Judged<S>
where
    S: Service<Destination, Error = BoxError>,
    S::Response: Connection,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, destination: Destination) -> Self::Future {
        let (connecting, guard) = (self.inner.call(destination), Arc::clone(&self.guard));
        Box::pin(async move {
            let connection = connecting.await?;
            let mut extras = Extensions::new();
            connection.connected().get_extras(&mut extras);
            match extras.get::<HttpInfo>() {
                Some(info) if guard.peer(info.remote_addr(), info.local_addr()) => Ok(connection),
                _ => Err(Denied { host: "the place behind the name".to_owned() }.into()),
            }
        })
    }
}
