//! Credentials stay at their origin and no private address is reached: redirects, notations of addresses, names whose addresses change.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicUsize;

use super::*;
use crate::http::resolve::Lookup;
use crate::plan::{Grant, OAuth2};

const CANARY: &str = "canary-secret-1";

fn open(lookup: Lookup) -> Client {
    let settings = Settings { allow_net: vec!["127.0.0.0/8".parse().unwrap()], ..Settings::new(|| 0) };
    Client::with_lookup(settings, lookup).unwrap()
}

/// Resolves every name to 127.0.0.1.
fn here() -> Lookup {
    Arc::new(|_| Box::pin(async { Ok(vec![IpAddr::from([127, 0, 0, 1])]) }))
}

fn schemes() -> Vec<Authorization> {
    let secret = || SecretString::from(CANARY);
    vec![
        Authorization::Basic { username: CANARY.to_owned(), password: secret() },
        Authorization::Bearer(secret()),
        Authorization::Headers(vec![(HeaderName::from_static("x-own"), secret()), (http::header::COOKIE, secret())]),
        Authorization::QueryKey { name: "key".to_owned(), value: secret() },
        Authorization::Digest { username: CANARY.to_owned(), password: secret() },
    ]
}

/// Five authentication schemes, five statuses, two methods, four other origins: two hundred combinations.
#[tokio::test]
async fn no_secret_reaches_another_origin() {
    let elsewhere = RawServer::replying(Reply::KeepOpen(ok(""))).await;
    let mut combinations = 0;
    for status in ["301", "302", "303", "307", "308"] {
        let port = elsewhere.port();
        for target in [
            "http://127.0.0.1:{}/",
            "http://other.example:{}/",
            "http://sub.home.example:{}/",
            "http://home.example:{}/?key={}",
        ] {
            let location = target.replacen("{}", &port.to_string(), 1).replace("{}", CANARY);
            let answer = redirect(&location).replace("302 Found", &format!("{status} Away"));
            let home = RawServer::replying(Reply::KeepOpen(answer)).await;
            for (method, authorization) in
                [Method::GET, Method::HEAD].into_iter().flat_map(|m| schemes().into_iter().map(move |w| (m.clone(), w)))
            {
                let url = Url::parse(&format!("http://home.example:{}/", home.port())).unwrap();
                let mut spec = request(method, url);
                spec.authorization = authorization;
                spec.headers = vec![(HeaderName::from_static("x-api-key"), HeaderValue::from_static(CANARY))];
                spec.idempotency_key = Some(HeaderValue::from_static(CANARY));
                spec.redactor.add(&SecretString::from(CANARY));
                open(here()).send(&spec).await.unwrap();
                combinations += 1;
            }
        }
    }
    let arrived = elsewhere.requests();
    for seen in &arrived {
        assert!(!seen.contains("canary") && !seen.to_ascii_lowercase().contains("authorization"), "{seen}");
    }
    assert_eq!((combinations, arrived.len()), (200, 150), "a redirect that carries the key itself is not followed");
}

const FORBIDDEN: [[u8; 4]; 40] = [
    [0, 0, 0, 0],
    [0, 1, 2, 3],
    [10, 0, 0, 1],
    [10, 255, 255, 255],
    [100, 64, 0, 1],
    [100, 100, 100, 200],
    [100, 127, 255, 255],
    [127, 0, 0, 1],
    [127, 0, 0, 2],
    [127, 255, 255, 254],
    [168, 63, 129, 16],
    [169, 254, 0, 1],
    [169, 254, 169, 254],
    [169, 254, 170, 2],
    [172, 16, 0, 1],
    [172, 20, 10, 1],
    [172, 31, 255, 255],
    [192, 0, 0, 1],
    [192, 0, 0, 192],
    [192, 0, 2, 1],
    [192, 31, 196, 1],
    [192, 52, 193, 1],
    [192, 88, 99, 1],
    [192, 168, 0, 1],
    [192, 168, 1, 254],
    [192, 168, 255, 255],
    [192, 175, 48, 1],
    [198, 18, 0, 1],
    [198, 19, 255, 255],
    [198, 51, 100, 1],
    [203, 0, 113, 1],
    [224, 0, 0, 1],
    [230, 1, 2, 3],
    [239, 255, 255, 255],
    [240, 0, 0, 1],
    [250, 1, 1, 1],
    [254, 254, 254, 254],
    [255, 0, 0, 1],
    [255, 255, 255, 254],
    [255, 255, 255, 255],
];

/// One address in every notation that the URL standard accepts.
fn notations([a, b, c, d]: [u8; 4]) -> Vec<String> {
    let whole = u32::from_be_bytes([a, b, c, d]);
    let (high, low) = (whole >> 16, whole & 0xffff);
    let dotted = format!("{a}.{b}.{c}.{d}");
    let wide: String = dotted
        .chars()
        .map(|x| if x.is_ascii_digit() { char::from_u32(u32::from(x) + 0xfee0).unwrap() } else { x })
        .collect();
    let escaped: String =
        dotted.bytes().map(|x| if x.is_ascii_digit() { format!("%{x:02x}") } else { ".".to_owned() }).collect();
    vec![
        dotted.clone(),
        format!("{dotted}."),
        format!("{a}.{b}.{}", u32::from(c) << 8 | u32::from(d)),
        format!("{a}.{}", whole & 0x00ff_ffff),
        whole.to_string(),
        format!("{whole:#x}"),
        format!("0{whole:o}"),
        format!("{a:#x}.0{b:o}.{c}.{d:#x}"),
        format!("0{a:03o}.0{b:03o}.0{c:03o}.0{d:03o}"),
        format!("[::ffff:{dotted}]"),
        format!("[::ffff:{high:x}:{low:x}]"),
        format!("[::{dotted}]"),
        format!("[::ffff:0:{dotted}]"),
        format!("[64:ff9b::{dotted}]"),
        format!("[2002:{high:x}:{low:x}::1]"),
        format!("[2400:cb00::5efe:{high:x}:{low:x}]"),
        wide,
        escaped,
    ]
}

fn other_hosts() -> Vec<String> {
    let names = [
        "localhost",
        "LOCALHOST",
        "localhost.",
        "a.localhost",
        "printer",
        "x.local",
        "api.internal",
        "x.home.arpa",
        "1.0.0.127.in-addr.arpa",
        "web.default.svc",
        "db.cluster.local",
        "x.onion",
        "metadata",
        "metadata.google.internal",
        "instance-data",
        "[::]",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[fc00::1]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[fec0::1]",
        "[ff02::1]",
        "[2001:db8::1]",
        "[2001::1]",
        "[100::1]",
        "[3fff::1]",
        "[5f00::1]",
        "[4000::1]",
        "[64:ff9b:1::1]",
    ];
    names.iter().map(ToString::to_string).collect()
}

fn forbidden_urls() -> BTreeSet<String> {
    let hosts = FORBIDDEN.iter().flat_map(|address| notations(*address)).chain(other_hosts());
    hosts.flat_map(|host| [format!("http://{host}/"), format!("https://{host}:8443/x")]).collect()
}

/// Call URL, token URL and redirect target: all are denied, and no name is looked up.
#[tokio::test]
async fn every_private_address_is_denied_wherever_a_url_can_be_set() {
    let lookups = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&lookups);
    let lookup: Lookup = Arc::new(move |_| {
        counting.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Ok(vec![IpAddr::from([127, 0, 0, 1])]) })
    });
    let client = Client::with_lookup(Settings::new(|| 0), lookup).unwrap();
    let vectors = forbidden_urls();
    assert!(vectors.len() >= 1_200, "{}", vectors.len());
    for text in &vectors {
        let url = Url::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        let failure = client.send(&request(Method::POST, url.clone())).await.unwrap_err();
        assert_eq!(class(&failure), ("DENIED".to_owned(), false, false), "{text}");
        assert!(client.check_url(&url).is_err(), "{text}");
        let oauth = OAuth2 {
            url: url.clone(),
            client_id: "c".to_owned(),
            client: crate::plan::ClientProof::None,
            scope: None,
            audience: None,
            grant: Grant::ClientCredentials,
            further: Vec::new(),
            expired: None,
        };
        let public = Url::parse("https://api.example.com/").unwrap();
        let mut spec = request(Method::GET, public);
        spec.authorization = Authorization::OAuth2(Arc::new(oauth));
        assert_eq!(client.admit(&spec).await.unwrap_err().code.to_string(), "DENIED", "token URL {text}");
    }
    assert_eq!(lookups.load(Ordering::Relaxed), 0, "no name was looked up");
}

#[tokio::test]
async fn a_redirect_to_a_private_address_is_denied_after_one_to_three_hops() {
    let vectors: Vec<String> = forbidden_urls()
        .into_iter()
        .step_by(25)
        .filter(|v| v.is_ascii() && v.starts_with("http:") && !v.contains("//127."))
        .collect();
    assert!(vectors.len() > 20);
    for (index, vector) in vectors.into_iter().enumerate() {
        let hops = index % 3;
        let server = RawServer::start(move |_, n| {
            Reply::KeepOpen(if n < hops { redirect("/again") } else { redirect(&vector) })
        })
        .await;
        let settings = Settings { allow_net: vec!["127.0.0.1/32".parse().unwrap()], ..Settings::new(|| 0) };
        let sent = Client::with_lookup(settings, here()).unwrap().send(&request(Method::GET, server.url("/"))).await;
        match sent {
            Err(failure) => assert_eq!(failure.code.to_string(), "DENIED", "{}", failure.message),
            Ok(answer) => panic!("{}", answer.status),
        }
    }
}

/// A name that resolves to public addresses first and to private ones later, a thousand times concurrently.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_whose_addresses_change_reaches_nothing_private() {
    let private = RawServer::replying(Reply::KeepOpen(ok("{}"))).await;
    let turn = Arc::new(AtomicUsize::new(0));
    let lookup: Lookup = Arc::new(move |_| {
        let list: &[[u8; 4]] = match turn.fetch_add(1, Ordering::Relaxed) % 3 {
            0 => &[[127, 0, 0, 1]],
            1 => &[[203, 0, 114, 1], [127, 0, 0, 1]],
            _ => &[[127, 0, 0, 1], [8, 8, 8, 8]],
        };
        let list = list.iter().map(|a| IpAddr::from(*a)).collect();
        Box::pin(async move { Ok(list) })
    });
    let client = Client::with_lookup(Settings::new(|| 0), lookup).unwrap();
    let url = Url::parse(&format!("http://rebound.example.com:{}/", private.port())).unwrap();
    let spec = request(Method::POST, url);
    for _ in 0..32 {
        let calls = (0..32).map(|_| client.send(&spec));
        for sent in futures_util::future::join_all(calls).await {
            let failure = sent.unwrap_err();
            assert_eq!(failure.code.to_string(), "CONNECT");
            assert!(failure.message.contains("no address that may be called"), "{}", failure.message);
        }
    }
    assert_eq!(private.connections(), 0);
}

/// The connector refuses by itself, even where the checks before it are bypassed: nothing is written.
#[tokio::test]
async fn the_peer_is_checked_before_anything_is_written() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://127.0.0.1:{}/", listener.local_addr().unwrap().port())).unwrap();
    let client = Client::with_lookup(Settings::new(|| 0), here()).unwrap();
    let spec = request(Method::GET, url.clone());
    let origin = client.inner().origins.of(spec.raw_url());
    let raw = client.inner().client(&spec, &client.inner().key(&spec, &origin, true)).unwrap();
    let sent = raw.execute(reqwest::Request::new(Method::GET, url)).await.unwrap_err();
    let failure = classify::before_status(&sent.into(), &spec, false);
    assert_eq!(failure.code.to_string(), "DENIED", "{}", failure.message);
    let (mut socket, _) = listener.accept().await.unwrap();
    let mut bytes = Vec::new();
    tokio::time::timeout(Duration::from_secs(2), socket.read_to_end(&mut bytes)).await.unwrap().unwrap();
    assert!(bytes.is_empty());
}

/// The host that is checked is the host that is connected to, for any text.
#[test]
fn the_checked_host_is_the_one_connected_to() {
    let pieces = [
        "a",
        "127.0.0.1",
        "[::1]",
        "@",
        ":",
        "/",
        "\\",
        "?",
        "#",
        "%2f",
        "%00",
        ".",
        "..",
        "example.com",
        "0x7f",
        "１",
        "xn--",
        " ",
        "\t",
        "user",
        "80",
        "//",
        "。",
        "ß",
    ];
    let mut random = fastrand::Rng::with_seed(7);
    let mut parsed = 0;
    for _ in 0..1_000_000 {
        let length = random.usize(1..8);
        let text: String = (0..length).map(|_| pieces[random.usize(..pieces.len())]).collect();
        let Ok(url) = Url::parse(&format!("http://{text}")) else { continue };
        parsed += 1;
        let dialled: http::Uri = match url.as_str().parse() {
            Ok(uri) => uri,
            Err(_) => continue,
        };
        assert_eq!(dialled.host(), url.host_str(), "{text}");
        assert_eq!(Url::parse(url.as_str()).as_ref(), Ok(&url), "{text}");
    }
    assert!(parsed > 100_000, "{parsed}");
}
