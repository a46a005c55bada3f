//! Tokens of an identity provider: JWTs that one of its keys signed (API 3; RFC 7515, RFC 7519).

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Method;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Map, Value};
use tokio::sync::Mutex;
use url::Url;

use super::access::{Caller, Identity, Scope};
use crate::config::Oidc as Settings;
use crate::http::{self as client, Client};
use crate::plan::RequestSpec;
use crate::store::{self, Store};

/// How far two clocks may differ, seconds.
const LEEWAY: u64 = 60;
/// Before a provider is asked again for a key that it did not have.
const ASK_AGAIN: Duration = Duration::from_secs(10);
/// How long the provider has to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The signatures that are accepted; never `none`, and none that a shared secret makes.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// Why a token could not be judged.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The provider, and none of its keys is known.
    #[error("the identity provider cannot be reached: {0}")]
    Provider(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// An identity provider, with its keys as they were last read.
pub(super) struct Oidc {
    issuer: String,
    audience: String,
    settings: Settings,
    client: Client,
    keys: Mutex<Keys>,
}

#[derive(Default)]
struct Keys {
    known: Option<Arc<JwkSet>>,
    asked: Option<Instant>,
}

impl Oidc {
    /// The provider of the settings; `None` where there is none. The operator named it: it may be in a private range.
    ///
    /// # Errors
    /// When a certificate authority file cannot be read.
    pub(super) fn new(settings: &Settings, of_calls: client::Settings) -> Result<Option<Self>, client::Error> {
        let (Some(issuer), Some(audience)) = (settings.issuer.clone(), settings.audience.clone()) else {
            return Ok(None);
        };
        let everywhere = ["0.0.0.0/0", "::/0"].iter().filter_map(|net| net.parse().ok()).collect();
        let client = Client::new(client::Settings { allow_net: everywhere, own_addresses: Vec::new(), ..of_calls })?;
        Ok(Some(Self { issuer, audience, settings: settings.clone(), client, keys: Mutex::default() }))
    }

    /// Whose token it is; `None` where it is not valid.
    ///
    /// # Errors
    /// When the provider or the database cannot be reached.
    pub(super) async fn caller(&self, token: &str, store: &Store) -> Result<Option<Caller>, Error> {
        let Ok(header) = decode_header(token) else { return Ok(None) };
        if header.crit.is_some() || !ALGORITHMS.contains(&header.alg) {
            return Ok(None);
        }
        let Some(kid) = header.kid else { return Ok(None) };
        let Some(key) = self.key(&kid).await? else { return Ok(None) };
        let Some(claims) = self.claims(token, header.alg, &key) else { return Ok(None) };
        self.caller_of(&claims, store).await
    }

    /// The claims of a token that this key signed for this audience, and that is valid now.
    fn claims(&self, token: &str, algorithm: Algorithm, key: &Jwk) -> Option<Map<String, Value>> {
        if !fits(key, algorithm) {
            return None;
        }
        let mut validation = Validation::new(algorithm);
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        let decoded = decode::<Map<String, Value>>(token, &DecodingKey::from_jwk(key).ok()?, &validation);
        decoded.ok().map(|token| token.claims)
    }

    async fn caller_of(&self, claims: &Map<String, Value>, store: &Store) -> Result<Option<Caller>, Error> {
        let Some(subject) = claims.get("sub").and_then(Value::as_str).filter(|subject| !subject.is_empty()) else {
            return Ok(None);
        };
        let prefix = self.settings.scope_prefix.as_str();
        let words = words(claims.get(&self.settings.scope_claim));
        let mut scopes: Vec<Scope> = words.iter().filter_map(|word| word.strip_prefix(prefix)?.parse().ok()).collect();
        scopes.sort_unstable();
        scopes.dedup();
        let limit = self.settings.connectors_claim.as_ref().and_then(|claim| claims.get(claim));
        let connectors = match limit {
            None | Some(Value::Null) => None,
            Some(references) => Some(uuids(store, &self::words(Some(references))).await?),
        };
        let name = ["name", "preferred_username"].into_iter().find_map(|claim| claims.get(claim)?.as_str());
        Ok(Some(Caller {
            identity: Identity::Oidc(subject.to_owned()),
            name: name.unwrap_or(subject).to_owned(),
            scopes,
            connectors,
            expires_at: claims.get("exp").and_then(Value::as_i64).map(|seconds| seconds.saturating_mul(1_000)),
        }))
    }

    /// The provider's key of this id; one that is not known is asked for, at most every ten seconds. Known keys serve while
    /// the provider is away.
    async fn key(&self, kid: &str) -> Result<Option<Jwk>, Error> {
        let mut keys = self.keys.lock().await;
        if let Some(found) = keys.known.as_ref().and_then(|known| known.find(kid)) {
            return Ok(Some(found.clone()));
        }
        if keys.asked.is_some_and(|asked| asked.elapsed() < ASK_AGAIN) {
            return match keys.known {
                Some(_) => Ok(None),
                None => Err(Error::Provider("it did not answer a moment ago".to_owned())),
            };
        }
        keys.asked = Some(Instant::now());
        match self.fetched().await {
            Ok(fetched) => {
                let known = Arc::new(fetched);
                keys.known = Some(Arc::clone(&known));
                Ok(known.find(kid).cloned())
            }
            Err(error) => {
                tracing::warn!(%error, "the keys of the identity provider cannot be read");
                if keys.known.is_some() { Ok(None) } else { Err(error) }
            }
        }
    }

    async fn fetched(&self) -> Result<JwkSet, Error> {
        let url = match &self.settings.jwks_url {
            Some(url) => url.clone(),
            None => self.discovered().await?,
        };
        let keys = self.get(url).await?;
        // A key of a kind that is not known here must not cost the others.
        let keys = keys.get("keys").and_then(Value::as_array).cloned().unwrap_or_default();
        let keys = keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect();
        Ok(JwkSet { keys })
    }

    /// Where the provider's discovery document says that its keys are (`OpenID` Connect Discovery 1.0, 4).
    async fn discovered(&self) -> Result<Url, Error> {
        let place = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let problem = |error: String| Error::Provider(format!("{place}: {error}"));
        let document = self.get(Url::parse(&place).map_err(|error| problem(error.to_string()))?).await?;
        if document.get("issuer").and_then(Value::as_str) != Some(self.issuer.as_str()) {
            return Err(problem("its issuer is another one".to_owned()));
        }
        let url = document.get("jwks_uri").and_then(Value::as_str).unwrap_or_default();
        Url::parse(url).map_err(|error| problem(format!("jwks_uri: {error}")))
    }

    async fn get(&self, url: Url) -> Result<Value, Error> {
        let is_loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if url.scheme() != "https" && !is_loopback {
            return Err(Error::Provider(format!("{url} is not https")));
        }
        let place = url.to_string();
        let problem = |error: String| Error::Provider(format!("{place}: {error}"));
        let answer = self.client.send(&RequestSpec::new(Method::GET, url, PATIENCE)).await;
        let answer = answer.map_err(|failure| problem(failure.message))?;
        if answer.status != 200 {
            return Err(problem(format!("status {}", answer.status)));
        }
        serde_json::from_slice(&answer.body).map_err(|error| problem(error.to_string()))
    }
}

/// Whether a key is one for this kind of signature.
fn fits(key: &Jwk, algorithm: Algorithm) -> bool {
    let is_named = key.common.key_algorithm.is_none_or(|named| named.to_string() == format!("{algorithm:?}"));
    let is_kind = match &key.algorithm {
        AlgorithmParameters::RSA(_) => matches!(
            algorithm,
            Algorithm::RS256
                | Algorithm::RS384
                | Algorithm::RS512
                | Algorithm::PS256
                | Algorithm::PS384
                | Algorithm::PS512
        ),
        AlgorithmParameters::EllipticCurve(curve) => match curve.curve {
            EllipticCurve::P256 => algorithm == Algorithm::ES256,
            EllipticCurve::P384 => algorithm == Algorithm::ES384,
            _ => false,
        },
        AlgorithmParameters::OctetKeyPair(_) => algorithm == Algorithm::EdDSA,
        _ => false,
    };
    is_named && is_kind
}

/// The words of a claim: a text with blanks between them, or a list.
fn words(claim: Option<&Value>) -> Vec<String> {
    match claim {
        Some(Value::String(text)) => text.split_ascii_whitespace().map(ToOwned::to_owned).collect(),
        Some(Value::Array(items)) => items
            .iter()
            .filter_map(|item| match item {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// The uuids of connectors; what is none limits to nothing.
async fn uuids(store: &Store, references: &[String]) -> Result<Vec<String>, store::Error> {
    let mut uuids = Vec::new();
    for reference in references {
        uuids.extend(store.connectors().find(reference).await?.map(|found| found.uuid));
    }
    Ok(uuids)
}
