//! The names of headers as somebody wrote them, for servers that mind the case although HTTP does not (CONTRACT 6).
//!
//! hyper writes them in lower case or in title case. Any other spelling it only passes on from a message that it read.

use http::{Extensions, Request};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// How the names of a request were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Spelling {
    /// `Content-Type`; also what nobody wrote.
    Title,
    /// `content-type`.
    Lower,
    /// Each in a way of its own, such as `SOAPAction`.
    Own,
}

impl Spelling {
    /// The spelling of names, none of which stands there twice.
    pub(super) fn of(names: &[String]) -> Self {
        if names.iter().all(|name| is_title_case(name)) {
            Self::Title
        } else if names.iter().all(|name| !name.bytes().any(|byte| byte.is_ascii_uppercase())) {
            Self::Lower
        } else {
            Self::Own
        }
    }
}

fn is_title_case(name: &str) -> bool {
    let before = std::iter::once(b'-').chain(name.bytes());
    before.zip(name.bytes()).all(|(before, byte)| match before {
        b'-' => !byte.is_ascii_lowercase(),
        _ => !byte.is_ascii_uppercase(),
    })
}

/// What a request carries so that hyper writes its names in this way: what hyper notes when it reads them. `None` where it
/// reads something else.
pub(super) async fn spelled(names: &[String]) -> Option<Extensions> {
    let (near, far) = tokio::io::duplex(4 * 1024);
    let mut builder = http1::Builder::new();
    builder.preserve_header_case(true).max_headers(names.len() + 1);
    let (mut sender, connection) = builder.handshake(TokioIo::new(near)).await.ok()?;
    let exchange = async { tokio::join!(sender.send_request(Request::new(String::new())), answer(far, names)).0 };
    let response = tokio::select! {
        response = exchange => response.ok()?,
        _ = connection => return None,
    };
    Some(response.into_parts().0.extensions)
}

/// Answers a request with these headers.
async fn answer(mut stream: DuplexStream, names: &[String]) -> std::io::Result<DuplexStream> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut request).await? == 0 {
            break;
        }
    }
    let fields = names.iter().map(|name| format!("{name}: -\r\n")).collect::<Vec<_>>().concat();
    stream.write_all(format!("HTTP/1.1 204 No Content\r\n{fields}\r\n").as_bytes()).await?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings() {
        for (names, expected) in [
            (vec![], Spelling::Title),
            (vec!["Accept", "X-Store-Name", "X-1-A"], Spelling::Title),
            (vec!["accept", "x-store-name"], Spelling::Lower),
            (vec!["1", "2-3"], Spelling::Title),
            (vec!["SOAPAction"], Spelling::Own),
            (vec!["X-API-KEY"], Spelling::Own),
            (vec!["X-Api-key"], Spelling::Own),
            (vec!["xApi"], Spelling::Own),
            (vec!["Accept", "x-store-name"], Spelling::Own),
        ] {
            let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
            assert_eq!(Spelling::of(&names), expected, "{names:?}");
        }
    }

    #[tokio::test]
    async fn any_number_of_names_is_noted() {
        let names: Vec<String> = (0..1_000).map(|number| format!("X-NAME-{number}")).collect();
        assert!(spelled(&names).await.is_some_and(|extensions| !extensions.is_empty()));
        assert!(spelled(&["no name".to_owned()]).await.is_none());
    }
}
