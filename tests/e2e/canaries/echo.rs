//! A third party that says back what it is told: in body, header, reason phrase and redirect, raw and encoded.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use harness::raw_server::next_request;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::CONTROL;
use super::search::{canary, hex};

/// Answers one request by what its path begins with, and closes.
pub(super) async fn talk(mut socket: TcpStream) -> std::io::Result<()> {
    let Some(request) = next_request(&mut socket).await else { return Ok(()) };
    let path = request.split(' ').nth(1).unwrap_or_default();
    let said = told(&request);
    let answer = match path.split(['/', '?']).nth(1).unwrap_or_default() {
        "token" => token(path),
        "refused" => refused(&said),
        _ if path.contains("/digest") && !said.contains("Digest ") => challenge(),
        "answer" | "broken" => answer("200 OK", "Content-Type: application/json\r\n", &encoded(&said).to_string()),
        "fail" => failure("500", &said),
        "away" => answer("302 Found", &format!("Location: /landed/here?{}\r\n", escaped(&said)), ""),
        "elsewhere" => answer("302 Found", &format!("Location: http://localhost:1/?{}\r\n", escaped(&said)), ""),
        _ => failure("404", &said),
    };
    socket.write_all(answer.as_bytes()).await
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

fn json_answer(status: &str, body: &Value) -> String {
    answer(status, "Content-Type: application/json\r\n", &body.to_string())
}

/// Everything in a request that may be secret: what is asked for, proofs, own headers, the body.
fn told(request: &str) -> String {
    let (head, body) = request.split_once("\r\n\r\n").unwrap_or((request, ""));
    let mut lines = head.lines();
    let target = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
    let own = lines.filter(|line| line.starts_with("authorization: ") || line.starts_with("x-"));
    let query = target.split_once('?').map_or(String::new(), |(_, query)| unescaped(query));
    let values = own.filter_map(|line| line.split_once(": ")).map(|(_, value)| value.to_owned());
    [vec![query], values.collect(), vec![body.to_owned()]].concat().join(" | ")
}

/// Tokens of so short a life that a refresh token is used again and again.
fn token(path: &str) -> String {
    let n = path.rsplit('/').next().and_then(|n| n.parse().ok()).unwrap_or_default();
    let mut given = json!({"access_token": canary(n), "token_type": "Bearer", "expires_in": 1});
    if n == 10 {
        given["refresh_token"] = json!(canary(9));
    }
    json_answer("200 OK", &given)
}

/// The description is cut after 300 characters: once before what was said begins, and once inside.
fn refused(said: &str) -> String {
    let description = format!("{CONTROL} {said} {}{said}", ".".repeat(250_usize.saturating_sub(said.len())));
    json_answer("401 Unauthorized", &json!({"error": "invalid_client", "error_description": description}))
}

fn challenge() -> String {
    let wanted = "WWW-Authenticate: Digest realm=\"here\", qop=\"auth\", algorithm=SHA-256, nonce=\"n0nce\"\r\n";
    answer("401 Unauthorized", wanted, "")
}

/// What was said as data, in the forms of the usual libraries.
fn encoded(said: &str) -> Value {
    json!({
        "control": CONTROL, "echo": said, "list": [said], "names": {said: 1},
        "base64": STANDARD.encode(said), "base64url": URL_SAFE_NO_PAD.encode(said),
        "hex": said.bytes().map(hex).collect::<String>(), "url": escaped(said),
    })
}

/// What was said in the reason phrase, a header, and a text whose 2,000th character stands inside a secret.
fn failure(status: &str, said: &str) -> String {
    let secret_at = said.find("Canary").map_or(0, |at| said.get(..at).unwrap_or_default().chars().count() + 8);
    let (long, line) = (encoded(said).to_string(), said.replace(['\r', '\n'], " "));
    let ascii: String = long.chars().map(by_number).collect();
    let before = 2_000_usize.saturating_sub(secret_at);
    let mut body = format!("{CONTROL} {said}\n");
    // Cut here it would be nobody's secret any more.
    body.push_str(if ascii.len() + body.chars().count() < before { &ascii } else { "" });
    body.extend(std::iter::repeat_n('.', before.saturating_sub(body.chars().count())));
    body.push_str(said);
    answer(&format!("{status} {line}"), &format!("Content-Type: text/plain\r\nX-Echo: {line}\r\n"), &body)
}

fn by_number(c: char) -> String {
    if c.is_ascii() {
        return c.to_string();
    }
    let numbered = |text: String, unit: &u16| format!("{text}\\u{unit:04x}");
    c.encode_utf16(&mut [0; 2]).iter().fold(String::new(), numbered)
}

fn escaped(text: &str) -> String {
    text.bytes().map(percent).collect()
}

pub(super) fn percent(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

fn unescaped(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        match part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend(part.get(2..).unwrap_or_default().bytes());
            }
            None => bytes.extend(format!("%{part}").bytes()),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
