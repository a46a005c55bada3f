//! The jobs of the benchmark, about 1 KB each, and what their results have to carry.

use anyhow::{Context, ensure};
use serde::Deserialize;
use serde_json::json;

use crate::third_party::price;

#[derive(Deserialize)]
struct JobResult<'a> {
    job: &'a str,
    status: &'a str,
    data: Data<'a>,
}

#[derive(Deserialize)]
struct Data<'a> {
    order: u64,
    state: &'a str,
    price: f64,
}

/// The id of a job by its number.
pub(crate) fn id(number: u64) -> String {
    format!("0199f1c2-{:04x}-7000-8000-{number:012x}", std::process::id() & 0xffff)
}

/// The message of a job that calls this resource.
pub(crate) fn message(id: &str, resource: &str, number: u64) -> Vec<u8> {
    // A host that is away for minutes is what its jobs are made for.
    let attempts = if resource == "late" { "50" } else { "3" };
    let lines: Vec<_> = (0..4).map(|n| json!({"sku": format!("sku-{n:04}"), "quantity": n + 1})).collect();
    let job = json!({
        "id": id, "engine": "default", "process": {"id": "order", "version": "3"}, "request": {"id": number},
        "element": {"id": "node_7", "name": "Place order", "token": "b1f0c2aa-5c1f-4d3c-9b6e-2f0d4a7c1e55"},
        "config": {
            "dataSource": "Orders", "endpoint": resource,
            "outboundConfig": [{"type": "PARAM", "key": "n", "value": "{{n}}"}],
            "dataMapping": [{"key": "order", "value": "order.id"}, {"key": "state", "value": "order.state"},
                            {"key": "price", "value": "price"}]},
        "errorHandling": {"timeout": "30", "retry_attempts": attempts, "retry_wait_time": "5"},
        "data": {"n": number, "customer": {"id": 7, "name": "Ada & Co", "city": "Paris"}, "lines": lines,
                 "note": "leave it at the door, please", "terms": "y".repeat(160)}
    });
    job.to_string().into_bytes()
}

/// Checks a result; `take` gives the number of the job that it names, once.
pub(crate) fn check<T>(message: &[u8], take: impl FnOnce(&str) -> Option<(u64, T)>) -> anyhow::Result<T> {
    let text = || String::from_utf8_lossy(message).into_owned();
    let result: JobResult<'_> = serde_json::from_slice(message).with_context(text)?;
    let (number, taken) = take(result.job).with_context(|| format!("nobody waits for {}", text()))?;
    let fits = result.status == "completed"
        && result.data.order == number
        && result.data.state == "held"
        && (result.data.price - price(number)).abs() < f64::EPSILON;
    ensure!(fits, "job {number} has another one's result: {}", text());
    Ok(taken)
}

/// The connector that the jobs name.
pub(crate) fn connector(third_party: &str) -> serde_json::Value {
    let resource = |kind: &str| {
        json!({"method": "POST", "url": format!("{third_party}/{kind}/{{{{n}}}}"), "body_type": "json",
               "headers": [{"key": "Content-Type", "value": "application/json", "required": true}],
               "body": r#"{"customer": "{{customer.name}}", "lines": {{{lines | json}}}, "note": "{{note}}"}"#})
    };
    let kinds = ["quick", "slow", "large", "late", "after200", "after2000"];
    let resources: serde_json::Map<_, _> = kinds.iter().map(|kind| ((*kind).to_owned(), resource(kind))).collect();
    json!([{"name": "Orders", "type": "REST", "authtype": "NONE",
            "endpoints": resources}])
}
