//! Servers that violate HTTP, TLS or TCP, each in one way, whatever the request is.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::raw_server::{RawServer, next_request};

/// What a connection does, after it read a request unless it says otherwise.
#[derive(Debug, Clone)]
pub enum Misbehaviour {
    /// Writes these bytes and stays open.
    StayOpen(Vec<u8>),
    /// Writes these bytes and closes.
    Close(Vec<u8>),
    /// Writes the first bytes, then the second ones again and again, as fast as they are read.
    Endless(Vec<u8>, Vec<u8>),
    /// Writes these bytes, then one byte a second.
    Drip(Vec<u8>),
    /// Writes these bytes without reading a request, and closes.
    CloseAtOnce(Vec<u8>),
    /// Resets after the request.
    Reset,
    /// Resets without reading a request.
    ResetAtOnce,
    /// Replies to a `ClientHello` with a `ServerHello` of TLS 1.0 (3, 1) or 1.1 (3, 2), and stays open.
    OldTls([u8; 2]),
}

impl Misbehaviour {
    /// A message from the lines of a head, separated by `\n`, and a body.
    pub fn head(lines: &str, body: &[u8]) -> Vec<u8> {
        [lines.replace('\n', "\r\n").as_bytes(), body].concat()
    }

    /// A server whose connections all do this.
    pub async fn serve(self) -> RawServer {
        RawServer::start(move |socket| self.clone().handle(socket)).await
    }

    async fn handle(self, mut socket: TcpStream) -> std::io::Result<()> {
        if !matches!(self, Self::ResetAtOnce | Self::OldTls(_) | Self::CloseAtOnce(_)) {
            next_request(&mut socket).await;
        }
        match self {
            Self::StayOpen(bytes) => {
                socket.write_all(&bytes).await?;
                std::future::pending().await
            }
            Self::Close(bytes) | Self::CloseAtOnce(bytes) => socket.write_all(&bytes).await,
            Self::Endless(beginning, piece) => {
                socket.write_all(&beginning).await?;
                let piece = piece.repeat(1 + 4_096 / piece.len());
                loop {
                    socket.write_all(&piece).await?;
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
            Self::Drip(beginning) => {
                socket.write_all(&beginning).await?;
                loop {
                    socket.write_all(b"x").await?;
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
            Self::Reset | Self::ResetAtOnce => reset(&socket),
            Self::OldTls(version) => old_tls(socket, version).await,
        }
    }
}

#[expect(deprecated, reason = "only a linger that waits blocks; this one does not")]
fn reset(socket: &TcpStream) -> std::io::Result<()> {
    socket.set_linger(Some(Duration::ZERO))
}

async fn old_tls(mut socket: TcpStream, version: [u8; 2]) -> std::io::Result<()> {
    socket.read_buf(&mut Vec::with_capacity(4_096)).await?;
    // No session, TLS_RSA_WITH_AES_128_CBC_SHA, no compression.
    let hello = [&version[..], &[7; 32], &[0, 0, 0x2f, 0]].concat();
    let record = [&[0x16], &version[..], &[0, 42, 2, 0, 0, 38], &hello].concat();
    socket.write_all(&record).await?;
    std::future::pending().await
}

/// A listener that accepts nothing and whose backlog is full: the SYN of a new connection gets no reply.
pub struct FullBacklog {
    listener: TcpListener,
    _waiting: Vec<TcpStream>,
}

impl FullBacklog {
    /// Opens one and fills its backlog.
    pub async fn start() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(([127, 0, 0, 1], 0).into()).expect("a port on loopback");
        let listener = socket.listen(1).expect("a listener");
        let address = listener.local_addr().expect("its address");
        let mut waiting = Vec::new();
        while let Ok(Ok(connection)) =
            tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(address)).await
        {
            waiting.push(connection);
        }
        assert!(!waiting.is_empty(), "the backlog is full");
        Self { listener, _waiting: waiting }
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.listener.local_addr().expect("its address").port()
    }
}

/// A port that is bound and not listened on: connections are refused.
pub struct ClosedPort(TcpSocket);

impl ClosedPort {
    /// Binds one.
    pub fn start() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(([127, 0, 0, 1], 0).into()).expect("a port on loopback");
        Self(socket)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.0.local_addr().expect("its address").port()
    }
}
