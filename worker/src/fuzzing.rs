//! What fuzz targets call: everything that reads texts of other people, with any bytes. Nothing may panic, and every call ends.
//!
//! `worker/fuzz` has the targets; a test here replays their corpora and some mutations of them.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use serde_json::{Map, Value, json};
use url::Url;

use crate::connector::{MappingRow, NextPage, Pagination, RowFormat, Rules};
use crate::http::answers_challenge;
use crate::import;
use crate::interpret::{CompiledRules, Mapping, Pages, Response, ResponseContext, interpret, seen};
use crate::plan::expression::{EvalContext, Expression, Missing};
use crate::plan::template::{Escape, Scope, Template};
use crate::plan::{Feel, Redactor};

/// What is called with any bytes.
pub type Target = fn(&[u8]);

/// Every target by its name.
pub const TARGETS: [(&str, Target); 8] = [
    ("template", template),
    ("expression", expression),
    ("path", path),
    ("xml", xml),
    ("charset", charset),
    ("link", link),
    ("challenge", challenge),
    ("curl", curl),
];

/// A template, rendered for every slot.
pub fn template(bytes: &[u8]) {
    let Ok(template) = Template::parse(&text(bytes)) else { return };
    let data = data();
    let scope = Scope::new(&data);
    for escape in [Escape::None, Escape::Percent, Escape::Form, Escape::Json, Escape::Xml, Escape::Html] {
        template.render(&scope, escape).unwrap_or_default();
    }
    template.all_variables();
}

/// An expression, as a row and as a condition.
pub fn expression(bytes: &[u8]) {
    let (source, data, env) = (text(bytes), data(), BTreeMap::new());
    let (scope, ctx) = (Scope::new(&data), EvalContext { now_ms: 0, env: &env });
    if let Ok(expression) = Expression::parse(&source) {
        expression.evaluate(&scope, ctx, Missing::Refused).unwrap_or_default();
        expression.holds(&scope, ctx).unwrap_or_default();
        expression.variables();
    }
    if let Ok(feel) = Feel::parse(&source) {
        feel.evaluate(&scope, ctx).unwrap_or_default();
    }
}

/// A source of a row in every language, of data and of text.
pub fn path(bytes: &[u8]) {
    let source = text(bytes);
    for format in [RowFormat::DotPath, RowFormat::JmesPath, RowFormat::Mustache, RowFormat::Feel] {
        for (kind, body) in [("application/json", Value::Object(data()).to_string()), ("text/plain", "text".to_owned())]
        {
            read(&[(format, &source)], kind, body.into());
        }
    }
}

/// An XML answer.
pub fn xml(bytes: &[u8]) {
    let rows = [(RowFormat::DotPath, ""), (RowFormat::DotPath, "a.b.0"), (RowFormat::Mustache, "{{a.0.b.0}}")];
    read(&rows, "text/xml", Bytes::copy_from_slice(bytes));
}

/// An answer whose content type is its first line.
pub fn charset(bytes: &[u8]) {
    let (kind, body) = match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) => bytes.split_at(end),
        None => (&b"text/plain"[..], bytes),
    };
    read(&[(RowFormat::DotPath, "")], &text(kind), Bytes::copy_from_slice(body));
}

/// `Link` headers, one a line.
pub fn link(bytes: &[u8]) {
    let values = bytes.split(|byte| *byte == b'\n').filter_map(|line| HeaderValue::from_bytes(line).ok());
    let headers: HeaderMap = values.map(|value| (http::header::LINK, value)).collect();
    let response = Response { status: 200, headers, body: Bytes::from_static(b"[1]"), warnings: Vec::new() };
    let pagination = Some(Pagination { next: NextPage::Link, until: None, pages: 100 });
    let rules = Rules { pagination, ..Rules::default() };
    let Ok(url) = Url::parse("https://h.example/a/b?c") else { return };
    with_context(&[], &rules, |context| {
        Pages::default().add(&url, &response, context, 1 << 20).map(drop).unwrap_or_default();
    });
}

/// A `WWW-Authenticate` header, one a line.
pub fn challenge(bytes: &[u8]) {
    let values = bytes.split(|byte| *byte == b'\n').filter_map(|line| HeaderValue::from_bytes(line).ok());
    let headers: HeaderMap = values.map(|value| (http::header::WWW_AUTHENTICATE, value)).collect();
    answers_challenge(&headers);
}

/// A cURL command line.
pub fn curl(bytes: &[u8]) {
    import::convert(&text(bytes), Some(import::Kind::Curl), None).map(drop).unwrap_or_default();
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Some of everything.
fn data() -> Map<String, Value> {
    let data = json!({
        "a": {"b": [1, 2.5, "x", null, true], "c": {"d": "e"}}, "list": [{"n": 1}, {"n": 2}, []], "text": "a<b>&\"'%\n{{a}}",
        "zero": 0, "no": false, "none": null, "json": "{\"k\": [1]}", "big": 123_456_789_012_345_678_u64, "empty": {},
    });
    data.as_object().cloned().unwrap_or_default()
}

fn read(rows: &[(RowFormat, &str)], kind: &str, body: Bytes) {
    let Ok(kind) = HeaderValue::from_str(kind) else { return };
    let headers = HeaderMap::from_iter([(http::header::CONTENT_TYPE, kind)]);
    let response = Response { status: 200, headers, body, warnings: Vec::new() };
    with_context(rows, &Rules::default(), |context| {
        interpret(&response, context).map(drop).unwrap_or_default();
        seen(&response, context.redactor);
    });
}

/// Calls `work` unless a row does not parse.
fn with_context(rows: &[(RowFormat, &str)], rules: &Rules, work: impl FnOnce(&ResponseContext<'_>)) {
    let row = |(format, source): &(RowFormat, &str)| MappingRow {
        key: "k".to_owned(),
        value: (*source).to_owned(),
        format: *format,
    };
    let rows: Vec<MappingRow> = rows.iter().map(row).collect();
    let (Ok(mapping), Ok(rules)) = (Mapping::new(Some(&rows)), CompiledRules::new(rules, "")) else { return };
    let (data, env, redactor) = (data(), BTreeMap::new(), Redactor::of([&"a secret of the call".into()]));
    work(&ResponseContext {
        data: &data,
        mapping: &mapping,
        rules: [&rules, &rules, &rules],
        method: &Method::GET,
        ctx: EvalContext { now_ms: 0, env: &env },
        inline_bytes: 1 << 20,
        redactor: &redactor,
    });
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Mutations of each input; more of them with `FUZZ_ROUNDS` in the environment.
    const ROUNDS: usize = 20;

    /// The inputs of a target.
    fn corpus(target: &str) -> Vec<Vec<u8>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
        let files = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        let inputs: Vec<Vec<u8>> = files.flatten().map(|file| std::fs::read(file.path()).unwrap()).collect();
        assert!(inputs.len() > 5, "{target}");
        inputs
    }

    /// A byte changed, removed or doubled, a piece repeated, or another input's end.
    fn mutated(input: &[u8], other: &[u8], random: &mut fastrand::Rng) -> Vec<u8> {
        const SIGNS: &[u8] = b"{}[]()<>\"'\\.,;:=|&#^/!$@*?+-% \n0a\x00\xff\xc3";
        let mut bytes = input.to_vec();
        for _ in 0..random.usize(1..6) {
            let at = random.usize(0..=bytes.len());
            let to = (at + random.usize(0..8)).min(bytes.len());
            match random.u8(0..5) {
                0 => bytes.insert(at, SIGNS[random.usize(0..SIGNS.len())]),
                1 => drop(bytes.drain(at..to)),
                2 => {
                    let piece = bytes[at..to].repeat(random.usize(1..40));
                    bytes.splice(at..at, piece);
                }
                3 => {
                    let from = random.usize(0..=other.len());
                    bytes.truncate(at);
                    bytes.extend_from_slice(&other[from..]);
                }
                _ => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte = random.u8(..);
                    }
                }
            }
        }
        bytes
    }

    #[test]
    fn the_corpora_and_mutations_of_them_do_no_harm() {
        let rounds = std::env::var("FUZZ_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(ROUNDS);
        let mut random = fastrand::Rng::with_seed(7);
        for (name, target) in TARGETS {
            let inputs = corpus(name);
            for input in &inputs {
                target(input);
                for _ in 0..rounds {
                    let other = &inputs[random.usize(0..inputs.len())];
                    let bytes = mutated(input, other, &mut random);
                    let done = std::panic::catch_unwind(|| target(&bytes));
                    assert!(done.is_ok(), "{name}: {:?}", String::from_utf8_lossy(&bytes));
                }
            }
        }
    }
}
