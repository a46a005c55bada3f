//! Which RabbitMQ this is, from the first frame it sends: lapin does not hand its server's properties on.

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

/// Refuses brokers before 3.10 and warns about the ones that can drop dead letters; TLS endpoints are not asked.
pub(super) async fn check(host: &str, port: u16) -> Result<(), Error> {
    let place = format!("{host}:{port}");
    let asked = timeout(Duration::from_secs(5), ask(&place)).await;
    let Ok(Ok(Some(version))) = asked else { return Ok(()) };
    match parse(&version) {
        Some(found) if found < (3, 10, 0) => Err(Error::TooOld { place, version }),
        Some(found) if ((3, 13, 0)..(3, 13, 3)).contains(&found) => {
            tracing::warn!("RabbitMQ {version} can drop dead letters in a cycle; 3.13.3 does not");
            Ok(())
        }
        _ => Ok(()),
    }
}

async fn ask(place: &str) -> std::io::Result<Option<String>> {
    let mut socket = TcpStream::connect(place).await?;
    socket.write_all(HELLO).await?;
    let mut seen = Vec::new();
    while seen.len() < ENOUGH && socket.read_buf(&mut seen).await? > 0 {
        if let Some(version) = version_in(&seen) {
            return Ok(Some(version));
        }
    }
    Ok(None)
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
