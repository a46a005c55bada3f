//! Whether RabbitMQ is there and which one it is, from the first frame it sends: lapin does not hand its server's properties
//! on, and each of its connections that is not even begun leaves two tasks behind for as long as the process lives.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Error;

/// The handshake of AMQP 0-9-1.
const HELLO: &[u8] = b"AMQP\0\0\x09\x01";
/// The field `version` of the server's properties, a long string.
const FIELD: &[u8] = b"\x07versionS";
/// The handshake frame has a few hundred bytes.
const ENOUGH: usize = 4_096;

/// From dialling to the first frame.
const GREETING: Duration = Duration::from_secs(10);

/// Refuses places where nobody greets, and brokers before 3.10; warns about the ones that can drop dead letters.
pub(super) async fn check(host: &str, port: u16) -> Result<(), Error> {
    let place = format!("{host}:{port}");
    let Some(version) = in_time(&place, ask(&place)).await? else { return Ok(()) };
    match parse(&version) {
        Some(found) if found < (3, 10, 0) => Err(Error::TooOld { place, version }),
        Some(found) if ((3, 13, 0)..(3, 13, 3)).contains(&found) => {
            tracing::warn!("RabbitMQ {version} can drop dead letters in a cycle; 3.13.3 does not");
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Refuses places where nobody listens; who listens is told by TLS.
pub(super) async fn is_there(host: &str, port: u16) -> Result<(), Error> {
    let place = format!("{host}:{port}");
    in_time(&place, TcpStream::connect(&place)).await.map(drop)
}

async fn in_time<T>(place: &str, asked: impl Future<Output = std::io::Result<T>>) -> Result<T, Error> {
    let unreachable = |problem: String| Error::Unreachable { place: place.to_owned(), problem };
    match timeout(GREETING, asked).await {
        Ok(answer) => answer.map_err(|error| unreachable(error.to_string())),
        Err(_) => Err(unreachable(format!("no answer within {GREETING:?}"))),
    }
}

/// The version that the first frame names, if it names one.
async fn ask(place: &str) -> std::io::Result<Option<String>> {
    let mut socket = TcpStream::connect(place).await?;
    socket.write_all(HELLO).await?;
    let mut seen = Vec::new();
    while seen.len() < ENOUGH && socket.read_buf(&mut seen).await? > 0 {
        if let Some(version) = version_in(&seen) {
            return Ok(Some(version));
        }
    }
    let silent = || std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "it hung up without a greeting");
    if seen.is_empty() { Err(silent()) } else { Ok(None) }
}

fn version_in(frame: &[u8]) -> Option<String> {
    let start = frame.windows(FIELD.len()).position(|window| window == FIELD)? + FIELD.len();
    let (length, rest) = frame.get(start..)?.split_first_chunk::<4>()?;
    let text = rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    String::from_utf8(text.to_vec()).ok()
}

fn parse(version: &str) -> Option<(u32, u32, u32)> {
    let mut numbers = version.split(['.', '-', '+']).map(|part| part.parse::<u32>().ok());
    Some((numbers.next()??, numbers.next()??, numbers.next().flatten().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(parse("3.10.8"), Some((3, 10, 8)));
        assert_eq!(parse("4.0.0-beta.1"), Some((4, 0, 0)));
        assert!(parse("3.9.29") < Some((3, 10, 0)));
        assert_eq!(parse("unknown"), None);
    }

    #[test]
    fn the_field_is_found_whole_or_not_at_all() {
        let frame = b"....\x07versionS\0\0\0\x063.10.8rest";
        assert_eq!(version_in(frame).as_deref(), Some("3.10.8"));
        assert_eq!(version_in(&frame[..18]), None);
    }
}
