//! How a request proves who is asking: headers, keys, signatures, answers to challenges, tokens (CONTRACT 7).
//!
//! Knows the schemes; must not know where credentials are kept.

mod assertion;
mod aws;
mod digest;
mod oauth;
mod tokens;

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::job::{Code, Failure};
use crate::plan::{Authorization, RequestSpec};

pub(super) use digest::answer as answer_to_challenge;
pub use tokens::{Held, Holding, Kept, RefreshTokens};
pub(super) use tokens::{Token, Tokens};

/// What a planned request still lacks in order to be let in.
#[derive(Debug, Clone)]
pub(super) enum Proof {
    /// Nothing: it stands in the plan.
    Planned,
    /// The token of the day.
    Token(Token),
    /// The answer to a challenge, for exactly one request.
    Challenge(SecretString),
}

/// Adds what proves who is asking; every value is marked so that it is never printed.
pub(super) fn apply(
    built: &mut reqwest::Request,
    request: &RequestSpec,
    proof: &Proof,
    now_ms: i64,
) -> Result<(), Failure> {
    let mut set = |name: HeaderName, text: &str| {
        let mut value = HeaderValue::from_bytes(text.as_bytes()).map_err(|_| unusable("holds a line break"))?;
        value.set_sensitive(true);
        built.headers_mut().insert(name, value);
        Ok::<_, Failure>(())
    };
    match &request.authorization {
        Authorization::None => Ok(()),
        Authorization::Basic { username, password } => {
            let pair = STANDARD.encode(format!("{username}:{}", password.expose_secret()));
            set(AUTHORIZATION, &format!("Basic {pair}"))
        }
        Authorization::Bearer(token) => set(AUTHORIZATION, &format!("Bearer {}", token.expose_secret())),
        Authorization::Headers(headers) => {
            headers.iter().try_for_each(|(name, value)| set(name.clone(), value.expose_secret()))
        }
        Authorization::QueryKey { name, value } => {
            put_into_query(built.url_mut(), name, value);
            Ok(())
        }
        Authorization::Digest { .. } => match proof {
            Proof::Challenge(answer) => set(AUTHORIZATION, answer.expose_secret()),
            Proof::Planned | Proof::Token(_) => Ok(()),
        },
        Authorization::Aws(keys) => {
            aws::sign(built, request.raw_body(), keys, now_ms).map_err(|problem| unusable(&problem))
        }
        Authorization::OAuth2(_) => match proof {
            Proof::Token(token) => set(AUTHORIZATION, &format!("Bearer {}", token.value().expose_secret())),
            Proof::Planned | Proof::Challenge(_) => Ok(()),
        },
    }
}

fn unusable(problem: &str) -> Failure {
    Failure::before_any_attempt(Code::Configuration, format!("the connector's credential {problem}"))
}

/// In the place of a parameter of that name, else at the end.
fn put_into_query(url: &mut Url, name: &str, value: &SecretString) {
    let others: Vec<(String, String)> = url.query_pairs().into_owned().filter(|(known, _)| known != name).collect();
    url.query_pairs_mut().clear().extend_pairs(others).append_pair(name, value.expose_secret());
}

/// Lower-case hexadecimal.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").ok();
        text
    })
}

#[cfg(test)]
mod tests;
