//! Tokens of an identity provider (API 3).

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding,
    RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use harness::test_app::TestApp;
use harness::third_party::{Reply, ThirdParty};
use serde_json::{Value, json};

/// A provider's key.
enum Key {
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Key {
    fn new() -> Self {
        Self::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"))
    }

    /// One of each kind.
    fn kinds() -> [Self; 4] {
        [
            Self::new(),
            Self::P384(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).expect("a key")),
            Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).expect("a key")),
            Self::Ed25519(Ed25519KeyPair::generate().expect("a key")),
        ]
    }

    /// The public key, which does not say for which signature it is.
    fn jwk(&self, kid: &str) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let curve = |pair: &EcdsaKeyPair, name: &str| {
            let (x, y) = pair.public_key().as_ref()[1..].split_at(pair.public_key().as_ref().len() / 2);
            json!({"kty": "EC", "crv": name, "kid": kid, "x": text(x), "y": text(y)})
        };
        match self {
            Self::P256(pair) => curve(pair, "P-256"),
            Self::P384(pair) => curve(pair, "P-384"),
            Self::Rsa(pair) => {
                let (n, e) = (pair.public_key().modulus(), pair.public_key().exponent());
                json!({"kty": "RSA", "kid": kid, "n": text(n.big_endian_without_leading_zero()), "e": text(e.big_endian_without_leading_zero())})
            }
            Self::Ed25519(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": text(pair.public_key().as_ref())})
            }
        }
    }

    /// A token with the signature that the header names, or the key's own.
    fn token(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let (random, bytes) = (SystemRandom::new(), signed.as_bytes());
        let signature = match self {
            Self::P256(pair) | Self::P384(pair) => pair.sign(&random, bytes).expect("a signature").as_ref().to_vec(),
            Self::Ed25519(pair) => pair.sign(bytes).as_ref().to_vec(),
            Self::Rsa(pair) => {
                let encoding: &'static dyn RsaEncoding = match header["alg"].as_str().unwrap_or_default() {
                    "RS384" => &RSA_PKCS1_SHA384,
                    "RS512" => &RSA_PKCS1_SHA512,
                    "PS256" => &RSA_PSS_SHA256,
                    "PS384" => &RSA_PSS_SHA384,
                    "PS512" => &RSA_PSS_SHA512,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, bytes, &mut signature).expect("a signature");
                signature
            }
        };
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn now() -> i64 {
    data_connector::clock::now_ms() / 1_000
}

fn settings(keys: &str) -> [(&'static str, &str); 4] {
    [
        ("DATA_CONNECTOR__API__OIDC__ISSUER", "https://issuer.example"),
        ("DATA_CONNECTOR__API__OIDC__AUDIENCE", "data-connector"),
        ("DATA_CONNECTOR__API__OIDC__JWKS_URL", keys),
        ("DATA_CONNECTOR__API__OIDC__CONNECTORS_CLAIM", "connectors"),
    ]
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
    let (_process, api) = app.serve_with(&["serve"], &settings(&provider.url("/keys"))).await;
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
        ("an end that is no number", with("exp", json!("never"))),
        ("a beginning that is no number", with("nbf", json!("now"))),
        ("several issuers", with("iss", json!(["https://issuer.example"]))),
        ("no subject", with("sub", json!(""))),
    ] {
        assert_eq!(status(&header, &changed, &key).await, 401, "{what}");
    }
    assert_eq!(status(&header, &with("exp", json!(now() - 30)), &key).await, 200, "within the leeway");
    assert_eq!(status(&header, &with("nbf", json!(now() + 30)), &key).await, 200, "within the leeway");
    let fraction: Value = serde_json::from_str(&format!("{}.5", now() + 30)).expect("a number");
    assert_eq!(status(&header, &with("exp", fraction), &key).await, 200, "seconds may have a fraction");
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
    let mut admin = with("connectors", json!([]));
    admin["scope"] = json!(["data-connector:admin"]);
    assert_eq!(api.with(Some(&key.token(&header, &admin))).get("/tokens").await.status, 200, "is not limited");
    let nothing = api.with(Some(&key.token(&header, &with("connectors", Value::Null))));
    assert_eq!(nothing.post("/requests/data_sources/API", &run).await.status, 404, "null limits to nothing");
    assert!(provider.seen().len() <= 3, "the provider is not asked for each token: {}", provider.seen().len());
}

#[tokio::test]
async fn each_kind_of_signature_needs_its_kind_of_key() {
    const RSA: [&str; 6] = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
    let kinds = Key::kinds();
    let (ids, algorithms) = (["p256", "p384", "rsa", "ed"], [&["ES256"][..], &["ES384"], &RSA, &["EdDSA"]]);
    let mut keys: Vec<Value> = kinds.iter().zip(ids).map(|(key, id)| key.jwk(id)).collect();
    let named = |kid: &str, member: &str, value: &str| {
        let mut key = kinds[2].jwk(kid);
        key[member] = json!(value);
        key
    };
    keys.extend([
        named("rs256", "alg", "RS256"),
        named("for-encryption", "use", "enc"),
        named("twice", "alg", "RS512"),
    ]);
    keys.push(kinds[0].jwk("twice"));
    let keys = json!({"keys": keys});
    let provider = ThirdParty::start(move |_, _| Reply::json(&keys)).await;
    let app = TestApp::new();
    let (_process, api) = app.serve_with(&["serve"], &settings(&provider.url("/keys"))).await;
    let claims = json!({"iss": "https://issuer.example", "aud": "data-connector", "sub": "u1", "exp": now() + 600,
        "scope": "data-connector:read"});
    let status = async |key: &Key, kid: &str, algorithm: &str| {
        let token = key.token(&json!({"alg": algorithm, "kid": kid}), &claims);
        api.with(Some(&token)).get("/me").await.status
    };
    for (at, key) in kinds.iter().enumerate() {
        for algorithm in algorithms.concat() {
            let expected = if algorithms[at].contains(&algorithm) { 200 } else { 401 };
            assert_eq!(status(key, ids[at], algorithm).await, expected, "{algorithm} by {}", ids[at]);
        }
    }
    assert_eq!((status(&kinds[2], "rs256", "RS256").await, status(&kinds[2], "rs256", "PS256").await), (200, 401));
    assert_eq!(status(&kinds[2], "for-encryption", "RS256").await, 401);
    assert_eq!((status(&kinds[2], "twice", "RS512").await, status(&kinds[0], "twice", "ES256").await), (200, 200));
    assert_eq!(provider.seen().len(), 1);
}

#[tokio::test]
async fn known_keys_serve_while_the_provider_is_slow_or_away() {
    let (key, unknown) = (Key::new(), Key::new());
    let keys = json!({"keys": [key.jwk("k1")]});
    let provider =
        ThirdParty::start(move |_, before| if before == 0 { Reply::json(&keys) } else { Reply::Silence }).await;
    let app = TestApp::new();
    let (_process, api) = app.serve_with(&["serve"], &settings(&provider.url("/keys"))).await;
    let claims = json!({"iss": "https://issuer.example", "aud": "data-connector", "sub": "u1", "exp": now() + 600,
        "scope": "data-connector:read"});
    let with = |key: &Key, kid: &str| api.with(Some(&key.token(&json!({"alg": "ES256", "kid": kid}), &claims)));
    assert_eq!(with(&key, "k1").get("/me").await.status, 200);
    // The provider may be asked again, and the idle connection was closed.
    tokio::time::sleep(std::time::Duration::from_secs(11)).await;
    let asking = with(&unknown, "k2");
    let asking = tokio::spawn(async move { asking.get("/me").await.status });
    harness::eventually("the provider to be asked", || async { (provider.seen().len() == 2).then_some(()) }).await;
    assert_eq!(with(&key, "k1").get("/me").await.status, 200);
    assert!(!asking.is_finished(), "the known key waits for nobody");
    assert_eq!(asking.await.expect("its end"), 401);
    assert_eq!(with(&unknown, "k3").get("/me").await.status, 401, "not asked again within ten seconds");
    assert_eq!(provider.seen().len(), 2);
}

#[tokio::test]
async fn the_discovery_document_says_where_the_keys_are() {
    let key = Key::new();
    let keys = json!({"keys": [key.jwk("k1")]});
    let provider = ThirdParty::start(move |seen, _| {
        let here = format!("http://{}", seen.header("host"));
        let document = |issuer: &str, keys: &str| Reply::json(&json!({"issuer": issuer, "jwks_uri": keys}));
        match seen.path.as_str() {
            // The second one names the first one as its issuer.
            "/good/.well-known/openid-configuration" | "/other/.well-known/openid-configuration" => {
                document(&format!("{here}/good"), &format!("{here}/keys"))
            }
            "/plain/.well-known/openid-configuration" => document(&format!("{here}/plain"), "http://192.0.2.1/keys"),
            "/keys" => Reply::json(&keys),
            _ => Reply::status(404, &json!({})),
        }
    })
    .await;
    // Those of somebody else, and those that come unencrypted from elsewhere, are not taken.
    for (issuer, expected) in [("/good", 200), ("/other", 503), ("/plain", 503)] {
        let (app, issuer) = (TestApp::new(), provider.url(issuer));
        let variables =
            [("DATA_CONNECTOR__API__OIDC__ISSUER", issuer.as_str()), ("DATA_CONNECTOR__API__OIDC__AUDIENCE", "us")];
        let (_process, api) = app.serve_with(&["serve"], &variables).await;
        let claims =
            json!({"iss": issuer, "aud": "us", "sub": "u1", "exp": now() + 600, "scope": "data-connector:read"});
        let answer = api.with(Some(&key.token(&json!({"alg": "ES256", "kid": "k1"}), &claims))).get("/me").await;
        assert_eq!(answer.status, expected, "{issuer}: {}", answer.body);
        assert_eq!(answer.header("retry-after").is_empty(), expected == 200, "{issuer}");
    }
}
