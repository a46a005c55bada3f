//! Third parties that mean harm, in bytes: what each connection is told, whatever it asks.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::raw::{self, RawParty};

/// What one connection is told once it has asked.
#[derive(Debug, Clone)]
pub enum Way {
    /// These bytes, then silence with the connection open.
    Say(Vec<u8>),
    /// These bytes, then the end.
    End(Vec<u8>),
    /// A beginning, then this piece for ever, as fast as it is taken.
    Endless(Vec<u8>, Vec<u8>),
    /// A beginning, then one byte a second.
    Drip(Vec<u8>),
    /// These bytes, before it has asked, then the end.
    Greet(Vec<u8>),
    /// A reset, after the request.
    Reset,
    /// A reset, before it.
    ResetAtOnce,
    /// To a hello of any version: the server's one of TLS 1.0 (3, 1) or 1.1 (3, 2), then silence.
    OldTls([u8; 2]),
}

impl Way {
    /// Lines of a head, whose ends are written as `\n`, and a body.
    pub fn head(lines: &str, body: &[u8]) -> Vec<u8> {
        [lines.replace('\n', "\r\n").as_bytes(), body].concat()
    }

    /// A third party that does so to everybody.
    pub async fn party(self) -> RawParty {
        RawParty::start(move |socket| self.clone().tell(socket)).await
    }

    async fn tell(self, mut socket: TcpStream) -> std::io::Result<()> {
        if !matches!(self, Self::ResetAtOnce | Self::OldTls(_) | Self::Greet(_)) {
            raw::request(&mut socket).await;
        }
        match self {
            Self::Say(bytes) => {
                socket.write_all(&bytes).await?;
                std::future::pending().await
            }
            Self::End(bytes) | Self::Greet(bytes) => socket.write_all(&bytes).await,
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

/// A listener that takes nobody, with its queue full: what comes then is not answered at all.
pub struct Full {
    listener: TcpListener,
    _waiting: Vec<TcpStream>,
}

impl Full {
    /// Fills one.
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
        assert!(!waiting.is_empty(), "the queue is full");
        Self { listener, _waiting: waiting }
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.listener.local_addr().expect("its address").port()
    }
}

/// A port that is somebody's, who does not listen there.
pub struct Deaf(TcpSocket);

impl Deaf {
    /// Takes one.
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
