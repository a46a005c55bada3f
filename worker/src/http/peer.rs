//! Checks the peer of each connection before a byte of the request is written to it.
//!
//! The resolver checked the addresses before dialling; this catches whatever came between, and calls to ourselves. Pooled
//! connections have passed it too.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Extensions;
use hyper::rt::{Read, Write};
use hyper_util::client::legacy::connect::{Connection, HttpInfo};
use tower_layer::Layer;
use tower_service::Service;

use super::guard::{DeniedDestination, Guard};
use super::timing;

type BoxError = Box<dyn Error + Send + Sync>;

tokio::task_local! {
    static DIALLING: Dialling;
}

/// What becomes known while a request is sent.
#[derive(Default)]
struct Dialling {
    /// Whether a connection was made for it.
    is_dialled: Cell<bool>,
    /// Whether it is wanted instead of being used.
    wants: bool,
    taken: RefCell<Option<Box<dyn Io>>>,
}

/// A connection, encrypted or not.
pub(super) trait Io: Read + Write + Send + Unpin {}

impl<T: Read + Write + Send + Unpin> Io for T {}

/// Sends a request, and finds out whether a connection was made for it; otherwise it went out on one that was idle.
pub(super) async fn dialling<T>(sending: impl Future<Output = T>) -> (T, bool) {
    let dialling = async { (sending.await, DIALLING.with(|dialling| dialling.is_dialled.get())) };
    DIALLING.scope(Dialling::default(), dialling).await
}

/// Sends a request unless it is for an HTTP/1 connection that is made for it: that one is handed out, and nothing was sent.
/// Through a proxy that reads requests, it is sent.
pub(super) async fn dialling_for<T>(sending: impl Future<Output = T>) -> (T, Option<Box<dyn Io>>) {
    let dialling = async { (sending.await, DIALLING.with(|dialling| dialling.taken.take())) };
    DIALLING.scope(Dialling { wants: true, ..Dialling::default() }, dialling).await
}

/// What the client is told about a connection that was handed out.
#[derive(Debug, thiserror::Error)]
#[error("the connection was handed out")]
struct HandedOut;

/// Wraps the client's connector; without a guard, every peer may be talked to.
#[derive(Clone)]
pub(super) struct PeerLayer {
    pub(super) guard: Option<Arc<Guard>>,
}

/// A connector that checks the peer of each connection.
#[derive(Clone)]
pub(super) struct PeerChecked<S> {
    inner: S,
    guard: Option<Arc<Guard>>,
}

impl<S> Layer<S> for PeerLayer {
    type Service = PeerChecked<S>;

    fn layer(&self, inner: S) -> PeerChecked<S> {
        PeerChecked { inner, guard: self.guard.clone() }
    }
}

impl<S, Destination> Service<Destination> for PeerChecked<S>
where
    S: Service<Destination, Error = BoxError>,
    S::Response: Connection + Io + 'static,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, destination: Destination) -> Self::Future {
        let (connecting, guard) = (self.inner.call(destination), self.guard.clone());
        Box::pin(async move {
            let begun = std::time::Instant::now();
            let connection = connecting.await?;
            timing::connected(begun.elapsed());
            // Where another connection became free meanwhile, this one is finished by a task of its own.
            DIALLING.try_with(|dialling| dialling.is_dialled.set(true)).ok();
            let Some(guard) = guard else { return use_or_hand_out(connection) };
            let mut extras = Extensions::new();
            connection.connected().get_extras(&mut extras);
            match extras.get::<HttpInfo>() {
                Some(info) if guard.peer(info.remote_addr(), info.local_addr()) => use_or_hand_out(connection),
                Some(_) => Err(DeniedDestination::Host { host: "the address behind the name".to_owned() }.into()),
                // A connection that was reset at once has no addresses any more: nothing was sent over it, and it is no denial.
                None => Err(io::Error::new(io::ErrorKind::NotConnected, "the connection was reset at once").into()),
            }
        })
    }
}

fn use_or_hand_out<C: Connection + Io + 'static>(connection: C) -> Result<C, BoxError> {
    let connected = connection.connected();
    let is_wanted = DIALLING.try_with(|dialling| dialling.wants).unwrap_or(false);
    if !is_wanted || connected.is_negotiated_h2() || connected.is_proxied() {
        return Ok(connection);
    }
    DIALLING.try_with(|dialling| dialling.taken.replace(Some(Box::new(connection)))).ok();
    Err(HandedOut.into())
}

#[cfg(test)]
mod tests {
    use std::future::{Ready, ready};

    use hyper_util::client::legacy::connect::Connected;

    use super::*;

    /// A connection without addresses.
    struct Gone;

    impl Connection for Gone {
        fn connected(&self) -> Connected {
            Connected::new()
        }
    }

    impl Read for Gone {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: hyper::rt::ReadBufCursor<'_>,
        ) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    impl Write for Gone {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Pending
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    struct Dial;

    impl Service<()> for Dial {
        type Response = Gone;
        type Error = BoxError;
        type Future = Ready<Result<Gone, BoxError>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, (): ()) -> Self::Future {
            ready(Ok(Gone))
        }
    }

    #[tokio::test]
    async fn a_connection_that_is_gone_is_not_called_a_forbidden_one() {
        let guard = Some(Arc::new(Guard::default()));
        let mut checked = PeerLayer { guard }.layer(Dial);
        let Err(error) = checked.call(()).await else { panic!("nothing is known of its peer") };
        let error = error.downcast::<io::Error>().expect("not a denial");
        assert_eq!(error.kind(), io::ErrorKind::NotConnected);
    }
}
