//! Reachability and version of a broker, read from its first frame before lapin connects: lapin does not expose the server's
//! properties, and each connection that fails before its handshake leaves two of its tasks running until the process ends.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Error;

/// What a client of AMQP 0-9-1 sends first.
const PROTOCOL_HEADER: &[u8] = b"AMQP\0\0\x09\x01";
/// The field `version` of the server's properties, a long string.
const VERSION_FIELD: &[u8] = b"\x07versionS";
/// Where reading stops; `connection.start` has a few hundred bytes.
const MAX_BYTES: usize = 4_096;

/// From dialling to the first frame.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Refuses addresses where no broker responds, and brokers before 3.10; warns about those that can drop dead letters.
pub(super) async fn check_version(address: &str) -> Result<(), Error> {
    let Some(version) = in_time(address, read_version(address)).await? else { return Ok(()) };
    match parse(&version) {
        Some(found) if found < (3, 10, 0) => Err(Error::TooOld { address: address.to_owned(), version }),
        Some(found) if ((3, 13, 0)..(3, 13, 3)).contains(&found) => {
            tracing::warn!("RabbitMQ {version} can drop dead letters in a cycle; 3.13.3 does not");
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Refuses addresses where nothing listens; TLS then verifies what does.
pub(super) async fn check_reachable(address: &str) -> Result<(), Error> {
    in_time(address, TcpStream::connect(address)).await.map(drop)
}

async fn in_time<T>(address: &str, result: impl Future<Output = std::io::Result<T>>) -> Result<T, Error> {
    let unreachable = |problem: String| Error::Unreachable { address: address.to_owned(), problem };
    match timeout(HANDSHAKE, result).await {
        Ok(result) => result.map_err(|error| unreachable(error.to_string())),
        Err(_) => Err(unreachable(format!("no answer within {HANDSHAKE:?}"))),
    }
}

/// The version in the first frame, if there is one.
async fn read_version(address: &str) -> std::io::Result<Option<String>> {
    let mut socket = TcpStream::connect(address).await?;
    socket.write_all(PROTOCOL_HEADER).await?;
    let mut received = Vec::new();
    while received.len() < MAX_BYTES && socket.read_buf(&mut received).await? > 0 {
        if let Some(version) = version_in(&received) {
            return Ok(Some(version));
        }
    }
    let closed = || {
        std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the connection was closed before the AMQP handshake")
    };
    if received.is_empty() { Err(closed()) } else { Ok(None) }
}

fn version_in(frame: &[u8]) -> Option<String> {
    let start = frame.windows(VERSION_FIELD.len()).position(|window| window == VERSION_FIELD)? + VERSION_FIELD.len();
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
    fn a_truncated_version_field_is_not_found() {
        let frame = b"....\x07versionS\0\0\0\x063.10.8rest";
        assert_eq!(version_in(frame).as_deref(), Some("3.10.8"));
        assert_eq!(version_in(&frame[..18]), None);
    }
}
