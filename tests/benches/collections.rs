//! Collections: how fast records come in, what that costs jobs and memory, and how fast pages of them are found.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use harness::api::Api;
use harness::cost::peak_kb;
use harness::test_app::TestApp;
use serde_json::{Value, json};

use crate::api::at;
use crate::job::connector;
use crate::load::{Load, Workload};
use crate::page::Figure;

/// Jobs a second, before and during an import.
const RATE: u32 = 100;
/// Pages of each filter.
const PAGES: u64 = 1_000;

/// Both databases, each with a process that is worker and API at once.
pub(crate) async fn measure(third_party: &str, records: u64) -> Result<Vec<Figure>> {
    let mut figures = on(TestApp::new(), "SQLite", third_party, records).await?;
    figures.extend(on(TestApp::new().with_postgres().await, "PostgreSQL", third_party, records).await?);
    Ok(figures)
}

async fn on(app: TestApp, database: &str, third_party: &str, records: u64) -> Result<Vec<Figure>> {
    app.import_connectors(&connector(third_party)).await;
    let (process, api) = app.serve(&["up"]).await;
    let made = api.post("/collections", &prices()).await;
    ensure!(made.status == 201, "{}", made.body);
    let server = Server { address: process.address().await, token: api.token().to_owned() };
    let mut load = Load::open(app.broker(), app.prefix(), Workload::Arriving).await?;
    load.arrive("quick", 500).await?;
    let before = percentile(&load.steadily(RATE, Duration::from_secs(10)).await?);

    let file = app.path("prices.csv");
    write_rows(&file, records)?;
    let sender = server.clone();
    let import = tokio::task::spawn_blocking(move || {
        let begun = Instant::now();
        sender.import(&file).map(|report| (report, begun.elapsed()))
    });
    let mut times = Vec::new();
    while !import.is_finished() {
        times.extend(load.steadily(RATE, Duration::from_secs(2)).await?);
    }
    let (report, took) = import.await??;
    let rate = records as f64 / took.as_secs_f64();
    ensure!(report["created"] == records, "{report}");
    times.sort();
    let during = percentile(&times);

    let narrow = pages(&api, |n| match n % 4 {
        0 => format!("data.sku = \"S{:07}\"", n * 7_919 % records),
        1 => format!("data.country = \"C{:03}\"", n % 1_000),
        2 => format!("data.price >= {0} AND data.price < {0}.5", n % 1_000),
        _ => format!("data.country = \"C{:03}\" AND data.kind = \"K{}\"", n % 1_000, n % 10),
    })
    .await?;
    let wide = pages(&api, |n| format!("data.kind = \"K{}\"", n % 10)).await?;
    for path in ["records/export", "records/export?format=csv", "records", "records?order_by=data.price&per_page=100"] {
        let (reader, path) = (server.clone(), path.to_owned());
        tokio::task::spawn_blocking(move || reader.download(&path)).await??;
    }
    let peak = peak_kb(process.pid()) as f64 / 1_024.0;
    process.terminate().await;

    let of = |what: &str| format!("{records} records, {database}: {what}");
    Ok(vec![
        Figure::new(of("import"), "at least 5,000 rows a second", format!("{rate:.0} rows/s"), rate >= 5_000.0),
        Figure::new(
            of("p99 of a job meanwhile, 100 a second"),
            "at most twice what it was",
            format!("{during:.1} ms, {before:.1} ms before"),
            during <= before * 2.0,
        ),
        Figure::new(of("p99 of a page by an indexed filter"), "below 20 ms", format!("{narrow:.1} ms"), narrow < 20.0),
        Figure::new(of("the same where a tenth is selected"), "below 20 ms", format!("{wide:.1} ms"), wide < 20.0),
        Figure::new(
            of("peak of the process: import, exports, lists"),
            "below 256 MB",
            format!("{peak:.0} MB"),
            peak < 256.0,
        ),
    ])
}

fn prices() -> Value {
    let column = |field: &str, kind: &str, unique: bool| json!({"label": field, "field": format!("data.{field}"), "type": kind, "unique": unique, "indexed": true});
    let columns = [
        column("sku", "string", true),
        column("country", "string", false),
        column("kind", "string", false),
        column("price", "number", false),
    ];
    json!({"name": "Prices", "columns": columns})
}

fn write_rows(file: &Path, records: u64) -> Result<()> {
    let mut file = std::io::BufWriter::new(std::fs::File::create(file)?);
    writeln!(file, "sku,country,kind,price,name,note")?;
    for n in 0..records {
        let (country, kind, price) = (n % 1_000, n / 1_000 % 10, n * 31 % 100_000);
        writeln!(
            file,
            "S{n:07},C{country:03},K{kind},{}.{:02},Thing number {n},\"kept in stock, for now\"",
            price / 100,
            price % 100
        )?;
    }
    Ok(file.flush()?)
}

fn percentile(times: &[Duration]) -> f64 {
    times.get(times.len() * 99 / 100).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
}

/// The 99th percentile of pages of these queries, milliseconds.
async fn pages(api: &Api, query: impl Fn(u64) -> String) -> Result<f64> {
    let mut times = Vec::new();
    for n in 0..PAGES {
        let path = format!("/collections/Prices/records?per_page=20&pmql={}", escaped(&query(n)));
        let begun = Instant::now();
        let answer = api.get(&path).await;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
        ensure!(answer.status == 200, "{path}: {}", answer.body);
        ensure!(answer.json()["meta"]["total"] != 0, "{path} finds nothing");
    }
    Ok(at(&mut times, 990))
}

fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut all, byte| {
        if byte.is_ascii_alphanumeric() {
            all.push(byte.into());
        } else {
            let written = write!(all, "%{byte:02X}");
            debug_assert!(written.is_ok(), "texts can be written to");
        }
        all
    })
}

/// The server as a client sees it that sends and receives as much as there is.
#[derive(Clone)]
struct Server {
    address: String,
    token: String,
}

impl Server {
    fn import(&self, file: &PathBuf) -> Result<Value> {
        let (mut file, length) = (std::fs::File::open(file)?, std::fs::metadata(file)?.len());
        let mut socket =
            self.begin("POST", "records/import", &format!("Content-Type: text/csv\r\nContent-Length: {length}\r\n"))?;
        std::io::copy(&mut file, &mut socket)?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer)?;
        let body = answer.find('{').zip(answer.rfind('}')).and_then(|(from, to)| answer.get(from..=to));
        serde_json::from_str(body.with_context(|| answer.clone())?).with_context(|| answer.clone())
    }

    fn download(&self, path: &str) -> Result<u64> {
        let mut socket = self.begin("GET", path, "")?;
        let mut head = [0; 12];
        socket.read_exact(&mut head)?;
        ensure!(head.ends_with(b" 200"), "{path}: {}", String::from_utf8_lossy(&head));
        Ok(std::io::copy(&mut socket, &mut std::io::sink())?)
    }

    fn begin(&self, method: &str, path: &str, headers: &str) -> Result<std::net::TcpStream> {
        let mut socket = std::net::TcpStream::connect(&self.address)?;
        let Self { token, .. } = self;
        write!(
            socket,
            "{method} /api/1.0/collections/Prices/{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n{headers}\r\n"
        )?;
        Ok(socket)
    }
}
