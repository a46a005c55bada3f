//! No text takes long, is made into much, or stops anything.

use std::time::Duration;

use serde_json::json;

use crate::import::{Conversion, Error, TEXT_BYTES, convert};

/// Processor time that a text may take here, where nothing is optimized.
const TIME: Duration = Duration::from_secs(10);

fn quickly(what: &str, text: &str) -> Result<Conversion, Error> {
    let start = processor_time();
    let result = convert(text, None, None);
    let spent = processor_time().saturating_sub(start);
    assert!(spent < TIME, "{what}: {spent:?} for {} bytes", text.len());
    result
}

/// That of this thread, which a busy machine does not lengthen.
pub(super) fn processor_time() -> Duration {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(statistics.split(' ').next().unwrap().parse().unwrap())
}

#[test]
fn large_texts_take_time_in_proportion() {
    let many = |piece: &str, times: usize| piece.repeat(times);
    let n = 200_000;
    for (what, text) in [
        ("quotes", format!("curl https://a.example/ -d '{}", many("\"", n))),
        ("braces", format!("curl https://a.example/ -d '{}'", many("{", n))),
        ("braces of a template", format!("curl https://a.example/ -d '{}'", many("{{", n))),
        ("dollars", format!("curl https://a.example/ -d \"{}\"", many("$a${b}", n))),
        ("doubling", format!("a=xxxxxxxxxx\n{}curl https://a.example/$a", many("a=$a$a\n", 200))),
        ("options", format!("curl https://a.example/ {}", many("-H 'a: b' ", n / 10))),
        ("urls and headers", format!("curl {} {}", many("https://a.example/ ", 3_000), many("-H 'a: b' ", 3_000))),
        ("commands", many("curl https://a.example/x -u a:b\n", n / 20)),
        ("carets", format!("curl ^\"https://a.example/^\" {}", many("^^\"\\", n))),
        ("here-documents", format!("curl a.example -d @- {}\n", many("<<E ", n / 100))),
        ("brackets", many("[", n)),
        ("braces of JSON", many("{\"a\":", n)),
        ("flow of YAML", format!("a: {}", many("[", n))),
        ("keys of YAML", many("? ", n)),
        ("depth of YAML", (0..2_000).map(|depth| " ".repeat(depth) + "a:\n").collect()),
    ] {
        drop(quickly(what, &text));
    }
    let error = quickly("too large", &" ".repeat(TEXT_BYTES + 1)).unwrap_err().to_string();
    assert!(error.starts_with("Line 1, column 1: the text has"), "{error}");
    let error = quickly("too deep", &format!("{}{}", "[".repeat(200), "]".repeat(200))).unwrap_err().to_string();
    assert!(error.contains("column 12") && error.contains("deep"), "{error}");
}

#[test]
fn aliases_are_bounded_and_told_with_their_place() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let item = format!("*a{}", level - 1);
        let items = [item.as_str(); 10].join(", ");
        text.extend([format!("a{level}: &a{level} [{items}]\n")]);
    }
    let begun = processor_time();
    let error = quickly("laughs", &text).unwrap_err();
    let bomb = processor_time().saturating_sub(begun);
    let Error::Text { position, problem } = &error else { panic!("{error}") };
    assert!(position.line > 1 && problem.contains("alias"), "{error}");
    let long = "- {a: x, b: [y, z]}\n".repeat(10_000);
    let begun = processor_time();
    drop(quickly("long", &long));
    let long = processor_time().saturating_sub(begun);
    assert!(bomb < long, "{} bytes took {bomb:?}, and 200,000 bytes of no alias {long:?}", text.len());
}

#[test]
fn a_tab_is_reported_where_it_is() {
    for (text, line, column) in [
        ("a: b\n\tc: d\n", 2, 1),
        ("a:\n  b: 1\n  \tc: 2\n", 3, 3),
        ("a: 1\r\n\tb: 2\r\n", 2, 1),
        ("a: x\n\t\n\n\tb: 1\n", 4, 1),
        ("- name: R\n  url: ü\n\t  method: GET\n", 3, 1),
        ("a:\n\t- b\n", 2, 2),
    ] {
        let error = convert(text, None, None).unwrap_err();
        let Error::Text { position, problem } = &error else { panic!("{error}") };
        assert_eq!((position.line, position.column), (line, column), "{text:?}: {error}");
        assert!(problem.contains("tab"), "{error}");
    }
}

#[test]
fn references_do_not_multiply() {
    let operation = json!({"get": {"parameters": (0..200).map(|_| json!({"$ref": "#/p"})).collect::<Vec<_>>()}});
    let document = |count: usize| {
        let paths: serde_json::Map<_, _> = (0..count).map(|n| (format!("/{n}"), operation.clone())).collect();
        json!({"openapi": "3.0.0", "paths": paths, "p": {"name": "p", "in": "query"}}).to_string()
    };
    quickly("parameters", &document(1_000)).unwrap();
    let error = quickly("too many parameters", &document(3_000)).unwrap_err().to_string();
    assert!(error.contains("split the document"), "{error}");
    // Each level requires ten of the next one.
    let mut schemas = serde_json::Map::new();
    for level in 0..20 {
        let next = json!({"$ref": format!("#/components/schemas/s{}", level + 1)});
        let properties: serde_json::Map<_, _> = (0..10).map(|n| (format!("p{n}"), next.clone())).collect();
        let names: Vec<_> = properties.keys().cloned().collect();
        schemas.insert(format!("s{level}"), json!({"type": "object", "required": names, "properties": properties}));
    }
    let body = json!({"content": {"application/json": {"schema": {"$ref": "#/components/schemas/s0"}}}});
    let paths: serde_json::Map<_, _> =
        (0..20).map(|n| (format!("/{n}"), json!({"post": {"requestBody": body}}))).collect();
    quickly("schemas", &json!({"openapi": "3.0.0", "paths": paths, "components": {"schemas": schemas}}).to_string())
        .unwrap();
    // One large example in many operations.
    let body = json!({"content": {"application/json": {"example": "x".repeat(100_000)}}});
    let paths: serde_json::Map<_, _> = (0..2_000)
        .map(|n| (format!("/{n}"), json!({"post": {"requestBody": {"$ref": "#/components/requestBodies/b"}}})))
        .collect();
    let text = json!({"openapi": "3.0.0", "paths": paths, "components": {"requestBodies": {"b": body}}}).to_string();
    let error = quickly("examples", &text).unwrap_err().to_string();
    assert!(error.contains("split the document"), "{error}");
    // Alternatives in alternatives, each of which leads back.
    let choice: Vec<_> = (0..10).map(|_| json!({"$ref": "#/components/schemas/s"})).collect();
    let text = json!({"openapi": "3.0.0", "paths": {"/": {"post": {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/s"}}}}}}},
        "components": {"schemas": {"s": {"allOf": choice, "properties": {"a": {"$ref": "#/components/schemas/s"}}, "required": ["a"]}}}});
    drop(quickly("alternatives", &text.to_string()));
}

/// Texts of all kinds, changed at random places: whatever comes of it, it comes soon, and nothing panics.
#[test]
fn no_mutation_panics_or_takes_long() {
    let seeds = [
        "curl -X POST 'https://a.example/{id}?x=1' -H \"Authorization: Bearer $T\" --data-raw $'{\"a\": \"\\u00e4\"}' -F a=@b",
        "curl ^\"https://a.example/%AB%^\" ^\n -u a:b -H \"x: \\\"y\\\"\" | jq <<E\nE\n",
        "{\"openapi\":\"3.1.0\",\"servers\":[{\"url\":\"https://{a}.example\",\"variables\":{\"a\":{\"default\":\"x\"}}}],\"paths\":{\"/a/{b}\":{\"post\":{\"security\":[{\"s\":[]}],\"parameters\":[{\"name\":\"b\",\"in\":\"path\",\"style\":\"matrix\",\"schema\":{\"type\":\"array\"}}],\"requestBody\":{\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/s\"}}}}}}},\"components\":{\"schemas\":{\"s\":{\"required\":[\"a\"],\"properties\":{\"a\":{\"$ref\":\"#/components/schemas/s\"}}}},\"securitySchemes\":{\"s\":{\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"k\"}}}}",
        "swagger: '2.0'\nhost: a.example\nx: &x {a: 1}\ny: *x\npaths:\n  /a:\n    get: {parameters: [{in: query, name: q, type: array, collectionFormat: csv}]}\n",
        "{\"info\":{\"name\":\"P\",\"_postman_id\":\"x\"},\"variable\":[{\"key\":\"a\",\"value\":\"{{b}}\"}],\"item\":[{\"name\":\"f\",\"item\":[{\"name\":\"r\",\"request\":{\"url\":{\"host\":[\"{{a}}\"],\"path\":[\":x\"]},\"auth\":{\"type\":\"basic\",\"basic\":[{\"key\":\"username\",\"value\":\"u\"}]},\"body\":{\"mode\":\"graphql\",\"graphql\":{\"query\":\"{{{q}}}\",\"variables\":\"{}\"}}}}]}]}",
        "{\"type\":\"process_package\",\"data_sources\":[{\"name\":\"A\",\"authtype\":\"NONE\",\"endpoints\":\"{\\\"a\\\":{\\\"url\\\":\\\"https://a\\\"}}\",\"credentials\":\"x\"}]}",
        "- name: R\n  endpoints:\n    a: {url: 'https://a.example/{{x}}', params: [{key: q}]}\n",
    ];
    let pieces: [&str; 24] = [
        "{", "}", "{{", "}}", "[", "]", "\"", "'", "\\", "$", "^", "`", "%", ":", ",", "\n", " ", "\u{fdd0}",
        "\u{fdd1}", "é", "😀", "null", "0", "\u{0}",
    ];
    let mut random = fastrand::Rng::with_seed(7);
    for round in 0..4_000 {
        let mut text: Vec<char> = seeds[round % seeds.len()].chars().collect();
        for _ in 0..random.usize(1..6) {
            let at = random.usize(0..=text.len());
            match random.u8(0..4) {
                0 => drop(text.splice(at..at, pieces[random.usize(0..pieces.len())].chars())),
                1 => drop(text.drain(at..(at + random.usize(0..4)).min(text.len()))),
                2 => {
                    let from = random.usize(0..=at);
                    let copied: Vec<char> = text[from..at].to_vec();
                    drop(text.splice(at..at, copied));
                }
                _ => text.truncate(at.max(1)),
            }
        }
        let text: String = text.into_iter().collect();
        let start = processor_time();
        let result = convert(&text, None, None);
        assert!(processor_time().saturating_sub(start) < Duration::from_secs(1), "{text}");
        if let Err(Error::Text { position, .. }) = &result {
            let lines = text.strip_prefix('\u{feff}').unwrap_or(&text).split('\n');
            let line = lines.clone().nth(position.line - 1).unwrap_or_else(|| panic!("{position:?} in {text:?}"));
            assert!(position.column <= line.chars().count() + 1, "{position:?} in {text:?}");
        }
        if let Ok(conversion) = result {
            conversion.records.iter().for_each(|record| drop(crate::connector::Connector::read(record).unwrap()));
        }
    }
}
