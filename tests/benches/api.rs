//! The API: a call that is executed through it beside a direct one, calls that are shared, lists, and clients that are slow.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use harness::api::{Api, sent};
use harness::process::Running;
use harness::test_app::TestApp;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::page::{Figure, note};
use crate::third_party::Counts;

/// Requests a second, of executed calls and of direct ones.
const RATE: u32 = 200;
/// Connectors that are listed.
const CONNECTORS: usize = 10_000;
/// Connectors that one request imports.
const IMPORTED: usize = 1_000;
/// Clients that are slow.
const SLOW_CLIENTS: usize = 200;
/// Identical calls in flight.
const SHARED: usize = 200;
/// Lists of connectors, by their queries.
const LISTS: [&str; 8] = [
    "",
    "page=1000",
    "order_by=name&order_direction=desc&page=500",
    "filter=rates%209",
    "filter=nothing%20like%20it",
    "status=INACTIVE",
    "per_page=10000&fields=name",
    "per_page=10000",
];

/// Measures all of it on SQLite, and lists on both databases.
pub(crate) async fn measure(third_party: &str, counts: &Counts) -> Result<Vec<Figure>> {
    let app = TestApp::new();
    let (process, api) = app.serve(&["serve"]).await;
    let made = api.post("/data_sources", &rates(third_party, "Rates")).await;
    ensure!(made.status == 201, "{}", made.body);
    let mut figures = Vec::new();
    note(&mut figures, overhead(&api, third_party).await?);
    note(&mut figures, shared(&api, counts).await?);
    import(&api, third_party).await?;
    note(&mut figures, lists(&api, "SQLite").await?);
    note(&mut figures, beside_slow_clients(&process, &api).await?);
    process.terminate().await;
    let app = TestApp::new().with_postgres().await;
    let (process, api) = app.serve(&["serve"]).await;
    import(&api, third_party).await?;
    note(&mut figures, lists(&api, "PostgreSQL").await?);
    process.terminate().await;
    Ok(figures)
}

fn rates(third_party: &str, name: &str) -> Value {
    let resource = |method: &str, kind: &str, body: Value| {
        json!({"method": method, "url": format!("{third_party}/{kind}/{{{{n}}}}"), "body_type": "json", "body": body,
               "headers": [{"key": "Content-Type", "value": "application/json", "required": true}]})
    };
    let order = r#"{"customer": "{{customer}}", "n": {{n}}}"#;
    json!({"name": name, "type": "REST", "authtype": "NONE", "description": "what is made for lists",
           "endpoints": {"place": resource("POST", "quick", json!(order)), "held": resource("GET", "after1000", Value::Null)}})
}

/// Executed calls and direct ones, in turns.
async fn overhead(api: &Api, third_party: &str) -> Result<Figure> {
    let direct = |n: u64| {
        let request =
            api.client().post(format!("{third_party}/quick/{n}")).body(format!(r#"{{"customer":"Ada","n":{n}}}"#));
        async move { sent(request).await.status }
    };
    let executed = |n: u64| {
        let body = json!({"config": {"endpoint": "place"}, "data": {"n": n, "customer": "Ada"}});
        let api = api.clone();
        async move { api.post("/requests/data_sources/Rates", &body).await.status }
    };
    paced(100, 1, executed).await?;
    let (mut own, mut plain) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        plain.extend(paced(RATE, 2, direct).await?);
        own.extend(paced(RATE, 2, executed).await?);
    }
    let added = |permille: usize| (at(&mut own.clone(), permille) - at(&mut plain.clone(), permille)) * 1e3;
    let (p50, p99) = (added(500), added(990));
    let what = "an executed call beside a direct one, 200 requests a second: overhead";
    Ok(Figure::new(what, "p99 below 3 ms", format!("p50 {p50:.2} ms, p99 {p99:.2} ms"), p99 < 3.0))
}

/// Requests at a steady rate for some seconds; how long each took, seconds.
async fn paced<F: Future<Output = u16> + Send + 'static>(
    rate: u32,
    seconds: u32,
    request: impl Fn(u64) -> F,
) -> Result<Vec<f64>> {
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / rate);
    let mut tasks = JoinSet::new();
    for n in 0..u64::from(rate * seconds) {
        ticks.tick().await;
        let request = request(n);
        tasks.spawn(async move {
            let begun = Instant::now();
            (request.await, begun.elapsed().as_secs_f64())
        });
    }
    let mut times = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        let (status, took) = ended?;
        // What is refused takes for ever, as far as the figure is concerned.
        times.push(if status == 200 { took } else { f64::INFINITY });
    }
    Ok(times)
}

/// The value that so many in a thousand do not exceed.
pub(crate) fn at(times: &mut [f64], permille: usize) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get((times.len() * permille / 1_000).min(times.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

async fn shared(api: &Api, counts: &Counts) -> Result<Figure> {
    let before = counts.requests();
    let mut tasks = JoinSet::new();
    for _ in 0..SHARED {
        let api = api.clone();
        let path = "/requests/data_sources/Rates/resources/held/data?pmds_data=%7B%22n%22%3A7%7D";
        tasks.spawn(async move { api.get(path).await });
    }
    while let Some(answer) = tasks.join_next().await {
        let answer = answer?;
        ensure!(answer.status == 200, "{}", answer.body);
    }
    let calls = counts.requests() - before;
    Ok(Figure::new("200 identical cached GETs in flight", "1 upstream call", calls.to_string(), calls == 1))
}

async fn import(api: &Api, third_party: &str) -> Result<()> {
    let records: Vec<Value> = (0..CONNECTORS).map(|n| rates(third_party, &format!("Rates {n}"))).collect();
    for some in records.chunks(IMPORTED) {
        let imported = api.post("/data_sources/import", &json!(some)).await;
        ensure!(imported.status == 200, "{}", imported.body);
    }
    Ok(())
}

/// Each list a few times; the slowest list by its median.
async fn lists(api: &Api, database: &str) -> Result<Figure> {
    let mut slowest = (0.0, "");
    for query in LISTS {
        let mut times = Vec::new();
        for _ in 0..7 {
            let begun = Instant::now();
            let answer = api.get(&format!("/data_sources?{query}")).await;
            ensure!(answer.status == 200, "{query}: {}", answer.body);
            times.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        let middle = at(&mut times, 500);
        if middle > slowest.0 {
            slowest = (middle, query);
        }
    }
    let (took, query) = slowest;
    let what = format!("lists of 10,000 connectors, {database}: the slowest of {}", LISTS.len());
    Ok(Figure::new(what, "100 ms", format!("{took:.0} ms (`{query}`)"), took <= 100.0))
}

/// Others' requests while many clients send a byte a second or do not read what they asked for.
async fn beside_slow_clients(process: &Running, api: &Api) -> Result<Figure> {
    let list = |_| {
        let api = api.clone();
        async move { api.get("/data_sources?per_page=10").await.status }
    };
    let (address, others) = (process.address().await, api.with_scopes(&["read"], &[]).await);
    let (mut alone, mut during) = (Vec::new(), Vec::new());
    // In turns: what the machine does besides is in both.
    for _ in 0..4 {
        alone.extend(paced(100, 3, list).await?);
        let mut slow = JoinSet::new();
        for n in 0..SLOW_CLIENTS {
            slow.spawn(slow_client(Slowness::of(n), address.clone(), others.token().to_owned()));
        }
        // The lists that nobody reads are made by then.
        tokio::time::sleep(Duration::from_secs(3)).await;
        during.extend(paced(100, 3, list).await?);
        slow.shutdown().await;
    }
    let [alone_50, alone_99] = [500, 990].map(|permille| at(&mut alone, permille) * 1e3);
    let [during_50, during_99] = [500, 990].map(|permille| at(&mut during, permille) * 1e3);
    let what = format!("a list while {SLOW_CLIENTS} clients are slow");
    let found = format!(
        "p50 {during_50:.1} ms, p99 {during_99:.1} ms (p50 {alone_50:.1} ms, p99 {alone_99:.1} ms without them)"
    );
    Ok(Figure::new(what, "p99 at most 10 ms more than without them", found, during_99 <= alone_99 + 10.0))
}

/// How a client is slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slowness {
    Head,
    Body,
    /// It says nothing.
    Silence,
    /// It asks for a long list and does not read it.
    Reading,
}

impl Slowness {
    /// Few read nothing: what is measured is what they hold up, not what their lists cost.
    fn of(n: usize) -> Self {
        match n % 25 {
            0 => Self::Reading,
            n if n % 3 == 0 => Self::Head,
            n if n % 3 == 1 => Self::Body,
            _ => Self::Silence,
        }
    }
}

async fn slow_client(slowness: Slowness, address: String, token: String) {
    let head = format!("Host: x\r\nAuthorization: Bearer {token}\r\n");
    loop {
        let Ok(mut socket) = TcpStream::connect(&address).await else { return };
        let begun = match slowness {
            Slowness::Head => "GET /api/1.0/data_sources HTTP/1.1\r\n".to_owned(),
            Slowness::Body => format!("POST /api/1.0/data_sources HTTP/1.1\r\n{head}Content-Length: 100000\r\n\r\n{{"),
            Slowness::Reading => format!("GET /api/1.0/data_sources?per_page=10000 HTTP/1.1\r\n{head}\r\n"),
            Slowness::Silence => String::new(),
        };
        let slowly = if matches!(slowness, Slowness::Head | Slowness::Body) { b"x".as_slice() } else { b"" };
        let mut is_open = socket.write_all(begun.as_bytes()).await.is_ok();
        while is_open {
            tokio::time::sleep(Duration::from_secs(1)).await;
            is_open = socket.write_all(slowly).await.is_ok();
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
