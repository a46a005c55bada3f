//! Scenario C1: hundreds of hostile third parties, called by a real worker whose other jobs continue.

use std::io::Write;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use harness::cost::{peak_kb, resident_kb};
use harness::hostile::{ClosedPort, FullBacklog, Misbehaviour};
use harness::raw_server::RawServer;
use harness::test_app::job;
use harness::third_party::{Reply, ThirdParty};
use harness::tls::{Authority, Identity};
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::scenario::{Findings, Scenario, Settings};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![Scenario {
        name: "C1",
        promise: "hostile third parties, 64 at once: each call ends with its code and in time, and memory stays bounded",
        run: |s| Box::pin(hostile(s)),
    }]
}

/// The timeout of a call.
const TIMEOUT: Duration = Duration::from_secs(3);
/// Concurrent hostile calls, and jobs of a healthy host with each wave of them.
const AT_ONCE: (usize, u32) = (64, 32);
/// A response may be so large that 64 of them in memory are noticed.
const CONFIG: &str = "[worker]\nlease = 5\n[amqp]\nconsumer_check_interval = 5\n[limits]\nresponse_bytes = 1000000\n";
/// By how much the worker's memory may grow, KB.
const GROWTH: u64 = 64 * 1_024;

/// How a behaviour is implemented.
enum Kind {
    Raw(Misbehaviour),
    /// The same at an `https` URL.
    NoTls(Misbehaviour),
    Certificate(Identity),
    Refuses,
    Full,
}

/// A behaviour, and how GET and POST end: with a code, or empty for success. `or` separates codes where timing decides; a text
/// after the colon must be in the message.
struct Behaviour {
    name: &'static str,
    kind: Kind,
    get: &'static str,
    post: &'static str,
}

/// A running third party with this behaviour.
enum Party {
    Raw(&'static str, RawServer),
    Secure(ThirdParty),
    Closed(ClosedPort),
    Full(FullBacklog),
}

impl Kind {
    async fn party(&self) -> Party {
        match self {
            Self::Raw(misbehaviour) => Party::Raw("http", misbehaviour.clone().serve().await),
            Self::NoTls(misbehaviour) => Party::Raw("https", misbehaviour.clone().serve().await),
            Self::Certificate(of) => {
                Party::Secure(ThirdParty::secure(of.server(), |_, _| Reply::json(&json!({}))).await)
            }
            Self::Refuses => Party::Closed(ClosedPort::start()),
            Self::Full => Party::Full(FullBacklog::start().await),
        }
    }
}

impl Party {
    fn address(&self) -> (&'static str, u16) {
        match self {
            Self::Raw(scheme, party) => (scheme, party.port()),
            Self::Secure(party) => ("https", party.port()),
            Self::Closed(port) => ("http", port.port()),
            Self::Full(listener) => ("http", listener.port()),
        }
    }
}

/// A 200 response with these further header lines.
fn answer(lines: &str, body: &[u8]) -> Vec<u8> {
    Misbehaviour::head(&format!("HTTP/1.1 200 OK\n{lines}\n"), body)
}

/// A complete response with a JSON content type.
fn in_json(body: &[u8]) -> Vec<u8> {
    answer(&format!("Content-Type: application/json\nContent-Length: {}\n", body.len()), body)
}

/// The beginning of a gzip stream, and a piece that continues it without end: zeros, a thousand times as many as its bytes.
fn bomb() -> (Vec<u8>, Vec<u8>) {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let mut piece = || {
        encoder.write_all(&vec![0; 16 << 20]).expect("memory");
        encoder.flush().expect("memory");
        std::mem::take(encoder.get_mut())
    };
    (piece(), piece())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

const BAD: [&str; 2] = ["BAD_RESPONSE"; 2];
/// Ended for its size, long before the timeout.
const LARGE: [&str; 2] = ["BAD_RESPONSE: limits.response_bytes"; 2];
const NEVER: [&str; 2] = ["TIMEOUT", "OUTCOME_UNKNOWN"];
/// After a status line it is known that the call was made.
const LATE: [&str; 2] = ["TIMEOUT"; 2];
const BROKEN: [&str; 2] = ["CONNECT", "OUTCOME_UNKNOWN"];
const GOOD: [&str; 2] = [""; 2];
const TLS: [&str; 2] = ["TLS"; 2];

/// Faults of connections and certificates.
fn connections(authority: &Authority) -> Vec<(&'static str, Kind, [&'static str; 2])> {
    use Kind::{Certificate, Full, NoTls, Raw, Refuses};
    use Misbehaviour::{Close, CloseAtOnce, OldTls, Reset, ResetAtOnce, StayOpen};
    vec![
        ("refuses", Refuses, ["CONNECT"; 2]),
        ("does not answer at all", Full, ["TIMEOUT"; 2]),
        ("takes and says nothing", Raw(StayOpen(Vec::new())), NEVER),
        ("speaks no TLS", NoTls(CloseAtOnce(b"SSH-2.0-x\r\n".to_vec())), TLS),
        ("an expired certificate", Certificate(authority.sign_expired("127.0.0.1")), TLS),
        ("a certificate of its own", Certificate(Identity::self_signed("127.0.0.1")), TLS),
        ("somebody else's certificate", Certificate(authority.sign("api.example.com")), TLS),
        ("TLS 1.0", NoTls(OldTls([3, 1])), TLS),
        ("TLS 1.1", NoTls(OldTls([3, 2])), TLS),
        ("reset before the request", Raw(ResetAtOnce), ["CONNECT", "CONNECT or OUTCOME_UNKNOWN"]),
        ("reset after the request", Raw(Reset), BROKEN),
        ("closed after the request", Raw(Close(Vec::new())), BROKEN),
    ]
}

/// Faults in the head of a response.
fn heads() -> Vec<(&'static str, Kind, [&'static str; 2])> {
    use Kind::Raw;
    use Misbehaviour::{Close, Drip, Endless, StayOpen};
    let head = |lines: &str| Misbehaviour::head(lines, b"");
    let cookies = answer(&"Set-Cookie: a=b\n".repeat(500), b"");
    vec![
        ("half a status line", Raw(Close(head("HTTP/1.1 20"))), BROKEN),
        ("half a head", Raw(Close(head("HTTP/1.1 200 OK\nX: "))), BROKEN),
        ("a dripping head", Raw(Drip(head("HTTP/1.1 200 OK\nX: "))), NEVER),
        ("an endless head", Raw(Endless(head("HTTP/1.1 200 OK\n"), head("X: y\n"))), BAD),
        ("cookies without end", Raw(StayOpen(cookies)), BAD),
        ("100 Continue without end", Raw(Endless(Vec::new(), head("HTTP/1.1 100 Continue\n\n"))), NEVER),
        ("hints without end", Raw(Endless(Vec::new(), head("HTTP/1.1 103 Early Hints\nLink: x\n\n"))), NEVER),
        ("two lengths", Raw(StayOpen(answer("Content-Length: 1\nContent-Length: 2\n", b"x"))), BAD),
        ("HTTP/0.9", Raw(Close(b"<html>hello</html>".to_vec())), BROKEN),
        ("status 999", Raw(StayOpen(head("HTTP/1.1 999 Odd\nContent-Length: 0\n\n"))), ["HTTP_999"; 2]),
        (
            "a redirect in a circle",
            Raw(Close(head("HTTP/1.1 302 Found\nLocation: /\nConnection: close\nContent-Length: 0\n\n"))),
            ["HTTP_302"; 2],
        ),
        ("a redirect to nowhere", Raw(StayOpen(head("HTTP/1.1 302 Found\nContent-Length: 0\n\n"))), GOOD),
    ]
}

/// Faults in the body of a response.
fn bodies() -> Vec<(&'static str, Kind, [&'static str; 2])> {
    use Kind::Raw;
    use Misbehaviour::{Close, Drip, Endless, StayOpen};
    let chunked = |body: &[u8]| answer("Transfer-Encoding: chunked\n", body);
    let encoded = |encoding: &str, body: &[u8]| {
        answer(&format!("Content-Encoding: {encoding}\nContent-Length: {}\n", body.len()), body)
    };
    let (beginning, piece) = bomb();
    vec![
        ("half a body", Raw(Close(answer("Content-Length: 10\n", b"half"))), BAD),
        ("a dripping body", Raw(Drip(answer("Content-Length: 1000\n", b""))), LATE),
        ("an endless body", Raw(Endless(answer("", b""), vec![b'x'; 8_192])), LARGE),
        ("endless chunks", Raw(Endless(chunked(b""), b"4\r\nxxxx\r\n".to_vec())), ["TIMEOUT or BAD_RESPONSE"; 2]),
        ("a gigabyte, declared", Raw(Endless(answer("Content-Length: 1073741824\n", b""), vec![b'x'; 8_192])), LARGE),
        ("more than its length", Raw(StayOpen(answer("Content-Length: 2\n", b"{}more"))), GOOD),
        ("chunks that are none", Raw(StayOpen(chunked(b"zz\r\nx\r\n"))), BAD),
        ("204 with a body", Raw(StayOpen(Misbehaviour::head("HTTP/1.1 204 No\nContent-Length: 4\n\n", b"body"))), GOOD),
        ("JSON that is not UTF-8", Raw(StayOpen(in_json(b"{\"a\": \"\xff\xfe\"}"))), GOOD),
        // It is a text (COMPATIBILITY 4.7).
        ("JSON that is none", Raw(StayOpen(in_json(b"{\"a\": "))), GOOD),
        ("JSON a hundred thousand deep", Raw(StayOpen(in_json(&[b'['; 100_000]))), BAD),
        ("a bomb", Raw(Endless(answer("Content-Encoding: gzip\n", &beginning), piece)), LARGE),
        ("gzip in gzip", Raw(StayOpen(encoded("gzip, gzip", &gzip(&gzip(b"{}"))))), BAD),
        ("not the gzip it says", Raw(StayOpen(encoded("gzip", b"{\"a\": 1}"))), BAD),
        ("an encoding that nobody asked for", Raw(StayOpen(encoded("br", b"{}"))), BAD),
    ]
}

fn behaviours(authority: &Authority) -> Vec<Behaviour> {
    let all = [connections(authority), heads(), bodies()].into_iter().flatten();
    all.map(|(name, kind, [get, post])| Behaviour { name, kind, get, post }).collect()
}

async fn hostile(settings: Settings) -> Findings {
    let mut findings = Findings::default();
    let authority = Authority::new();
    let behaviours = behaviours(&authority);
    let mut cluster = Cluster::new(CONFIG, 128, json!({}), |_, _| Reply::json(&json!({}))).await;
    let anywhere = |method: &str| {
        json!({"url": "{{scheme}}://127.0.0.1:{{port}}/{{job}}", "method": method, "timeout": TIMEOUT.as_secs(),
               "body": if method == "POST" { "{}" } else { "" }})
    };
    let well = json!({"url": cluster.third_party.url("/{{job}}"), "method": "POST"});
    cluster.app.import_resources(json!({"GET": anywhere("GET"), "POST": anywhere("POST"), "r": well})).await;
    let ca_file = cluster.app.file("ca.pem", &authority.pem()).display().to_string();
    cluster.start_worker(&[("DATA_CONNECTOR__HTTP__CA_FILE", &ca_file)]).await;
    cluster.submit("warm", 300, 0).await;
    cluster.ended(Duration::from_mins(1)).await;
    let before = resident_kb(cluster.workers[0].pid());
    let each = settings.of(100, 4);
    let calls: Vec<(String, &Behaviour, &str)> = (0..each)
        .flat_map(|n| behaviours.iter().enumerate().map(move |(b, behaviour)| (n, b, behaviour)))
        .flat_map(|(n, b, behaviour)| ["GET", "POST"].map(|method| (format!("{method}{b}-{n}"), behaviour, method)))
        .collect();
    let (mut slowest, mut slowest_well) = (Duration::ZERO, Duration::ZERO);
    for (n, wave) in calls.chunks(AT_ONCE.0).enumerate() {
        let (took, well) = run(&cluster, &format!("well{n}-"), wave).await;
        (slowest, slowest_well) = (slowest.max(took), slowest_well.max(well));
    }
    let grown = peak_kb(cluster.workers[0].pid()).saturating_sub(before);
    judge(&mut cluster, &calls, &mut findings).await;
    findings.figure("behaviours", behaviours.len());
    findings.figure("hostile calls", calls.len());
    findings.figure("slowest wave, ms", slowest.as_millis());
    findings.figure("slowest of healthy hosts, ms", slowest_well.as_millis());
    findings.figure("memory growth, KB", grown);
    findings.holds("every wave ends in time", slowest <= TIMEOUT + Duration::from_secs(2));
    findings.holds("no other job waits for a call that hangs", slowest_well < TIMEOUT);
    findings.holds("memory grows by no more than 64 MiB", grown <= GROWTH);
    findings
}

/// Concurrent calls, each to a third party of its own, with jobs of the healthy host; how long all results of either took.
async fn run(cluster: &Cluster, well: &str, wave: &[(String, &Behaviour, &str)]) -> (Duration, Duration) {
    let mut parties = Vec::new();
    for (_, behaviour, _) in wave {
        parties.push(behaviour.kind.party().await);
    }
    let begun = Instant::now();
    for ((id, _, method), party) in wave.iter().zip(&parties) {
        let (scheme, port) = party.address();
        let data = json!({"job": id, "scheme": scheme, "port": port});
        cluster.engine.submit(&job(id, method, &[("body", "")], data)).await;
    }
    cluster.submit(well, AT_ONCE.1, 0).await;
    let mut well_took = Duration::ZERO;
    while begun.elapsed() < Duration::from_secs(30) {
        let (lost, waiting) = {
            let history = cluster.engine.history();
            let done = history.results.keys().filter(|job| job.starts_with(well)).count();
            (history.lost(), done < usize::try_from(AT_ONCE.1).unwrap_or(0))
        };
        if waiting {
            well_took = begun.elapsed();
        }
        if lost == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    (begun.elapsed(), well_took)
}

async fn judge(cluster: &mut Cluster, calls: &[(String, &Behaviour, &str)], findings: &mut Findings) {
    let history = cluster.ended(Duration::from_mins(1)).await;
    history.judge(findings);
    let mut wrong = std::collections::BTreeMap::new();
    for (id, behaviour, method) in calls {
        let body = history.results.get(id).and_then(|bodies| bodies.first()).map(String::as_str).unwrap_or_default();
        let result: Value = serde_json::from_str(body).unwrap_or_default();
        let code = result["error"]["code"].as_str().unwrap_or_default();
        let took = result["call"]["duration_ms"].as_u64().map(Duration::from_millis).unwrap_or_default();
        let expected = if *method == "GET" { behaviour.get } else { behaviour.post };
        let (codes, named) = expected.split_once(": ").unwrap_or((expected, ""));
        let message = result["error"]["message"].as_str().unwrap_or_default();
        let in_class = codes.split(" or ").any(|expected| expected == code) && message.contains(named);
        if !in_class || took > TIMEOUT + Duration::from_secs(1) {
            let found = format!("{}, {method}: `{code}` instead of `{expected}`, after {took:?}", behaviour.name);
            wrong.insert((behaviour.name, method), found);
        }
    }
    let found: Vec<&str> = wrong.values().map(String::as_str).collect();
    findings.holds(&format!("each with its code and in time ({})", found.join("; ")), wrong.is_empty());
    let well = history.results.keys().filter(|job| job.starts_with("well")).count();
    findings.holds("jobs of the healthy host completed", {
        let good = cluster.third_party.seen().iter().filter(|seen| seen.path.starts_with("/well")).count();
        well > 0 && good == well
    });
    cluster.judge_logs(findings);
    findings.holds("the worker still runs", !cluster.workers.iter_mut().any(harness::process::Running::has_ended));
}
