//! Asks a token endpoint, through the same guarded client as every other call (RFC 6749, RFC 7523).

use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::OwnedMutexGuard;
use url::form_urlencoded;

use super::assertion;
use super::tokens::{Fetched, Held, Kept, LIFETIME, Slot, Token};
use crate::http::Client;
use crate::interpret::Response;
use crate::job::{Code, Failure, Retriable};
use crate::plan::{Authorization, ClientProof, Grant, OAuth2, Repeat, RequestSpec};

/// An endpoint that takes longer is as good as down.
const TIMEOUT: Duration = Duration::from_secs(15);
/// The largest answer of a token endpoint.
const ANSWER: usize = 64 * 1024;
/// An access token that was kept is used only while it lives so much longer.
const STILL_GOOD: Duration = Duration::from_secs(30);

impl Client {
    /// The token that the request needs, if it needs one; fetched at most once for all who wait.
    pub(in crate::http) async fn token(&self, request: &RequestSpec) -> Result<Option<Token>, Failure> {
        let Authorization::OAuth2(oauth) = &request.authorization else { return Ok(None) };
        let asking = Asking { client: self.clone(), request: Arc::new(request.clone()), oauth: Arc::clone(oauth) };
        let tokens = &self.inner().tokens;
        let token = tokens.get(&request.credential, oauth, |slot| asking.fetch(slot)).await?;
        request.redactor.add(token.value());
        Ok(Some(token))
    }
}

/// `AUTH`: there is no token, and trying again would not mend it.
pub(super) fn no_token(problem: &str) -> Failure {
    Failure::of_attempt(
        Code::Auth,
        format!("there is no token for the connector's credential: {problem}"),
        Retriable::Final,
    )
}

fn not_now(problem: &str) -> Failure {
    Failure { retriable: Retriable::Retry { after: None }, ..no_token(problem) }
}

/// Everything that asking takes, for a task of its own.
struct Asking {
    client: Client,
    request: Arc<RequestSpec>,
    oauth: Arc<OAuth2>,
}

/// What an endpoint answered.
struct Answered {
    fetched: Fetched,
    refresh_token: Option<SecretString>,
}

impl Asking {
    async fn fetch(self, mut slot: OwnedMutexGuard<Slot>) -> (OwnedMutexGuard<Slot>, Result<Fetched, Failure>) {
        let fetched = match &self.oauth.grant {
            Grant::Refresh { refresh_token } => self.refreshed(&mut slot, refresh_token).await,
            _ => self.ask(None).await.map(|answered| answered.fetched),
        };
        (slot, fetched)
    }

    /// One use of a refresh token; its successor is written down before the access token is used.
    async fn refreshed(&self, slot: &mut Slot, first: &SecretString) -> Result<Fetched, Failure> {
        let keeper = self.client.inner().settings.refresh_tokens.clone();
        let held = match &keeper {
            Some(keeper) => Some(keeper.hold(&self.request.credential).await.map_err(|e| not_now(&e))?),
            None => None,
        };
        // What this process could not write down, or has nowhere to, outranks everything.
        let kept = match slot.unwritten.clone() {
            Some(unwritten) if held.is_some() => return written(slot, held, unwritten).await,
            Some(remembered) => Some(remembered),
            None => held.as_ref().and_then(|held| held.kept().cloned()),
        };
        if let Some(fetched) = kept.as_ref().and_then(|kept| still_good(kept, slot)) {
            return Ok(fetched);
        }
        let current = kept.map_or_else(|| first.clone(), |kept| kept.refresh_token);
        let answered = self.ask(Some(&current)).await?;
        let kept = Kept {
            refresh_token: answered.refresh_token.unwrap_or(current),
            access_token: Some(answered.fetched.value),
            lifetime: answered.fetched.lifetime,
        };
        written(slot, held, kept).await
    }

    async fn ask(&self, refresh_token: Option<&SecretString>) -> Result<Answered, Failure> {
        let spec = self.spec(refresh_token)?;
        match self.client.exchange(&spec, ANSWER).await {
            Ok(response) => self.read(&response),
            Err(failure) if matches!(failure.code, Code::Denied | Code::Configuration) => Err(failure),
            Err(failure) => {
                let problem = self.request.redactor.redacted_text(&failure.message);
                Err(if matches!(failure.code, Code::Tls) && failure.retriable == Retriable::Final {
                    no_token(&problem)
                } else {
                    not_now(&problem)
                })
            }
        }
    }

    fn spec(&self, refresh_token: Option<&SecretString>) -> Result<RequestSpec, Failure> {
        let body = self.form(refresh_token)?;
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
        spec.repeat = Repeat::Safe;
        spec.credential = Arc::clone(&self.request.credential);
        spec.identity.clone_from(&self.request.identity);
        spec.redactor = Arc::clone(&self.request.redactor);
        spec.verify_certificate = self.request.verify_certificate;
        Ok(spec)
    }

    fn form(&self, refresh_token: Option<&SecretString>) -> Result<String, Failure> {
        let OAuth2 { client_id, client, scope, audience, grant, url } = &*self.oauth;
        let mut form = form_urlencoded::Serializer::new(String::new());
        match grant {
            Grant::Password { username, password } => {
                form.append_pair("username", username).append_pair("password", password.expose_secret());
                form.append_pair("grant_type", "password");
            }
            Grant::ClientCredentials => drop(form.append_pair("grant_type", "client_credentials")),
            Grant::Refresh { refresh_token: first } => {
                form.append_pair("grant_type", "refresh_token");
                form.append_pair("refresh_token", refresh_token.unwrap_or(first).expose_secret());
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
            }
        }
        for (name, value) in [("scope", scope), ("audience", audience)] {
            if let Some(value) = value {
                form.append_pair(name, value);
            }
        }
        Ok(form.finish())
    }

    fn read(&self, response: &Response) -> Result<Answered, Failure> {
        let place = self.oauth.url.host_str().unwrap_or_default();
        let answer: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        let text = |name: &str| answer.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        if !(200..300).contains(&response.status) {
            let said = [text("error"), text("error_description")].into_iter().flatten().collect::<Vec<_>>().join(": ");
            let said: String = self.request.redactor.redacted_text(&said).chars().take(300).collect();
            let problem = format!("{place} answered {} {said}", response.status);
            let problem = problem.trim_end();
            let passing = matches!(response.status, 408 | 425 | 429 | 500..);
            return Err(if passing { not_now(problem) } else { no_token(problem) });
        }
        let Some(token) = text("access_token") else {
            return Err(no_token(&format!("the answer of {place} has no `access_token`")));
        };
        if HeaderValue::from_str(token).is_err() {
            return Err(no_token(&format!("the `access_token` of {place} cannot be sent in a header")));
        }
        let seconds = match answer.get("expires_in") {
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(Value::Number(number)) => number.as_f64(),
            _ => None,
        };
        let lifetime = seconds.filter(|s: &f64| *s > 0.0 && *s < 1e9).map_or(LIFETIME, Duration::from_secs_f64);
        Ok(Answered {
            fetched: Fetched { value: SecretString::from(token), lifetime },
            refresh_token: text("refresh_token").map(SecretString::from),
        })
    }
}

/// The access token that another process has fetched, if it is good enough.
fn still_good(kept: &Kept, slot: &Slot) -> Option<Fetched> {
    let value = kept.access_token.clone().filter(|value| !slot.was_refused(value))?;
    (kept.lifetime > STILL_GOOD).then_some(Fetched { value, lifetime: kept.lifetime })
}

/// Writes down first; the access token is not used before that.
async fn written(slot: &mut Slot, held: Option<Box<dyn Held>>, kept: Kept) -> Result<Fetched, Failure> {
    let fetched = kept.access_token.clone().map(|value| Fetched { value, lifetime: kept.lifetime });
    if let Some(held) = held {
        slot.unwritten = Some(kept.clone());
        let problem = |e: String| not_now(&format!("the new refresh token could not be written down: {e}"));
        held.keep(kept).await.map_err(problem)?;
        slot.unwritten = None;
    } else {
        // Nobody to write it down for: it is remembered as long as this process lives.
        slot.unwritten = Some(Kept { access_token: None, ..kept });
    }
    fetched.ok_or_else(|| not_now("it has to be fetched anew"))
}
