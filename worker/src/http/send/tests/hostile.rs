//! Servers that violate HTTP in one way each: every call ends with the expected code, in time and within its memory.

use std::io::Write;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// What a connection does.
#[derive(Clone)]
enum Behaviour {
    /// Writes these bytes and stays open.
    StayOpen(Vec<u8>),
    /// Writes these bytes and closes.
    Close(Vec<u8>),
    /// Writes these bytes, then this piece without end.
    Endless(Vec<u8>, Vec<u8>),
    /// Writes these bytes, then this piece every 100 ms.
    Drip(Vec<u8>, Vec<u8>),
    /// Resets before it reads the request.
    ResetAtOnce,
    /// Resets after it read the request.
    Reset,
}

const DEADLINE: Duration = Duration::from_secs(4);
const LIMIT: usize = 1_000_000;

fn text(text: &str) -> Vec<u8> {
    text.replace('\n', "\r\n").into_bytes()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A response with this `Content-Encoding`.
fn encoded(encoding: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\nContent-Encoding: {encoding}\nContent-Length: {}\n\n", body.len());
    [text(&head), body.to_vec()].concat()
}

/// The behaviour, and how a GET and a POST end: with a code, or with a status. `?` allows any end.
fn matrix() -> Vec<(&'static str, Behaviour, &'static str, &'static str)> {
    use Behaviour::{Close, Drip, Endless, Reset, ResetAtOnce, StayOpen};
    let head = || text("HTTP/1.1 200 OK\n");
    let chunked = || text("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n");
    let unknown = "OUTCOME_UNKNOWN";
    let bad = "BAD_RESPONSE";
    let cookies = format!("HTTP/1.1 200 OK\n{}Content-Length: 0\n\n", "Set-Cookie: a=b\n".repeat(500));
    let large_headers = format!("HTTP/1.1 200 OK\nX: {}\nContent-Length: 0\n\n", "x".repeat(70_000));
    vec![
        ("accepts and says nothing", StayOpen(Vec::new()), "TIMEOUT", unknown),
        ("reset at once", ResetAtOnce, "CONNECT", "?"),
        ("reset after the request", Reset, "CONNECT", unknown),
        ("closed after the request", Close(Vec::new()), "CONNECT", unknown),
        ("half a status line", Close(text("HTTP/1.1 20")), "CONNECT", unknown),
        ("half a head", Close(text("HTTP/1.1 200 OK\nX: ")), "CONNECT", unknown),
        ("dripping head", Drip(head(), b"X".to_vec()), "TIMEOUT", unknown),
        ("endless head", Endless(head(), text("X: y\n")), bad, bad),
        ("endless field", Endless(head(), b"xxxxxxxx".to_vec()), bad, bad),
        ("too many fields", StayOpen(text(&cookies)), bad, bad),
        ("too large fields", StayOpen(text(&large_headers)), bad, bad),
        ("half a body", Close(text("HTTP/1.1 200 OK\nContent-Length: 10\n\nhalf")), bad, bad),
        ("dripping body", Drip(text("HTTP/1.1 200 OK\nContent-Length: 1000\n\n"), b"x".to_vec()), "TIMEOUT", "TIMEOUT"),
        ("endless body", Endless(text("HTTP/1.1 200 OK\n\n"), vec![b'x'; 8_192]), bad, bad),
        ("endless chunks", Endless(chunked(), text("4\nxxxx\n")), bad, bad),
        ("a gigabyte, declared", StayOpen(text("HTTP/1.1 200 OK\nContent-Length: 1073741824\n\n")), bad, bad),
        ("endless interim answers", Endless(Vec::new(), text("HTTP/1.1 100 Continue\n\n")), "TIMEOUT", unknown),
        ("endless hints", Endless(Vec::new(), text("HTTP/1.1 103 Early Hints\nLink: x\n\n")), "TIMEOUT", unknown),
        ("two lengths", StayOpen(text("HTTP/1.1 200 OK\nContent-Length: 1\nContent-Length: 2\n\nx")), bad, bad),
        ("a length that is none", StayOpen(text("HTTP/1.1 200 OK\nContent-Length: -1\n\nx")), bad, bad),
        ("chunks in HTTP/1.0", StayOpen(text("HTTP/1.0 200 OK\nTransfer-Encoding: chunked\n\n0\n\n")), bad, bad),
        ("NUL in a field", StayOpen(text("HTTP/1.1 200 OK\nX: a\0b\nContent-Length: 2\n\n{}")), bad, bad),
        ("NUL in a name", StayOpen(text("HTTP/1.1 200 OK\nX\0Y: a\nContent-Length: 2\n\n{}")), bad, bad),
        ("a bare CR in a field", StayOpen(text("HTTP/1.1 200 OK\nX: a\rb\nContent-Length: 2\n\n{}")), bad, bad),
        ("a bare CR after the status", StayOpen(text("HTTP/1.1 200 OK\n\rX: a\n\n{}")), bad, bad),
        ("chunks that are none", StayOpen([chunked(), text("zz\nx\n")].concat()), bad, bad),
        ("a chunk of any size", StayOpen([chunked(), text("fffffffffffffffff\nx\n")].concat()), bad, bad),
        ("204 with a body", StayOpen(text("HTTP/1.1 204 No\nContent-Length: 4\n\nbody")), "204", "204"),
        ("more than its length", StayOpen(text("HTTP/1.1 200 OK\nContent-Length: 2\n\n{}more")), "200", "200"),
        ("HTTP/0.9", Close(text("<html>hello</html>")), "CONNECT", unknown),
        ("HTTP/2 in the clear", Close(b"\0\0\0\x04\0\0\0\0\0".to_vec()), "CONNECT", unknown),
        ("a version that is none", StayOpen(text("HTTP/3.7 200 OK\nContent-Length: 2\n\n{}")), "CONNECT", unknown),
        ("another protocol", Close(text("SSH-2.0-x\n")), "CONNECT", unknown),
        ("status 999", StayOpen(text("HTTP/1.1 999 Odd\nContent-Length: 0\n\n")), "999", "999"),
        ("status 99", StayOpen(text("HTTP/1.1 99 Odd\nContent-Length: 0\n\n")), "CONNECT", unknown),
        (
            "not UTF-8",
            StayOpen([text("HTTP/1.1 200 OK\nContent-Length: 2\n\n"), vec![0xff, 0xfe]].concat()),
            "200",
            "200",
        ),
        ("a bomb", StayOpen(encoded("gzip", &gzip(&vec![0; 50_000_000]))), bad, bad),
        ("gzip in gzip", StayOpen(encoded("gzip, gzip", &gzip(&gzip(b"{}")))), bad, bad),
        ("not the gzip it says", StayOpen(encoded("gzip", b"{\"a\": 1}")), bad, bad),
        ("not the brotli it says", StayOpen(encoded("br", b"{}")), bad, bad),
        ("a character set as encoding", StayOpen(encoded("UTF-8", b"{}")), "200", "200"),
        ("a folded field", StayOpen(text("HTTP/1.1 200 OK\nX: a\n b\nContent-Length: 2\n\n{}")), "200", "200"),
        (
            "a field that begins folded",
            StayOpen(text("HTTP/1.1 200 OK\nX:\n a\n\tb\nContent-Length: 2\n\n{}")),
            "200",
            "200",
        ),
        ("a blank before the colon", StayOpen(text("HTTP/1.1 200 OK\nX : a\nContent-Length: 2\n\n{}")), "200", "200"),
        ("a line that is no field", StayOpen(text("HTTP/1.1 200 OK\nX(y): a\nContent-Length: 2\n\n{}")), "200", "200"),
        ("redirect in a circle", StayOpen(text("HTTP/1.1 302 Found\nLocation: /\nContent-Length: 0\n\n")), "?", "302"),
        ("redirect to nowhere", StayOpen(text("HTTP/1.1 302 Found\nContent-Length: 0\n\n")), "302", "302"),
    ]
}

async fn serve(listener: TcpListener, behaviour: Behaviour) {
    while let Ok((socket, _)) = listener.accept().await {
        tokio::spawn(misbehave(socket, behaviour.clone()));
    }
}

async fn misbehave(mut socket: TcpStream, behaviour: Behaviour) -> std::io::Result<()> {
    if matches!(behaviour, Behaviour::ResetAtOnce) {
        return socket.set_zero_linger();
    }
    let mut seen = [0; 8_192];
    if socket.read(&mut seen).await? == 0 {
        return Ok(());
    }
    let (head, piece, pause) = match behaviour {
        Behaviour::Reset | Behaviour::ResetAtOnce => return socket.set_zero_linger(),
        Behaviour::Close(bytes) => return socket.write_all(&bytes).await,
        Behaviour::StayOpen(bytes) => {
            socket.write_all(&bytes).await?;
            return std::future::pending().await;
        }
        Behaviour::Endless(head, piece) => (head, piece, Duration::from_millis(1)),
        Behaviour::Drip(head, piece) => (head, piece, Duration::from_millis(100)),
    };
    socket.write_all(&head).await?;
    let piece = if pause < Duration::from_millis(100) { piece.repeat(1 + 4_096 / piece.len()) } else { piece };
    loop {
        socket.write_all(&piece).await?;
        tokio::time::sleep(pause).await;
    }
}

/// Resident memory, and its peak, bytes.
fn memory() -> (usize, usize) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("0");
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap_or(0) * 1024
    };
    (of("VmRSS:"), of("VmHWM:"))
}

#[tokio::test]
async fn every_behaviour_ends_with_its_code_in_time_and_within_memory() {
    let client = client_with(&["127.0.0.0/8"], |settings| settings.response_bytes = LIMIT);
    let rows = matrix();
    let mut calls = Vec::new();
    for (what, behaviour, get, post) in rows {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://127.0.0.1:{}/", listener.local_addr().unwrap().port())).unwrap();
        tokio::spawn(serve(listener, behaviour));
        for (method, expected) in [(Method::GET, get), (Method::POST, post)] {
            let (client, mut spec) = (client.clone(), request(method.clone(), url.clone()));
            spec.timeout = DEADLINE;
            calls.push(tokio::spawn(async move {
                let begun = Instant::now();
                let ended = match client.send(&spec).await {
                    Ok(answer) => answer.status.to_string(),
                    Err(failure) => class(&failure).0,
                };
                (format!("{what}, {method}"), expected, ended, begun.elapsed())
            }));
        }
    }
    let before = memory().0;
    let mut wrong = Vec::new();
    for call in calls {
        let (what, expected, ended, took) = call.await.unwrap();
        if expected != "?" && ended != expected || took > DEADLINE + Duration::from_secs(1) {
            wrong.push(format!("{what}: {ended} instead of {expected} after {took:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let grown = memory().1.saturating_sub(before);
    assert!(grown <= 64 * 1024 * 1024, "{grown} bytes more");
}
