//! OAuth clients that authenticate with a signed assertion, against an authorization server that verifies every part of it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use harness::test_app::{TestApp, job};
use harness::third_party::{Reply, Seen, ThirdParty};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::{Value, json};

/// A client as the server knows it: its id is the name of what it signs with.
struct Client {
    algorithm: &'static str,
    verifies_by: &'static dyn VerificationAlgorithm,
    key: KeyPair,
}

fn clients() -> Vec<Client> {
    let generated = |algorithm| KeyPair::generate_for(algorithm).expect("a key");
    let rsa = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).expect("a key");
    vec![
        Client { algorithm: "RS256", verifies_by: &RSA_PKCS1_2048_8192_SHA256, key: rsa },
        Client { algorithm: "ES256", verifies_by: &ECDSA_P256_SHA256_FIXED, key: generated(&PKCS_ECDSA_P256_SHA256) },
        Client { algorithm: "EdDSA", verifies_by: &ED25519, key: generated(&PKCS_ED25519) },
    ]
}

/// The authorization server.
struct Server {
    clients: Vec<Client>,
    used: Mutex<BTreeSet<String>>,
}

impl Server {
    /// The client id, or why the assertion is rejected (RFC 7523, 3).
    fn client(&self, request: &Seen) -> Result<String, &'static str> {
        let field = |name: &str| {
            let prefix = format!("{name}=");
            request.body.split('&').find_map(|pair| pair.strip_prefix(&prefix)).unwrap_or_default()
        };
        let kind = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
        if field("grant_type") != "client_credentials" || field("client_assertion_type") != kind {
            return Err("no such grant");
        }
        let (signed, signature) = field("client_assertion").rsplit_once('.').ok_or("no assertion")?;
        let (header, claims) = signed.split_once('.').ok_or("no assertion")?;
        let decoded = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| "not base64");
        let read = |text: &str| serde_json::from_slice::<Value>(&decoded(text)?).map_err(|_| "not JSON");
        let (header, claims) = (read(header)?, read(claims)?);
        let id = claims["iss"].as_str().ok_or("no issuer")?;
        let client = self.clients.iter().find(|client| client.algorithm == id).ok_or("an unknown issuer")?;
        if header["alg"] != client.algorithm || header["kid"] != "key-1" || field("client_id") != id {
            return Err("another key or client");
        }
        UnparsedPublicKey::new(client.verifies_by, client.key.public_key_raw())
            .verify(signed.as_bytes(), &decoded(signature)?)
            .map_err(|_| "another signature")?;
        self.claims(&claims, &format!("http://{}/token", request.header("host")))?;
        Ok(id.to_owned())
    }

    fn claims(&self, claims: &Value, own_url: &str) -> Result<(), &'static str> {
        let (now, time) = (now(), |name: &str| claims[name].as_u64().ok_or("no time"));
        if claims["sub"] != claims["iss"] || claims["aud"] != own_url {
            return Err("for somebody else");
        }
        if time("iat")? > now || time("exp")? <= now || time("exp")? > now + 600 {
            return Err("too early, too late, or good for too long");
        }
        let id = claims["jti"].as_str().ok_or("no id")?.to_owned();
        let is_new = self.used.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        if is_new { Ok(()) } else { Err("used before") }
    }
}

#[expect(clippy::disallowed_methods, reason = "an authorization server has a clock of its own")]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn connector(third_party: &ThirdParty, id: &str, key: &KeyPair) -> Value {
    let credentials = json!({
        "url": third_party.url("/token"), "client_id": id, "private_key": key.serialize_pem(), "key_id": "key-1"});
    let url = third_party.url(&format!("/{id}"));
    json!({"name": id, "authtype": "OAUTH2_CLIENT_CREDENTIALS", "credentials": credentials,
        "endpoints": {"r": {"url": url}}})
}

#[tokio::test]
async fn a_client_signs_an_assertion_of_its_own_for_every_token() {
    let server = Arc::new(Server { clients: clients(), used: Mutex::default() });
    let verifier = Arc::clone(&server);
    let third_party = ThirdParty::start(move |seen, _| match (seen.path.as_str(), verifier.client(seen)) {
        // Expires so soon that every round needs a new token.
        ("/token", Ok(id)) => Reply::json(&json!({"access_token": format!("token-of-{id}"), "expires_in": 1})),
        ("/token", Err(why)) => Reply::status(401, &json!({"error": "invalid_client", "error_description": why})),
        (path, _) if seen.header("authorization") == format!("Bearer token-of-{}", path.trim_start_matches('/')) => {
            Reply::json(&json!({}))
        }
        _ => Reply::status(403, &json!({})),
    })
    .await;
    let app = TestApp::new();
    let mut connectors: Vec<Value> =
        server.clients.iter().map(|client| connector(&third_party, client.algorithm, &client.key)).collect();
    let mut impostor = connector(
        &third_party,
        "RS256",
        &KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).expect("a key"),
    );
    impostor["name"] = json!("impostor");
    connectors.push(impostor);
    app.import_connectors(&json!(connectors)).await;
    let _worker = app.worker(&[]).await;
    let mut engine = app.engine().await;
    for round in 0..3 {
        for name in ["RS256", "ES256", "EdDSA", "impostor"] {
            let mut job = job(&format!("{name}-{round}"), "r", &[], json!({}));
            job["config"]["dataSource"] = json!(name);
            engine.publish(&job).await;
            let result = engine.result().await;
            let expected = if name == "impostor" { "AUTH" } else { "" };
            assert_eq!(result.code(), expected, "{name}: {:#}", result.body);
            let message = result.body["error"]["message"].as_str().unwrap_or_default();
            assert!(expected.is_empty() || message.contains("invalid_client: another signature"), "{message}");
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(server.used.lock().expect("the ids").len(), 3 * 3, "an id for each");
}
