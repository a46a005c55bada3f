//! Heads that are broken after their status, wherever an answer is read.

use tokio::net::TcpStream;

use super::*;

const WITH_NUL: &str = "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\n{}";

/// The code, and whether it is retried, of a call to a server whose first answers are good.
async fn after(good: usize, reply: &'static str, spec: impl Fn(Url) -> RequestSpec) -> (String, bool) {
    let kept = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nKeep-Alive: timeout=60\r\n\r\n{}";
    let reply = move |_: &str, n: usize| Reply::KeepOpen(if n < good { kept } else { reply }.to_owned());
    let server = RawServer::start(reply).await;
    let client = client();
    for _ in 0..good {
        client.send(&spec(server.url("/"))).await.unwrap();
    }
    let (code, is_retried, _) = class(&client.send(&spec(server.url("/"))).await.unwrap_err());
    assert!(good == 0 || server.connections() == 1, "{} connections", server.connections());
    (code, is_retried)
}

#[tokio::test]
async fn a_broken_head_is_a_bad_response_on_every_connection() {
    let plain = |method: Method| move |url| request(method.clone(), url);
    let spelled = |method: Method| {
        move |url| {
            let mut spec = request(method.clone(), url).with_written_names(["x-lower".to_owned()]);
            spec.headers.push(("x-lower".parse().unwrap(), "1".parse().unwrap()));
            spec
        }
    };
    for (method, is_retried) in [(Method::GET, true), (Method::POST, false), (Method::PUT, false)] {
        let expected = ("BAD_RESPONSE".to_owned(), is_retried);
        assert_eq!(after(0, WITH_NUL, plain(method.clone())).await, expected, "{method}, new");
        assert_eq!(after(0, WITH_NUL, spelled(method.clone())).await, expected, "{method}, new, spelled");
    }
    let expected = ("BAD_RESPONSE".to_owned(), true);
    assert_eq!(after(2, WITH_NUL, plain(Method::GET)).await, expected, "used before");
}

/// An HTTP/2 server whose answer's header block is these bytes.
async fn http2_server(block: &'static [u8]) -> Url {
    let acceptor = acceptor("h2");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("https://127.0.0.1:{}/", listener.local_addr().unwrap().port())).unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(socket).await {
                tokio::spawn(answer_streams(stream, block));
            }
        }
    });
    url
}

/// Answers each HEADERS frame on its stream, with all of the block and at its end.
async fn answer_streams(
    mut stream: tokio_rustls::server::TlsStream<TcpStream>,
    block: &'static [u8],
) -> std::io::Result<()> {
    const PREFACE: usize = 24;
    const HEADERS: u8 = 1;
    const LAST_AND_WHOLE: u8 = 5;
    stream.write_all(b"\0\0\0\x04\0\0\0\0\0").await?;
    stream.read_exact(&mut [0; PREFACE]).await?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        stream.read_exact(&mut vec![0; length]).await?;
        if head[3] == HEADERS {
            let begun = [0, 0, u8::try_from(block.len()).unwrap(), HEADERS, LAST_AND_WHOLE];
            stream.write_all(&[begun.as_slice(), &head[5..9], block].concat()).await?;
        }
    }
}

#[tokio::test]
async fn a_broken_head_of_http_2_is_a_bad_response_of_its_own_call_only() {
    let client = client_with(&["127.0.0.0/8"], |settings| settings.allow_insecure_tls = true);
    for (what, block, get, post) in [
        ("good", b"\x88".as_slice(), "200", "200"),
        // `connection`, of which RFC 9113 8.2.2 says that the message is malformed: an error of the stream.
        ("a field of connections", b"\x88\0\x0aconnection\x05close".as_slice(), "BAD_RESPONSE", "BAD_RESPONSE"),
        ("two statuses", b"\x88\x89".as_slice(), "BAD_RESPONSE", "BAD_RESPONSE"),
        // The client ends the connection, with the calls of others on it.
        ("NUL in a field", b"\x88\0\x01x\x03a\0b".as_slice(), "CONNECT", "OUTCOME_UNKNOWN"),
    ] {
        let url = http2_server(block).await;
        for (method, expected) in [(Method::GET, get), (Method::POST, post)] {
            let mut spec = request(method.clone(), url.clone());
            spec.verify_certificate = false;
            let ended = match client.send(&spec).await {
                Ok(answer) => answer.status.to_string(),
                Err(failure) => class(&failure).0,
            };
            assert_eq!(ended, expected, "{what}, {method}");
        }
    }
}
