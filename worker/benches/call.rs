//! What the pure half of a job costs: planning and interpreting a 1 KB job with a 9 KB answer, compared with parsing that
//! answer twice. `cargo bench` fails when the first is not below the second.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::Criterion;
use data_connector::connector::{Connector, Credentials, ElementConfig};
use data_connector::interpret::{CompiledRules, ConnectorRules, Mapping, Response, ResponseContext, interpret};
use data_connector::plan::{
    CredentialId, Limits, PlanInput, PreparedConnector, PreparedCredentials, PreparedElement, Secrets, plan,
};
use serde_json::{Map, Value, json};

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// A connector and an element as designers configure them, and everything parsed once.
struct Fixture {
    prepared: PreparedConnector,
    rules: ConnectorRules,
    element: PreparedElement,
    mapping: Mapping,
    own: CompiledRules,
    credentials: PreparedCredentials,
    secrets: Secrets,
    data: Map<String, Value>,
    handling: Map<String, Value>,
    limits: Limits,
    answer: Response,
}

impl Fixture {
    fn new() -> Result<Self, data_connector::connector::Invalid> {
        let record = object(json!({"name": "Orders", "endpoints": {"place": {
            "method": "POST", "url": "https://api.example/customers/{{customer}}/orders?lang={{lang}}", "body_type": "json",
            "headers": [{"key": "Content-Type", "value": "application/json", "required": true}, {"key": "X-Tenant", "value": "{{tenant}}", "required": true}],
            "params": [{"key": "express", "value": "no"}],
            "body": "{\"order\": \"{{order}}\", \"lines\": {{{lines | json}}}, \"total\": {{total}}}",
            "errorMapping": [{"when": "409", "code": "TWICE"}]}}}));
        let config = object(json!({"dataSource": "Orders", "endpoint": "place",
            "outboundConfig": [
                {"type": "PARAM", "key": "customer", "value": "{{customer.id}}"},
                {"type": "BODY", "key": "total", "value": "order.amount * 1.2", "format": "feel"},
                {"type": "BODY", "key": "order", "value": "{{order.id}}"}],
            "dataMapping": [
                {"key": "reservation", "value": "data.reservation.id"}, {"key": "first", "value": "$.data.items[0].name"},
                {"key": "quote", "value": "X-Quote-Id"}, {"key": "state", "value": "{{data.reservation.state}}", "format": "mustache"},
                {"key": "many", "value": "count(data.items)", "format": "feel"}]}));
        let lines: Vec<Value> =
            (0..12).map(|n| json!({"sku": format!("sku-{n:04}"), "quantity": n, "price": 2.5})).collect();
        let data = object(
            json!({"customer": {"id": 7, "name": "Ada & Co", "city": "Paris"}, "order": {"id": "A-1042", "amount": 120},
            "lines": lines, "lang": "fr", "tenant": "t1", "note": "x".repeat(200), "_request": {"id": 42, "status": "ACTIVE"}}),
        );
        let items: Vec<Value> = (0..94)
            .map(|n| json!({"id": n, "name": format!("item number {n}"), "price": 1.25 * f64::from(n), "tags": ["a", "b"], "stock": {"here": n, "there": null}}))
            .collect();
        let body = json!({"data": {"reservation": {"id": "R-1", "state": "held"}, "items": items}}).to_string();
        let headers = http::HeaderMap::from_iter([
            (http::HeaderName::from_static("content-type"), http::HeaderValue::from_static("application/json")),
            (http::HeaderName::from_static("x-quote-id"), http::HeaderValue::from_static("q1")),
        ]);
        let element = ElementConfig::read(&config)?;
        let connector = Connector::read(&record)?;
        Ok(Self {
            rules: ConnectorRules::new(&connector),
            prepared: PreparedConnector::new(connector),
            mapping: Mapping::new(element.mapping.as_deref())?,
            own: CompiledRules::new(&element.rules, "")?,
            element: PreparedElement::new(element)?,
            credentials: PreparedCredentials::new(Credentials::read("NONE", &Map::new())?, CredentialId::default())?,
            secrets: Secrets::default(),
            data,
            handling: object(json!({"timeout": "20", "retry_attempts": 3})),
            limits: Limits {
                base_url: None,
                call_timeout: Duration::from_mins(5),
                poll_time: Duration::from_hours(1),
                response_bytes: 10 << 20,
                inline_bytes: 1 << 20,
                env: Arc::new(BTreeMap::new()),
            },
            answer: Response { status: 200, headers, body: body.into(), warnings: Vec::new() },
        })
    }

    /// The pure half of one job.
    fn work(&self) -> Result<Map<String, Value>, String> {
        let ctx = self.limits.eval_context(1_795_456_800_000);
        let input = PlanInput {
            engine: "default",
            job_id: "0199f1c2-0000-7000-8000-000000000000",
            data: &self.data,
            element: &self.element,
            handling: &self.handling,
            ctx,
            traceparent: None,
            secrets: &self.secrets,
        };
        let plan = plan(&input, &self.prepared, &self.credentials, &self.limits).map_err(|e| e.to_string())?;
        let [resource, connector] = self.rules.of("place").map_err(|e| e.to_string())?;
        let context = ResponseContext {
            data: &self.data,
            mapping: &self.mapping,
            rules: [&self.own, resource, connector],
            method: &plan.request.method,
            ctx,
            inline_bytes: self.limits.inline_bytes,
            redactor: &data_connector::plan::Redactor::default(),
        };
        interpret(&self.answer, &context).map(|mapped| mapped.data).map_err(|failure| failure.message)
    }

    fn parse_twice(&self) -> [serde_json::Result<Value>; 2] {
        [serde_json::from_slice(&self.answer.body), serde_json::from_slice(&self.answer.body)]
    }
}

/// The median of many runs.
fn median<T>(mut run: impl FnMut() -> T) -> Duration {
    let mut times: Vec<Duration> = (0..2_000)
        .map(|_| {
            let begun = Instant::now();
            black_box(run());
            begun.elapsed()
        })
        .collect();
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn main() {
    let fixture = Fixture::new().expect("a valid connector and element");
    let mapped = fixture.work().expect("a completed job");
    assert_eq!(mapped.get("many"), Some(&json!(94)));
    let (job, answer) = (serde_json::to_vec(&fixture.data).map_or(0, |data| data.len()), fixture.answer.body.len());
    assert!((900..1_500).contains(&job) && (8_500..9_900).contains(&answer), "{job} bytes of data, {answer} of answer");

    let mut criterion = Criterion::default().configure_from_args();
    criterion.bench_function("plan and interpret", |bench| bench.iter(|| black_box(fixture.work())));
    criterion.bench_function("parse the answer twice", |bench| bench.iter(|| black_box(fixture.parse_twice())));
    criterion.final_summary();

    let (work, parse) = (median(|| fixture.work()), median(|| fixture.parse_twice()));
    assert!(work < parse, "planning and interpreting takes {work:?}, parsing the answer twice {parse:?}");
}
