//! The listener of the HTTP interface, and the runtime that serves it: one of its own, so that no request can hold up a job,
//! and a blocked worker still shows its health.

use std::net::{SocketAddr, TcpListener};
use std::thread::{self, JoinHandle};

use axum::Router;
use tokio::sync::watch;

/// Threads that serve requests.
const THREADS: usize = 2;

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("{address} cannot be listened on; choose another one with --listen")]
pub struct ListenError {
    address: SocketAddr,
    source: std::io::Error,
}

/// A bound address; requests wait until they are served.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    address: SocketAddr,
}

/// A server that is running.
#[derive(Debug)]
pub struct Server(JoinHandle<std::io::Result<()>>);

impl Listener {
    /// Binds the address; port 0 lets the system choose.
    ///
    /// # Errors
    /// When it is in use or not an address of this machine.
    pub fn bind(address: SocketAddr) -> Result<Self, ListenError> {
        let bound = || {
            let listener = TcpListener::bind(address)?;
            listener.set_nonblocking(true)?;
            Ok(Self { address: listener.local_addr()?, listener })
        };
        bound().map_err(|source| ListenError { address, source })
    }

    /// The address, with the port that the system chose.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves requests until `stop` turns true; requests that have begun are answered.
    ///
    /// # Errors
    /// When there can be no more threads.
    pub(super) fn serve(self, router: Router, stop: watch::Receiver<bool>) -> std::io::Result<Server> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(THREADS).thread_name("http").enable_all().build()?;
        let serve = move || runtime.block_on(serve(self.listener, router, stop));
        Ok(Server(thread::Builder::new().name("http-server".to_owned()).spawn(serve)?))
    }
}

async fn serve(listener: TcpListener, router: Router, mut stop: watch::Receiver<bool>) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let stopped = async move { drop(stop.wait_for(|stop| *stop).await) };
    axum::serve(listener, router).with_graceful_shutdown(stopped).await
}

impl Server {
    /// Waits until the server has stopped.
    ///
    /// # Errors
    /// When the listener failed.
    pub async fn stopped(self) -> std::io::Result<()> {
        let joined = tokio::task::spawn_blocking(move || self.0.join()).await.map_err(std::io::Error::other)?;
        joined.unwrap_or_else(|_| Err(std::io::Error::other("the HTTP server panicked")))
    }
}
