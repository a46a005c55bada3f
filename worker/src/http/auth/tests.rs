//! A third party that wants a credential and a token endpoint that counts, on real sockets.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use url::Url;

use super::{RefreshTokenGuard, RefreshTokens, StoreFuture, StoredRefreshToken};
use crate::connector::StatusList;
use crate::http::{Client, Settings};
use crate::job::{Failure, Retriable};
use crate::plan::{Authorization, CredentialId, Grant, OAuth2, RequestSpec};
use crate::plan::{AwsKeys, ClientProof};
use crate::testing::raw_server::{RawServer, Reply};

fn status(line: &str, headers: &str, body: &str) -> Reply {
    Reply::KeepOpen(format!("HTTP/1.1 {line}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len()))
}

fn token(number: usize, more: &Value) -> Reply {
    let mut body = json!({"access_token": format!("token-number-{number}"), "token_type": "bearer"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    status("200 OK", "", &body.to_string())
}

fn client() -> Client {
    client_with(|_| {})
}

fn client_with(change: impl FnOnce(&mut Settings)) -> Client {
    let mut settings = Settings { allow_net: vec!["127.0.0.0/8".parse().unwrap()], ..Settings::new(|| 0) };
    change(&mut settings);
    Client::new(settings).unwrap()
}

fn oauth(url: Url, client: ClientProof, grant: Grant) -> Authorization {
    let (scope, audience) = (Some("read write".to_owned()), Some("https://api.example".to_owned()));
    let further = vec![("resource".to_owned(), "https://api.example/".to_owned())];
    Authorization::OAuth2(Arc::new(OAuth2 {
        url,
        client_id: "the-client".to_owned(),
        client,
        scope,
        audience,
        grant,
        further,
        expired: Some(StatusList::parse("403").unwrap()),
    }))
}

fn by_secret(url: Url) -> Authorization {
    oauth(url, ClientProof::Body(SecretString::from("client-secret")), Grant::ClientCredentials)
}

fn request(url: Url, authorization: Authorization) -> RequestSpec {
    let mut request = RequestSpec::new(Method::GET, url, Duration::from_secs(5));
    request.headers = vec![(HeaderName::from_static("x-configured"), HeaderValue::from_static("yes"))];
    request.authorization = authorization;
    request.credential = Arc::new(CredentialId { connector: "c".to_owned(), version: 1 });
    request
}

fn class(failure: &Failure) -> (String, bool, bool) {
    (failure.code.to_string(), matches!(failure.retriable, Retriable::Retry { .. }), failure.attempted)
}

fn is_let_in(request: &str, token: &str) -> bool {
    request.to_ascii_lowercase().contains(&format!("authorization: bearer {token}\r\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_jobs_on_a_cold_cache_ask_for_one_token() {
    let endpoint = RawServer::start(|_, n| token(n, &json!({"expires_in": 3600}))).await;
    let home = RawServer::start(|seen, _| {
        if is_let_in(seen, "token-number-0") { status("200 OK", "", "{}") } else { status("403 No", "", "") }
    })
    .await;
    let (client, spec) = (client(), request(home.url("/"), by_secret(endpoint.url("/token"))));
    let calls = (0..500).map(|_| {
        let (client, spec) = (client.clone(), spec.clone());
        async move { client.send(&spec).await.map(|answer| answer.status) }
    });
    let statuses = futures_util::future::join_all(calls).await;
    assert!(statuses.iter().all(|status| status == &Ok(200)), "{statuses:?}");
    assert_eq!((endpoint.request_count(), home.request_count()), (1, 500));
    let asked = endpoint.requests()[0].clone();
    assert!(asked.contains("grant_type=client_credentials&client_id=the-client&client_secret=client-secret&scope=read+write&audience=https%3A%2F%2Fapi.example"), "{asked}");
    assert!(
        asked.starts_with("POST /token ") && asked.to_ascii_lowercase().contains("accept: application/json"),
        "{asked}"
    );
    assert!(!asked.contains("x-configured"), "{asked}");
    assert!(spec.redactor.finds("a token-number-0 b"), "a fetched token is masked like every other secret");
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_refusals_at_once_make_one_refresh() {
    let endpoint = RawServer::start(|_, n| token(n, &json!({"expires_in": 3600}))).await;
    let home = RawServer::start(|seen, _| {
        if is_let_in(seen, "token-number-1") { status("200 OK", "", "{}") } else { status("401 No", "", "") }
    })
    .await;
    let (client, spec) = (client(), request(home.url("/"), by_secret(endpoint.url("/token"))));
    client.admit(&spec).await.unwrap();
    let calls = (0..500).map(|_| {
        let (client, spec) = (client.clone(), spec.clone());
        async move { client.send(&spec).await.map(|answer| answer.status) }
    });
    let statuses = futures_util::future::join_all(calls).await;
    assert!(statuses.iter().all(|status| status == &Ok(200)), "{statuses:?}");
    assert_eq!(endpoint.request_count(), 2, "the first one, and one more");
}

#[tokio::test]
async fn a_token_that_is_never_good_is_tried_twice_and_not_fetched_for_ever() {
    let endpoint = RawServer::start(|_, n| token(n, &json!({}))).await;
    let home = RawServer::start(|_, _| status("401 No", "", "no")).await;
    let (client, spec) = (client(), request(home.url("/"), by_secret(endpoint.url("/token"))));
    assert_eq!(client.send(&spec).await.unwrap().status, 401);
    assert_eq!((endpoint.request_count(), home.request_count()), (2, 2), "one fresh token, one more try");
    for _ in 0..20 {
        assert_eq!(client.send(&spec).await.unwrap().status, 401);
    }
    assert_eq!((endpoint.request_count(), home.request_count()), (2, 22), "no storm on the endpoint");
}

#[tokio::test]
async fn an_endpoint_that_is_down_is_not_stormed() {
    let endpoint = RawServer::start(|_, _| status("503 Busy", "", "")).await;
    let home = RawServer::start(|_, _| status("200 OK", "", "{}")).await;
    let (client, spec) = (client(), request(home.url("/"), by_secret(endpoint.url("/token"))));
    let begun = Instant::now();
    let calls = (0..500).map(|_| client.admit(&spec));
    for refused in futures_util::future::join_all(calls).await {
        let failure = refused.unwrap_err();
        assert_eq!(class(&failure), ("AUTH".to_owned(), true, true), "{}", failure.message);
    }
    assert!(
        endpoint.request_count() <= 1 + usize::try_from(begun.elapsed().as_secs()).unwrap(),
        "{}",
        endpoint.request_count()
    );
    assert_eq!(home.request_count(), 0);
}

/// What an endpoint does, and the class of the failure: code, tried again, an attempt.
#[tokio::test]
async fn why_there_is_no_token() {
    let home = RawServer::start(|_, _| status("200 OK", "", "{}")).await;
    let refusal = json!({"error": "invalid_client", "error_description": "unknown client-secret"}).to_string();
    for (reply, retried, expected) in [
        (status("400 Bad", "", &refusal), false, "answered 400 invalid_client: unknown ********"),
        (status("401 No", "", "<html>"), false, "answered 401"),
        (status("429 Slow", "", ""), true, "answered 429"),
        (status("200 OK", "", "{}"), false, "has no `access_token`"),
        (status("200 OK", "", &refusal), false, "answered 200 invalid_client: unknown ********"),
        (status("200 OK", "", "{\"error\":\"temporarily_unavailable\"}"), true, "answered 200 temporarily_unavailable"),
        (status("200 OK", "", "not json"), false, "has no `access_token`"),
        (status("200 OK", "", &json!({"access_token": "a\nb"}).to_string()), false, "cannot be sent in a header"),
        (status("200 OK", "", &"x".repeat(70_000)), true, "larger than"),
        (status("302 Away", "Location: http://127.0.0.1:1/\r\n", ""), false, "answered 302"),
        (Reply::KeepOpen("HTTP/1.1 2".to_owned()), true, ""),
    ] {
        let what = format!("{reply:?}").chars().take(40).collect::<String>();
        let endpoint = RawServer::replying(reply).await;
        let spec = request(home.url("/"), by_secret(endpoint.url("/token")));
        spec.redactor.add(&SecretString::from("client-secret"));
        let admitted = tokio::time::timeout(Duration::from_secs(1), async { client().admit(&spec).await }).await;
        let Ok(Err(failure)) = admitted else {
            assert!(expected.is_empty(), "{what}");
            continue;
        };
        assert_eq!(class(&failure), ("AUTH".to_owned(), retried, true), "{what}: {}", failure.message);
        assert!(failure.message.contains(expected), "{what}: {}", failure.message);
    }
    let denied = request(home.url("/"), by_secret(Url::parse("http://10.0.0.1/token").unwrap()));
    assert_eq!(class(&client().admit(&denied).await.unwrap_err()), ("DENIED".to_owned(), false, false));
    let nobody = request(home.url("/"), by_secret(Url::parse("http://127.0.0.1:1/token").unwrap()));
    assert_eq!(class(&client().admit(&nobody).await.unwrap_err()), ("AUTH".to_owned(), true, true));
    assert_eq!(home.request_count(), 0, "without a token nothing is sent");
}

/// The token's answer may begin with a byte order mark, and whoever refuses the token may say so with another status.
#[tokio::test]
async fn what_third_parties_write_around_a_token() {
    let endpoint = RawServer::start(|_, n| {
        status("200 OK", "", &format!("\u{feff}{}", json!({"access_token": format!("token-number-{n}")})))
    })
    .await;
    for (refused_with, expected) in [("401 No", 200), ("403 Expired", 200), ("404 No", 404)] {
        let home = RawServer::start(move |seen, n| {
            let old = n == 0 && !seen.is_empty();
            if old { status(refused_with, "", "{}") } else { status("200 OK", "", "{}") }
        })
        .await;
        let response = client().send(&request(home.url("/"), by_secret(endpoint.url("/token")))).await.unwrap();
        assert_eq!(response.status, expected, "{refused_with}");
        assert!(home.requests()[0].contains("Bearer token-number-"), "{:?}", home.requests());
    }
    assert!(endpoint.requests()[0].contains("&resource=https%3A%2F%2Fapi.example%2F"), "{:?}", endpoint.requests());
}

/// A silent endpoint, another job's fetch of the same token, and one that answers too late: the attempt ends in time.
#[tokio::test]
async fn a_token_counts_against_the_time_of_its_attempt() {
    let home = RawServer::start(|_, _| status("200 OK", "", "{}")).await;
    let endpoint = RawServer::replying(Reply::Silence).await;
    let client = client();
    let mut spec = request(home.url("/"), by_secret(endpoint.url("/token")));
    spec.timeout = Duration::from_millis(300);
    let begun = Instant::now();
    for _ in 0..2 {
        let (sent, admitted) = tokio::join!(client.send(&spec), client.admit(&spec));
        for failure in [sent.unwrap_err(), admitted.unwrap_err()] {
            assert_eq!(class(&failure), ("TIMEOUT".to_owned(), true, true), "{}", failure.message);
            assert!(failure.message.contains("300ms"), "{}", failure.message);
        }
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!((endpoint.request_count(), home.request_count()), (1, 0));
}

#[tokio::test]
async fn the_ways_a_client_proves_itself() {
    let home = RawServer::start(|_, _| status("200 OK", "", "{}")).await;
    let key = rcgen::KeyPair::generate().unwrap();
    let secret = |text: &str| SecretString::from(text);
    let proof = ClientProof::PrivateKey { key: secret(&key.serialize_pem()), id: Some("k1".to_owned()) };
    let password = Grant::Password { username: "ann".to_owned(), password: secret("open sesame") };
    for (client_proof, grant, expected) in [
        (
            ClientProof::Basic(secret("s&cret")),
            Grant::ClientCredentials,
            vec!["authorization: Basic dGhlLWNsaWVudDpzJTI2Y3JldA=="],
        ),
        (
            ClientProof::None,
            password,
            vec!["username=ann&password=open+sesame&grant_type=password&client_id=the-client"],
        ),
        (
            proof,
            Grant::ClientCredentials,
            vec![
                "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer",
                "client_assertion=ey",
            ],
        ),
    ] {
        let endpoint = RawServer::start(|_, n| token(n, &json!({}))).await;
        let client = client_with(|settings| settings.now_ms = || 1_795_456_800_000);
        client.send(&request(home.url("/"), oauth(endpoint.url("/t"), client_proof, grant))).await.unwrap();
        let seen = endpoint.requests()[0].replace("Authorization: ", "authorization: ");
        for text in expected {
            assert!(seen.contains(text), "{text}: {seen}");
        }
        if let Some(assertion) = seen.split("client_assertion=").nth(1).and_then(|rest| rest.split('&').next()) {
            check_assertion(assertion, &key, endpoint.url("/t").as_str());
        }
    }
}

/// The signature is verified by another library than the one that made it out of DER.
fn check_assertion(assertion: &str, key: &rcgen::KeyPair, audience: &str) {
    use base64::Engine as _;
    use rcgen::PublicKeyData as _;
    let decode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap();
    let [header, claims, signature] = assertion.split('.').collect::<Vec<_>>()[..] else { panic!("{assertion}") };
    let header: Value = serde_json::from_slice(&decode(header)).unwrap();
    assert_eq!(header, json!({"alg": "ES256", "typ": "JWT", "kid": "k1"}));
    let read: Map<String, Value> = serde_json::from_slice(&decode(claims)).unwrap();
    assert_eq!(
        (&read["iss"], &read["sub"], &read["aud"]),
        (&json!("the-client"), &json!("the-client"), &json!(audience))
    );
    assert_eq!((&read["iat"], &read["exp"]), (&json!(1_795_456_800), &json!(1_795_457_100)));
    let public =
        aws_lc_rs::signature::UnparsedPublicKey::new(&aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED, key.der_bytes());
    let (text, _) = assertion.rsplit_once('.').unwrap();
    public.verify(text.as_bytes(), &decode(signature)).expect("a signature of fixed width");
}

#[tokio::test]
async fn a_challenge_is_answered_within_the_attempt() {
    let home = RawServer::start(|seen, _| {
        if seen.contains("response=") {
            status("200 OK", "", "{}")
        } else {
            status(
                "401 No",
                "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=SHA-256\r\n",
                "",
            )
        }
    })
    .await;
    let digest = Authorization::Digest { username: "ann".to_owned(), password: SecretString::from("open sesame") };
    let mut spec = request(home.url("/p?q=1"), digest).with_body("{}");
    spec.method = Method::POST;
    assert_eq!(client().send(&spec).await.unwrap().status, 200);
    assert_eq!(home.request_count(), 2);
    let seen = home.requests()[1].clone();
    assert!(
        seen.contains("Digest username=\"ann\", realm=\"r\", nonce=\"n\", uri=\"/p?q=1\"") && seen.ends_with("{}"),
        "{seen}"
    );
    assert!(!seen.contains("sesame"), "{seen}");
}

#[tokio::test]
async fn keys_and_signatures_stand_where_they_belong() {
    let home = RawServer::start(|_, _| status("200 OK", "", "{}")).await;
    let secret = |text: &str| SecretString::from(text);
    let aws = AwsKeys {
        access_key_id: "AKID".to_owned(),
        secret_access_key: secret("never-sent"),
        session_token: Some(secret("session")),
        region: "eu-1".to_owned(),
        service: "execute-api".to_owned(),
    };
    let key = Authorization::QueryKey { name: "key".to_owned(), value: secret("a b&c") };
    let own = Authorization::Headers(vec![(HeaderName::from_static("x-api-key"), secret("in-a-header"))]);
    for (authorization, expected) in [
        (key, vec!["GET /p?wiki=Gesch%E4ft&x=%20+&key=a%20b%26c HTTP/1.1"]),
        (own, vec!["X-Api-Key: in-a-header"]),
        (
            Authorization::Aws(Arc::new(aws)),
            vec![
                "?wiki=Gesch%E4ft&key=old&x=%20%20&%6Bey=older HTTP",
                "Credential=AKID/19700101/eu-1/execute-api/aws4_request",
                "X-Amz-Security-Token: session",
            ],
        ),
    ] {
        let before = home.request_count();
        let url = home.url("/p?wiki=Gesch%E4ft&key=old&x=%20+&%6Bey=older");
        client().send(&request(url, authorization)).await.unwrap();
        let seen = home.requests()[before].clone();
        for text in expected {
            assert!(seen.contains(text), "{text}: {seen}");
        }
        assert!(!seen.contains("never-sent"), "{seen}");
    }
}

/// What a database would keep.
#[derive(Debug, Default)]
struct Shelf {
    kept: Arc<Mutex<Option<StoredRefreshToken>>>,
    broken: Arc<std::sync::atomic::AtomicBool>,
    lock: Arc<tokio::sync::Mutex<()>>,
}

struct OnShelf {
    kept: Option<StoredRefreshToken>,
    shelf: Arc<Mutex<Option<StoredRefreshToken>>>,
    broken: bool,
    _lock: tokio::sync::OwnedMutexGuard<()>,
}

impl RefreshTokens for Shelf {
    fn lock<'a>(&'a self, _: &'a CredentialId, _: Option<i64>) -> StoreFuture<'a, Box<dyn RefreshTokenGuard>> {
        Box::pin(async move {
            let lock = Arc::clone(&self.lock).lock_owned().await;
            let kept = self.kept.lock().unwrap().clone();
            let broken = self.broken.load(Ordering::SeqCst);
            Ok(Box::new(OnShelf { kept, shelf: Arc::clone(&self.kept), broken, _lock: lock })
                as Box<dyn RefreshTokenGuard>)
        })
    }
}

impl RefreshTokenGuard for OnShelf {
    fn stored(&self) -> Option<&StoredRefreshToken> {
        self.kept.as_ref()
    }

    fn store(self: Box<Self>, kept: StoredRefreshToken) -> StoreFuture<'static, ()> {
        Box::pin(async move {
            if self.broken {
                return Err("the shelf is away".into());
            }
            *self.shelf.lock().unwrap() = Some(kept);
            Ok(())
        })
    }
}

/// An authorization server that takes each refresh token once, unless nothing of what it gave for it was used.
fn rotating() -> impl Fn(&str, usize) -> Reply + Send + Sync + 'static {
    let current = Mutex::new(0_usize);
    move |seen, number| {
        let mut current = current.lock().unwrap();
        let asked = format!("refresh_token=refresh-number-{current}&");
        if !seen.contains(&asked) {
            return status("400 Bad", "", &json!({"error": "invalid_grant"}).to_string());
        }
        *current += 1;
        token(number, &json!({"expires_in": 3600, "refresh_token": format!("refresh-number-{current}")}))
    }
}

#[tokio::test]
async fn a_new_refresh_token_is_written_down_before_its_access_token_is_used() {
    let endpoint = RawServer::start(rotating()).await;
    let home =
        RawServer::start(|_, n| if n % 2 == 1 { status("401 No", "", "") } else { status("200 OK", "", "{}") }).await;
    let shelf = Arc::new(Shelf::default());
    let first = Grant::Refresh { refresh_token: SecretString::from("refresh-number-0") };
    let spec = request(home.url("/"), oauth(endpoint.url("/t"), ClientProof::None, first));
    let process =
        || client_with(|settings| settings.refresh_tokens = Some(Arc::clone(&shelf) as Arc<dyn RefreshTokens>));
    let kept = || shelf.kept.lock().unwrap().clone().map(|kept| kept.refresh_token.unwrap().expose_secret().to_owned());

    let one = process();
    shelf.broken.store(true, Ordering::SeqCst);
    let failure = one.send(&spec).await.unwrap_err();
    assert_eq!(class(&failure), ("AUTH".to_owned(), true, true), "{}", failure.message);
    assert_eq!((home.request_count(), endpoint.request_count(), kept()), (0, 1, None), "not written down, not used");
    shelf.broken.store(false, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(one.send(&spec).await.unwrap().status, 200);
    assert_eq!(
        (endpoint.request_count(), kept().as_deref()),
        (1, Some("refresh-number-1")),
        "what it remembered was not asked for again"
    );

    let two = process();
    two.admit(&spec).await.unwrap();
    assert_eq!(endpoint.request_count(), 1, "another process finds the access token");
    assert_eq!(two.send(&spec).await.unwrap().status, 200, "one refusal, one fresh token");
    assert_eq!((endpoint.request_count(), kept().as_deref()), (2, Some("refresh-number-2")));
    let three = process();
    three.admit(&spec).await.unwrap();
    assert_eq!(endpoint.request_count(), 2);
}

/// A token comes in the character set and the form of its answer.
#[tokio::test]
async fn tokens_in_other_character_sets_and_as_forms() {
    let latin =
        "{\"access_token\":\"token-number-0\",\"x\":\"\u{e9}\"}".chars().map(|c| u8::try_from(c).unwrap()).collect();
    let wide = "{\"access_token\":\"token-number-0\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let cases: [(&str, Vec<u8>); 4] = [
        ("application/json; charset=iso-8859-1", latin),
        ("application/json; charset=utf-16", wide),
        ("text/html", b"\xef\xbb\xbf{\"access_token\":\"token-number-0\"}".to_vec()),
        ("application/x-www-form-urlencoded; charset=utf-8", b"access_token=token-number-0&token_type=bearer".to_vec()),
    ];
    for (kind, body) in cases {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n", body.len());
        let whole = [head.into_bytes(), body].concat();
        let endpoint = RawServer::start(move |_, _| Reply::Bytes(whole.clone())).await;
        let home = RawServer::start(|seen, _| {
            if is_let_in(seen, "token-number-0") { status("200 OK", "", "{}") } else { status("401 No", "", "") }
        })
        .await;
        let spec = request(home.url("/"), by_secret(endpoint.url("/token")));
        assert_eq!(client().send(&spec).await.unwrap().status, 200, "{kind}");
    }
}

/// However an endpoint says why it refuses; and what it hands out under other names is not shown.
#[tokio::test]
async fn refusals_in_the_words_of_the_endpoint() {
    for (line, body, said) in [
        ("400 No", r#"{"error": "bad", "error_description": "why so"}"#, "bad: why so"),
        ("200 OK", r#"{"error": {"code": 5, "message": "why so"}}"#, "answered 200 why so"),
        ("401 No", r#"{"errors": [{"message": "why so"}]}"#, "answered 401 why so"),
        ("200 OK", r#"{"ok": false, "message": "why so"}"#, "answered 200 why so"),
        ("403 No", "<p>why\n so</p>", "answered 403 <p>why so</p>"),
        ("401 No", "client-secret is wrong", "answered 401 ******** is wrong"),
        ("200 OK", r#"{"token": "Canary", "id": 1}"#, "has no `access_token`; it has: token, id"),
        ("200 OK", "Canary", "has no `access_token`; it has: nothing that can be read"),
    ] {
        let endpoint = RawServer::start(move |_, _| status(line, "", body)).await;
        let spec = request(endpoint.url("/"), by_secret(endpoint.url("/token")));
        spec.redactor.add(&SecretString::from("client-secret"));
        let failure = client().send(&spec).await.unwrap_err();
        assert_eq!(class(&failure), ("AUTH".to_owned(), false, true), "{body}");
        assert!(failure.message.contains(said) && !failure.message.contains("Canary"), "{body}: {}", failure.message);
    }
}

/// `Retry-After` counts wherever it comes from (CONTRACT 6).
#[tokio::test]
async fn an_endpoint_says_when_it_may_be_asked_again() {
    let endpoint = RawServer::start(|_, _| status("429 Slow", "Retry-After: 7\r\n", r#"{"error": "slow_down"}"#)).await;
    let spec = request(endpoint.url("/"), by_secret(endpoint.url("/token")));
    let failure = client().send(&spec).await.unwrap_err();
    assert_eq!(failure.retriable, Retriable::Retry { after: Some(Duration::from_secs(7)) }, "{failure:?}");
}
