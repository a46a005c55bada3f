//! Tokens of an identity provider (API 3).

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use harness::test_app::TestApp;
use harness::third_party::{Reply, ThirdParty};
use serde_json::{Value, json};

/// A provider's key.
struct Key(EcdsaKeyPair);

impl Key {
    fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"))
    }

    fn jwk(&self, kid: &str) -> Value {
        let point = self.0.public_key().as_ref();
        let part = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(&point[range]);
        json!({"kty": "EC", "crv": "P-256", "kid": kid, "alg": "ES256", "x": part(1..33), "y": part(33..65)})
    }

    fn token(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes()).expect("a signature");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }
}

fn now() -> i64 {
    data_connector::clock::now_ms() / 1_000
}

#[tokio::test]
async fn tokens_of_the_identity_provider_are_as_good_as_what_they_say() {
    let (key, other) = (Key::new(), Key::new());
    let keys = json!({"keys": [{"kty": "odd"}, key.jwk("k1")]});
    let provider = ThirdParty::start(move |seen, _| match seen.path.as_str() {
        "/keys" => Reply::json(&keys),
        _ => Reply::status(404, &json!({})),
    })
    .await;
    let app = TestApp::new();
    app.import_resources(json!({"get": {"url": "http://127.0.0.1:1/", "method": "GET"}})).await;
    let keys_at = provider.url("/keys");
    let variables = [
        ("DATA_CONNECTOR__API__OIDC__ISSUER", "https://issuer.example"),
        ("DATA_CONNECTOR__API__OIDC__AUDIENCE", "data-connector"),
        ("DATA_CONNECTOR__API__OIDC__JWKS_URL", keys_at.as_str()),
        ("DATA_CONNECTOR__API__OIDC__CONNECTORS_CLAIM", "connectors"),
    ];
    let (_process, api) = app.serve_with(&["serve"], &variables).await;
    let header = json!({"alg": "ES256", "kid": "k1", "typ": "JWT"});
    let claims = json!({"iss": "https://issuer.example", "aud": ["x", "data-connector"], "sub": "u1", "name": "Ada",
        "exp": now() + 600, "scope": "openid data-connector:read data-connector:execute"});
    let with = |name: &str, value: Value| {
        let mut changed = claims.clone();
        changed[name] = value;
        changed
    };
    let status = async |header: &Value, claims: &Value, by: &Key| {
        api.with(Some(&by.token(header, claims))).get("/me").await.status
    };
    let me = api.with(Some(&key.token(&header, &claims))).get("/me").await;
    assert_eq!(me.status, 200, "{}", me.body);
    let me = me.json();
    assert_eq!(
        (&me["kind"], &me["sub"], &me["name"], &me["scopes"]),
        (&json!("oidc"), &json!("u1"), &json!("Ada"), &json!(["execute", "read"]))
    );
    for (what, changed) in [
        ("another issuer", with("iss", json!("https://issuer.example/"))),
        ("another audience", with("aud", json!("other"))),
        ("expired", with("exp", json!(now() - 61))),
        ("not yet", with("nbf", json!(now() + 120))),
        ("without an end", with("exp", Value::Null)),
    ] {
        assert_eq!(status(&header, &changed, &key).await, 401, "{what}");
    }
    assert_eq!(status(&header, &with("exp", json!(now() - 30)), &key).await, 200, "within the leeway");
    assert_eq!(
        status(&header, &with("scope", json!("data-connector:root openid")), &key).await,
        403,
        "no scope of ours"
    );
    assert_eq!(status(&header, &claims, &other).await, 401, "another key");
    for odd in [
        json!({"alg": "ES256", "kid": "k2"}),
        json!({"alg": "ES256"}),
        json!({"alg": "none", "kid": "k1"}),
        json!({"alg": "HS256", "kid": "k1"}),
        json!({"alg": "RS256", "kid": "k1"}),
        json!({"alg": "ES256", "kid": "k1", "crit": ["exp"]}),
    ] {
        assert_eq!(status(&odd, &claims, &key).await, 401, "{odd}");
    }
    let limited = api.with(Some(&key.token(&header, &with("connectors", json!([])))));
    let run = json!({"config": {"endpoint": "get"}});
    assert_eq!(limited.post("/requests/data_sources/API", &run).await.status, 404, "limited to nothing");
    let listed = api.with(Some(&key.token(&header, &with("connectors", json!(["API"])))));
    assert_eq!(listed.post("/requests/data_sources/API", &run).await.status, 502, "its own one is called");
    assert!(provider.seen().len() <= 3, "the provider is not asked for each token: {}", provider.seen().len());
}
