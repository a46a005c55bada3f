//! A third party that echoes what it receives: in body, header, reason phrase and redirect, raw and encoded.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use harness::raw_server::next_request;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::CONTROL;
use super::search::{canary, hex};

/// Replies to one request by the first segment of its path, and closes.
pub(super) async fn talk(mut socket: TcpStream) -> std::io::Result<()> {
    let Some(request) = next_request(&mut socket).await else { return Ok(()) };
    let path = request.split(' ').nth(1).unwrap_or_default();
    let echo = secrets_of(&request);
    let answer = match path.split(['/', '?']).nth(1).unwrap_or_default() {
        "authorize" => agreed(path),
        "token" => token(path),
        "refused" => refused(&echo),
        _ if path.contains("/digest") && !echo.contains("Digest ") => challenge(),
        "answer" | "broken" => answer("200 OK", "Content-Type: application/json\r\n", &encoded(&echo).to_string()),
        "fail" => failure("500", &echo),
        "away" => answer("302 Found", &format!("Location: /landed/here?{}\r\n", escaped(&echo)), ""),
        "elsewhere" => answer("302 Found", &format!("Location: http://localhost:1/?{}\r\n", escaped(&echo)), ""),
        _ => failure("404", &echo),
    };
    socket.write_all(answer.as_bytes()).await
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

fn json_answer(status: &str, body: &Value) -> String {
    answer(status, "Content-Type: application/json\r\n", &body.to_string())
}

/// Everything in a request that may be secret: query, `Authorization`, custom headers, body.
fn secrets_of(request: &str) -> String {
    let (head, body) = request.split_once("\r\n\r\n").unwrap_or((request, ""));
    let mut lines = head.lines();
    let target = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
    let is_own = |line: &str| line.starts_with("authorization: ") || line.starts_with("x-");
    let own = lines.filter(|line| is_own(&line.to_ascii_lowercase()));
    let query = target.split_once('?').map_or(String::new(), |(_, query)| unescaped(query));
    let values = own.filter_map(|line| line.split_once(": ")).map(|(_, value)| value.to_owned());
    [vec![query], values.collect(), vec![body.to_owned()]].concat().join(" | ")
}

/// The person agrees at once.
fn agreed(path: &str) -> String {
    let query = path.split_once('?').map_or("", |(_, query)| query);
    let given = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let back = unescaped(given("redirect_uri").unwrap_or_default());
    let (code, state) = (escaped(&canary(22)), given("state").unwrap_or_default());
    answer("302 Found", &format!("Location: {back}?code={code}&state={state}\r\n"), "")
}

/// Tokens that expire so soon that the refresh token is used again and again.
fn token(path: &str) -> String {
    let n = path.rsplit('/').next().and_then(|n| n.parse().ok()).unwrap_or_default();
    let mut given = json!({"access_token": canary(n), "token_type": "Bearer", "expires_in": 1});
    if let Some((_, refresh)) = [(10, 9), (20, 21)].into_iter().find(|(access, _)| *access == n) {
        given["refresh_token"] = json!(canary(refresh));
    }
    json_answer("200 OK", &given)
}

/// The worker cuts the description after 300 characters: before the second echo begins, or inside it.
fn refused(echo: &str) -> String {
    let description = format!("{CONTROL} {echo} {}{echo}", ".".repeat(250_usize.saturating_sub(echo.len())));
    json_answer("401 Unauthorized", &json!({"error": "invalid_client", "error_description": description}))
}

fn challenge() -> String {
    let wanted = "WWW-Authenticate: Digest realm=\"here\", qop=\"auth\", algorithm=SHA-256, nonce=\"n0nce\"\r\n";
    answer("401 Unauthorized", wanted, "")
}

/// The echo as JSON, in the encodings of common libraries.
fn encoded(echo: &str) -> Value {
    json!({
        "control": CONTROL, "echo": echo, "list": [echo], "names": {echo: 1},
        "base64": STANDARD.encode(echo), "base64url": URL_SAFE_NO_PAD.encode(echo),
        "hex": echo.bytes().map(hex).collect::<String>(), "url": escaped(echo),
    })
}

/// The echo in the reason phrase, in a header, and in a text whose 2,000th character is inside a secret.
fn failure(status: &str, echo: &str) -> String {
    let secret_at = echo.find("Canary").map_or(0, |at| echo.get(..at).unwrap_or_default().chars().count() + 8);
    let (long, line) = (encoded(echo).to_string(), echo.replace(['\r', '\n'], " "));
    let ascii: String = long.chars().map(by_number).collect();
    let before = 2_000_usize.saturating_sub(secret_at);
    let mut body = format!("{CONTROL} {echo}\n");
    // The text is cut there: a fragment of a secret must be masked too.
    body.push_str(if ascii.len() + body.chars().count() < before { &ascii } else { "" });
    body.extend(std::iter::repeat_n('.', before.saturating_sub(body.chars().count())));
    body.push_str(echo);
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
