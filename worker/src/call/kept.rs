//! What is kept of a job's last call for people: the request, its answer and the job's message, all masked (API 10).

use serde_json::{Value, json};

use super::PreparedCall;
use super::exchange::seen_answer;
use crate::interpret::{Response, SeenAnswer};
use crate::job::readable;
use crate::memory;
use crate::plan::{Redacted, Redactor, RequestSpec};

/// How much of an answer's body is kept, bytes.
const ANSWER: usize = 64 * 1024;
/// The longest secret that is masked at the end of what is kept of an answer, bytes.
const MARGIN: usize = 64 * 1024;

/// A request and the beginning of its answer, as JSON text; with the job's message where something in it had to be masked.
pub async fn kept(
    message: &[u8],
    call: Option<&PreparedCall<'_>>,
    was_sent: bool,
    answer: Option<Response>,
) -> Vec<u8> {
    let answer = match (call, answer) {
        (Some(call), Some(answer)) => Some(beginning(call, answer).await),
        _ => None,
    };
    let request = call.map(|call| call.request().clone());
    if message.len() < memory::LARGE {
        return text(message, request.as_ref(), was_sent, answer.as_ref());
    }
    // Masking a large message takes a while.
    let message = message.to_vec();
    memory::in_a_thread(move || text(&message, request.as_ref(), was_sent, answer.as_ref())).await
}

/// The beginning of an answer, masked; `bytes` says how many there were.
async fn beginning(call: &PreparedCall<'_>, mut answer: Response) -> SeenAnswer {
    let bytes = answer.body.len();
    let mut cut = (ANSWER + MARGIN).min(bytes);
    // Not within a character.
    while answer.body.get(cut).is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000) {
        cut -= 1;
    }
    answer.body.truncate(cut);
    SeenAnswer { bytes, ..seen_answer(call, answer).await }
}

fn text(message: &[u8], request: Option<&RequestSpec>, was_sent: bool, answer: Option<&SeenAnswer>) -> Vec<u8> {
    let masked = request.and_then(|request| masked(message, &request.redactor));
    let sent = request.filter(|_| was_sent).map(|request| sent(request.redacted()));
    let mut kept = json!({"sent": sent, "answer": answer.map(shown)});
    if let Some(message) = masked {
        kept["message"] = message;
    }
    kept.to_string().into_bytes()
}

fn sent(request: Redacted) -> Value {
    let Redacted { method, url, headers, body, timeout: _ } = request;
    json!({"method": method, "url": url, "headers": headers, "body": body})
}

fn shown(answer: &SeenAnswer) -> Value {
    let text = answer.body.text();
    let cut = text.map(|text| text.get(..text.floor_char_boundary(ANSWER)).unwrap_or_default());
    json!({
        "status": answer.status, "headers": answer.headers, "body": cut, "bytes": answer.bytes,
        "truncated": answer.bytes > ANSWER, "kind": answer.body.kind(),
    })
}

/// The message without the secrets that are in it; `None` where there are none.
fn masked(message: &[u8], redactor: &Redactor) -> Option<Value> {
    let text = readable(message);
    let text = String::from_utf8_lossy(&text);
    redactor.finds(&text).then(|| {
        let mut value: Value = serde_json::from_str(&text).unwrap_or_default();
        redactor.redact_value(&mut value);
        value
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::Method;
    use secrecy::SecretString;

    use super::*;
    use crate::interpret::SeenBody;

    fn of(text: &[u8]) -> Value {
        serde_json::from_slice(text).unwrap()
    }

    fn request(secret: &str) -> RequestSpec {
        let url = url::Url::parse(&format!("https://a.example/{secret}")).unwrap();
        let request = RequestSpec::new(Method::POST, url, Duration::from_secs(1)).with_body(format!("say {secret}"));
        request.redactor.add(&SecretString::from(secret));
        request
    }

    #[test]
    fn a_secret_is_kept_nowhere() {
        let secret = "canary-9f41bc";
        let message = json!({"id": "j", "data": {"said": [secret]}}).to_string().into_bytes();
        let kept = text(&message, Some(&request(secret)), true, None);
        assert!(!String::from_utf8_lossy(&kept).contains(secret), "{}", String::from_utf8_lossy(&kept));
        let kept = of(&kept);
        assert_eq!(kept["sent"]["url"], json!("https://a.example/********"));
        assert_eq!(kept["message"], json!({"id": "j", "data": {"said": ["********"]}}));
        let plain = of(&text(b"{\"id\": \"j\"}", Some(&request(secret)), false, None));
        assert_eq!(plain, json!({"sent": null, "answer": null}), "the message is there as it was published");
    }

    #[test]
    fn an_answer_is_cut_at_a_character() {
        let body = format!("{}é", "x".repeat(ANSWER - 1));
        let (headers, bytes) = (vec![("a".to_owned(), "b".to_owned())], body.len());
        let answer = SeenAnswer { status: 500, headers, body: SeenBody::Text(body), bytes };
        let shown = shown(&answer);
        assert_eq!(shown["body"].as_str().map(str::len), Some(ANSWER - 1));
        assert_eq!((&shown["truncated"], &shown["headers"]), (&json!(true), &json!([["a", "b"]])));
    }
}
