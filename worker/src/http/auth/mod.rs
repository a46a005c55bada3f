//! Authentication of requests: headers, keys, signatures, answers to challenges, tokens (CONTRACT 7).
//!
//! Knows the schemes; must not know where credentials are stored.

mod assertion;
mod aws;
mod digest;
mod oauth;
mod refresh_tokens;
mod tokens;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue};
use percent_encoding::utf8_percent_encode;
use secrecy::{ExposeSecret, SecretString};
use url::Url;
use url::form_urlencoded::parse;

use crate::job::{Code, Failure};
use crate::plan::{Authorization, RequestSpec, UNRESERVED};

pub(super) use digest::Challenged;
pub use oauth::{AuthorizationCode, ConnectedAccount};
pub use refresh_tokens::{RefreshTokenGuard, RefreshTokens, StoreError, StoreFuture, StoredRefreshToken};
pub(super) use tokens::{Token, Tokens};

/// What a request is authenticated with in addition to what is in its plan.
#[derive(Debug)]
pub(super) enum AuthState {
    /// Nothing.
    Planned,
    /// An access token.
    Token(Token),
    /// A challenge, which is answered for each request by itself.
    Challenged(Challenged),
}

/// Adds the authentication; every value is marked as sensitive, so that it is never printed.
pub(super) fn apply(
    built: &mut reqwest::Request,
    request: &RequestSpec,
    auth: &AuthState,
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
            let filled = headers.iter().filter(|(_, value)| !value.expose_secret().trim().is_empty());
            filled.into_iter().try_for_each(|(name, value)| set(name.clone(), value.expose_secret()))
        }
        Authorization::QueryKey { name, value } => {
            set_query_parameter(built.url_mut(), name, value);
            Ok(())
        }
        Authorization::Digest { username, password } => match auth {
            AuthState::Challenged(challenged) => {
                let sent = (&request.method, request.raw_url(), &request.raw_body()[..]);
                set(AUTHORIZATION, challenged.answer((username, password), sent).expose_secret())
            }
            AuthState::Planned | AuthState::Token(_) => Ok(()),
        },
        Authorization::Aws(keys) => aws::sign(built, request.raw_body(), keys, now_ms).map_err(unusable),
        Authorization::OAuth2(_) => match auth {
            AuthState::Token(token) => set(AUTHORIZATION, &format!("Bearer {}", token.value().expose_secret())),
            AuthState::Planned | AuthState::Challenged(_) => Ok(()),
        },
    }
}

/// Answers a challenge of these headers, if it can be answered; whether it was.
#[cfg(any(test, feature = "fuzzing"))]
pub fn answers_challenge(headers: &http::HeaderMap) -> bool {
    let Ok(url) = Url::parse("https://h.example/a?b=c") else { return false };
    let who = ("user", &SecretString::from("password"));
    let challenged = Challenged::by(headers, "nonce".to_owned());
    challenged.map(|challenged| challenged.answer(who, (&http::Method::GET, &url, b"body"))).is_some()
}

fn unusable(problem: &str) -> Failure {
    Failure::before_any_attempt(Code::Configuration, format!("the connector's credential {problem}"))
}

/// Replaces all parameters of that name by one at the end; the others keep their bytes.
fn set_query_parameter(url: &mut Url, name: &str, value: &SecretString) {
    let is_it = |parameter: &str| parse(parameter.as_bytes()).next().is_some_and(|(known, _)| known == name);
    let query = url.query().unwrap_or_default();
    let others = query.split('&').filter(|parameter| !parameter.is_empty() && !is_it(parameter)).map(ToOwned::to_owned);
    let encoded = |text: &str| utf8_percent_encode(text, UNRESERVED).to_string();
    let own = format!("{}={}", encoded(name), encoded(value.expose_secret()));
    let query: Vec<String> = others.chain([own]).collect();
    url.set_query(Some(&query.join("&")));
}

#[cfg(test)]
mod tests;
