//! A proxy for tests that can be cut: connections through it break, and new ones are dropped until it is mended.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Listens on loopback for as long as the test's runtime lives.
pub(crate) struct Proxy {
    address: SocketAddr,
    cut: watch::Sender<bool>,
}

impl Proxy {
    /// In front of `place`, a host and a port.
    pub(crate) async fn before(place: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (cut, seen) = watch::channel(false);
        let place = place.to_owned();
        tokio::spawn(async move {
            while let Ok((mut from, _)) = listener.accept().await {
                let (place, mut seen) = (place.clone(), seen.clone());
                tokio::spawn(async move {
                    let Ok(mut to) = TcpStream::connect(&place).await else { return };
                    tokio::select! {
                        _ = copy_bidirectional(&mut from, &mut to) => {}
                        _ = seen.wait_for(|cut| *cut) => {}
                    }
                });
            }
        });
        Self { address, cut }
    }

    /// Where it listens: a host and a port.
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// Breaks all connections, and those to come.
    pub(crate) fn cut(&self) {
        self.cut.send_replace(true);
    }

    /// Lets new connections through again.
    pub(crate) fn mend(&self) {
        self.cut.send_replace(false);
    }
}
