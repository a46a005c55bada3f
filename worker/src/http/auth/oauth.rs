//! Requests to a token endpoint, through the same guarded client as every other call (RFC 6749, RFC 7523).

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::OwnedMutexGuard;
use tokio::time::{Instant, timeout_at};
use url::{Url, form_urlencoded};

use super::assertion;
use super::refresh_tokens::{RefreshTokenGuard, StoredRefreshToken};
use super::tokens::{Fetched, LIFETIME, Token, TokenSlot};
use crate::http::Client;
use crate::http::client::chain;
use crate::interpret::{self, Response};
use crate::job::{Code, Failure, Retriable};
use crate::plan::{Authorization, ClientProof, Grant, OAuth2, Repeat, RequestSpec};

/// How long a token endpoint may take.
const TIMEOUT: Duration = Duration::from_secs(15);
/// The largest response of a token endpoint, bytes.
const RESPONSE_BYTES: usize = 64 * 1024;
/// A stored access token is used only if it is valid for this much longer.
const LEAST_LIFETIME: Duration = Duration::from_secs(30);

impl Client {
    /// The token that the request needs, if it needs one; fetched at most once for all who wait.
    /// What it takes, another job's fetch that is waited for included, counts against the attempt; a fetch goes on without
    /// its job.
    pub(in crate::http) async fn token(
        &self,
        request: &RequestSpec,
        deadline: Instant,
    ) -> Result<Option<Token>, Failure> {
        let Authorization::OAuth2(oauth) = &request.authorization else { return Ok(None) };
        let token_request =
            TokenRequest { client: self.clone(), request: Arc::new(request.clone()), oauth: Arc::clone(oauth) };
        let tokens = &self.inner().tokens;
        let fetching = tokens.get(&request.credential, oauth, |slot| token_request.fetch(slot));
        let late = |_| {
            let problem = format!("it was not there within {:?}; nothing was sent", request.timeout);
            Failure { code: Code::Timeout, ..no_token_yet(&problem) }
        };
        let token = timeout_at(deadline, fetching).await.map_err(late)??;
        request.redactor.include(token.redactor());
        Ok(Some(token))
    }
}

impl Client {
    /// A token in place of one that was refused. Boxed, since fetching a token is a call of this client itself.
    pub(in crate::http) fn fresh_token<'a>(
        &'a self,
        request: &'a RequestSpec,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<Option<Token>, Failure>> {
        Box::pin(self.token(request, deadline))
    }

    /// Exchanges a code for the tokens of an account. `request` is what [`crate::plan::PreparedCredentials::token_request`]
    /// makes; its redactor learns what is sent and what comes.
    ///
    /// # Errors
    /// `DENIED` by the guard, or `AUTH` when the server gives none.
    pub async fn exchange_code(
        &self,
        request: RequestSpec,
        code: &AuthorizationCode,
    ) -> Result<ConnectedAccount, Failure> {
        let Authorization::OAuth2(oauth) = &request.authorization else {
            return Err(no_token("its credentials are not OAuth credentials"));
        };
        let oauth = Arc::clone(oauth);
        for secret in [&code.code, &code.verifier] {
            request.redactor.add(secret);
        }
        let asking = TokenRequest { client: self.clone(), request: Arc::new(request), oauth };
        let TokenResponse { fetched, lifetime, refresh_token, scope } = asking.send(Asked::Code(code)).await?;
        let lifetime = lifetime.unwrap_or(if refresh_token.is_some() { fetched.lifetime } else { FOREVER });
        Ok(ConnectedAccount {
            tokens: StoredRefreshToken { refresh_token, access_token: Some(fetched.value), lifetime },
            scope,
        })
    }
}

/// `AUTH`: there is no token, and trying again would not help.
pub(super) fn no_token(problem: &str) -> Failure {
    Failure::of_attempt(
        Code::Auth,
        format!("there is no token for the connector's credential: {problem}"),
        Retriable::Final,
    )
}

fn no_token_yet(problem: &str) -> Failure {
    Failure { retriable: Retriable::Retry { after: None }, ..no_token(problem) }
}

/// Everything that fetching a token takes, for a task of its own.
struct TokenRequest {
    client: Client,
    request: Arc<RequestSpec>,
    oauth: Arc<OAuth2>,
}

/// What a token endpoint returned.
struct TokenResponse {
    fetched: Fetched,
    /// As it was told.
    lifetime: Option<Duration>,
    refresh_token: Option<SecretString>,
    scope: Option<String>,
}

/// What a token is asked for with, besides who asks.
#[derive(Debug, Clone, Copy)]
enum Asked<'a> {
    /// A user's name and password.
    Password(&'a str, &'a SecretString),
    /// Nothing else.
    Client,
    /// A refresh token.
    Refreshed(&'a SecretString),
    /// A code that a browser brought.
    Code(&'a AuthorizationCode),
}

/// A code that an authorization server gave to a browser, and what proves that we asked for it (RFC 6749, 4.1; RFC 7636).
#[derive(Debug, Clone)]
pub struct AuthorizationCode {
    /// The code.
    pub code: SecretString,
    /// The verifier of the challenge that it was asked for with.
    pub verifier: SecretString,
    /// Where the browser was sent back to.
    pub redirect_uri: Url,
}

/// What a code was exchanged for.
#[derive(Debug)]
pub struct ConnectedAccount {
    /// Its tokens.
    pub tokens: StoredRefreshToken,
    /// What they are good for, where the server said so.
    pub scope: Option<String>,
}

/// What calls end with while nobody has connected an account.
const NOT_CONNECTED: &str = "no account is connected; connect one on the connector's page";
/// What calls end with once an account's access token is over and there is no other way to get one.
const EXPIRED: &str =
    "the account's access token has expired or was refused, and there is no refresh token; connect the account again";
/// How long an access token is good for that came without `expires_in` and without a refresh token: until it is refused.
const FOREVER: Duration = Duration::from_hours(3_650 * 24);

impl TokenRequest {
    async fn fetch(
        self,
        mut slot: OwnedMutexGuard<TokenSlot>,
    ) -> (OwnedMutexGuard<TokenSlot>, Result<Fetched, Failure>) {
        let fetched = match &self.oauth.grant {
            Grant::Refresh { refresh_token } => self.refreshed(&mut slot, Some(refresh_token), None).await,
            Grant::Account { connection: Some(connection), .. } => {
                self.refreshed(&mut slot, None, Some(*connection)).await
            }
            Grant::Account { connection: None, .. } => Err(no_token(NOT_CONNECTED)),
            Grant::Password { username, password } => {
                self.send(Asked::Password(username, password)).await.map(|response| response.fetched)
            }
            Grant::ClientCredentials => self.send(Asked::Client).await.map(|response| response.fetched),
        };
        (slot, fetched)
    }

    /// One use of a refresh token; its successor is stored before the access token is used.
    async fn refreshed(
        &self,
        slot: &mut TokenSlot,
        first: Option<&SecretString>,
        connection: Option<i64>,
    ) -> Result<Fetched, Failure> {
        let tokens = self.client.inner().settings.refresh_tokens.clone();
        let guard = match &tokens {
            Some(tokens) => {
                let locked = tokens.lock(&self.request.credential, connection).await;
                Some(locked.map_err(|e| no_token_yet(&chain(&*e)))?)
            }
            None => None,
        };
        // What this process could not store, or has no store for, is newer than what is stored.
        let stored = match slot.unstored.clone() {
            Some(unstored) if guard.is_some() => return store(slot, guard, unstored).await,
            Some(unstored) => Some(unstored),
            None => guard.as_ref().and_then(|guard| guard.stored().cloned()),
        };
        if let Some(fetched) = stored.as_ref().and_then(|stored| usable(stored, slot)) {
            return Ok(fetched);
        }
        let is_known = stored.is_some();
        let Some(current) = stored.and_then(|stored| stored.refresh_token).or_else(|| first.cloned()) else {
            return Err(no_token(if is_known { EXPIRED } else { NOT_CONNECTED }));
        };
        self.request.redactor.add(&current);
        let response = self.send(Asked::Refreshed(&current)).await?;
        let token = StoredRefreshToken {
            refresh_token: response.refresh_token.or(Some(current)),
            access_token: Some(response.fetched.value),
            lifetime: response.fetched.lifetime,
        };
        store(slot, guard, token).await
    }

    async fn send(&self, asked: Asked<'_>) -> Result<TokenResponse, Failure> {
        let spec = self.spec(asked)?;
        match self.client.exchange(&spec, RESPONSE_BYTES).await {
            Ok(response) => self.read(&response),
            Err(failure) if matches!(failure.code, Code::Denied | Code::Configuration) => Err(failure),
            Err(failure) => {
                let problem = self.request.redactor.redacted_text(&failure.message);
                Err(match failure.code {
                    Code::Tls if failure.retriable == Retriable::Final => no_token(&problem),
                    Code::Timeout => Failure { code: Code::Timeout, ..no_token_yet(&problem) },
                    _ => no_token_yet(&problem),
                })
            }
        }
    }

    fn spec(&self, asked: Asked<'_>) -> Result<RequestSpec, Failure> {
        let body = self.form(asked)?;
        let mut headers = vec![
            (ACCEPT, HeaderValue::from_static("application/json")),
            (CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded")),
        ];
        if let ClientProof::Basic(secret) = &self.oauth.client {
            let value = HeaderValue::from_str(&format!("Basic {}", self.oauth.basic_pair(secret).expose_secret()));
            let mut value = value.map_err(|_| no_token("`client_id` cannot be sent"))?;
            value.set_sensitive(true);
            headers.push((AUTHORIZATION, value));
        }
        let mut spec = RequestSpec::new(Method::POST, self.oauth.url.clone(), TIMEOUT).with_body(body);
        spec.headers = headers;
        // A code is good for one use.
        spec.repeat = if matches!(asked, Asked::Code(_)) { Repeat::Unsafe } else { Repeat::Safe };
        spec.credential = Arc::clone(&self.request.credential);
        spec.identity.clone_from(&self.request.identity);
        spec.redactor = Arc::clone(&self.request.redactor);
        spec.verify_certificate = self.request.verify_certificate;
        Ok(spec)
    }

    fn form(&self, asked: Asked<'_>) -> Result<String, Failure> {
        let OAuth2 { client_id, client, scope, audience, url, further, grant: _, expired: _ } = &*self.oauth;
        let mut form = form_urlencoded::Serializer::new(String::new());
        match asked {
            Asked::Password(username, password) => {
                form.append_pair("username", username).append_pair("password", password.expose_secret());
                form.append_pair("grant_type", "password");
            }
            Asked::Client => drop(form.append_pair("grant_type", "client_credentials")),
            Asked::Refreshed(token) => {
                form.append_pair("grant_type", "refresh_token").append_pair("refresh_token", token.expose_secret());
            }
            Asked::Code(AuthorizationCode { code, verifier, redirect_uri }) => {
                form.append_pair("grant_type", "authorization_code").append_pair("code", code.expose_secret());
                form.append_pair("redirect_uri", redirect_uri.as_str());
                form.append_pair("code_verifier", verifier.expose_secret());
            }
        }
        match client {
            ClientProof::Basic(_) => {}
            ClientProof::None => drop(form.append_pair("client_id", client_id)),
            ClientProof::Body(secret) => {
                form.append_pair("client_id", client_id).append_pair("client_secret", secret.expose_secret());
            }
            ClientProof::PrivateKey { key, id } => {
                let now_ms = (self.client.inner().settings.now_ms)();
                let signed = assertion::signed(client_id, url.as_str(), key, id.as_deref(), now_ms);
                let signed = signed.map_err(|problem| Failure::before_any_attempt(Code::Configuration, problem))?;
                form.append_pair("client_id", client_id);
                form.append_pair("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
                form.append_pair("client_assertion", signed.expose_secret());
                self.request.redactor.add(&signed);
            }
        }
        // What a code stands for was said when it was asked for (RFC 6749, 4.1.3).
        let is_open = !matches!(asked, Asked::Code(_));
        for (name, value) in [("scope", scope), ("audience", audience)] {
            if let Some(value) = value.as_ref().filter(|_| is_open) {
                form.append_pair(name, value);
            }
        }
        form.extend_pairs(further);
        Ok(form.finish())
    }

    fn read(&self, response: &Response) -> Result<TokenResponse, Failure> {
        let host = self.oauth.url.host_str().unwrap_or_default();
        let (data, plain) = interpret::plain_data(response);
        // Some endpoints answer as they are asked, with a form.
        let body = data.unwrap_or_else(|| form(response, &plain));
        let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let is_good = (200..300).contains(&response.status);
        // Some endpoints refuse with a good status.
        if !is_good || text("access_token").is_none() && refusal(&body).is_some() {
            let reason = refusal(&body).unwrap_or_else(|| plain.split_whitespace().collect::<Vec<_>>().join(" "));
            let reason: String = self.request.redactor.redacted_text(&reason).chars().take(300).collect();
            let problem = format!("{host} answered {} {reason}", response.status);
            let problem = problem.trim_end();
            let is_later = matches!(text("error"), Some("temporarily_unavailable" | "server_error" | "slow_down"));
            let is_transient = matches!(response.status, 408 | 425 | 429 | 500..) || is_good && is_later;
            let after = interpret::asked_wait(response, (self.client.inner().settings.now_ms)());
            let later = || Failure { retriable: Retriable::Retry { after }, ..no_token(problem) };
            return Err(if is_transient { later() } else { no_token(problem) });
        }
        let Some(token) = text("access_token") else {
            return Err(no_token(&format!("the answer of {host} has no `access_token`; it has: {}", members(&body))));
        };
        if HeaderValue::from_str(token).is_err() {
            return Err(no_token(&format!("the `access_token` of {host} cannot be sent in a header")));
        }
        let seconds = match body.get("expires_in") {
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(Value::Number(number)) => number.as_f64(),
            _ => None,
        };
        let told = seconds.filter(|s: &f64| *s > 0.0 && *s < 1e9).map(Duration::from_secs_f64);
        Ok(TokenResponse {
            fetched: Fetched { value: SecretString::from(token), lifetime: told.unwrap_or(LIFETIME) },
            lifetime: told,
            refresh_token: text("refresh_token").map(SecretString::from),
            scope: text("scope").map(ToOwned::to_owned),
        })
    }
}

/// Why there is no token, as the endpoint says: as RFC 6749, 5.2 has it, and as others write it.
fn refusal(body: &Value) -> Option<String> {
    let of = |name: &str| body.get(name).filter(|value| !value.is_null() && value.as_str() != Some(""));
    let first = |value: &Value| value.get(0).cloned().unwrap_or_else(|| value.clone());
    let written = |value: Value| match value.get("message").unwrap_or(&value) {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if let (Some(error), Some(description)) = (of("error"), of("error_description").or_else(|| of("error_uri"))) {
        return Some(format!("{}: {}", written(error.clone()), written(description.clone())));
    }
    let found = of("error").or_else(|| of("errors")).or_else(|| of("message")).or_else(|| of("error_description"))?;
    Some(written(first(found)))
}

/// The members of a form.
fn form(response: &Response, text: &str) -> Value {
    let kind = response.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
        return Value::Null;
    }
    let pairs = form_urlencoded::parse(text.as_bytes());
    pairs.map(|(name, value)| (name.into_owned(), Value::from(value.into_owned()))).collect()
}

/// Names, since values may be tokens.
fn members(body: &Value) -> String {
    let names = body.as_object().map(|map| map.keys().take(12).cloned().collect::<Vec<_>>().join(", "));
    names.filter(|names| !names.is_empty()).unwrap_or_else(|| "nothing that can be read".to_owned())
}

/// The access token that another process has fetched, if it may still be used.
fn usable(stored: &StoredRefreshToken, slot: &TokenSlot) -> Option<Fetched> {
    let value = stored.access_token.clone().filter(|value| !slot.was_refused(value))?;
    (stored.lifetime > LEAST_LIFETIME).then_some(Fetched { value, lifetime: stored.lifetime })
}

/// Stores the tokens; the access token is not used before that.
async fn store(
    slot: &mut TokenSlot,
    guard: Option<Box<dyn RefreshTokenGuard>>,
    token: StoredRefreshToken,
) -> Result<Fetched, Failure> {
    let fetched = token.access_token.clone().map(|value| Fetched { value, lifetime: token.lifetime });
    if let Some(guard) = guard {
        slot.unstored = Some(token.clone());
        let stored = guard.store(token).await;
        stored.map_err(|e| no_token_yet(&format!("the new refresh token could not be stored: {}", chain(&*e))))?;
        slot.unstored = None;
    } else {
        // Without a store it is remembered as long as this process lives.
        slot.unstored = Some(StoredRefreshToken { access_token: None, ..token });
    }
    fetched.ok_or_else(|| no_token_yet("it has to be fetched anew"))
}
