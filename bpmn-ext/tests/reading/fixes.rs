//! What a diagnostic says to programs: its element, the part of the configuration that is wrong, and the edits that make it
//! go away, the same in all dialects.

use bpmn_ext::Diagnostic;
use serde_json::{Value, json};

use super::rules::{camunda, conn, linted, model, pm, zeebe};

/// Code, path and fix of the diagnostics of a model's content.
fn found(content: &str, data: &[&str]) -> Value {
    let text = model(content);
    let shown = |d: &Diagnostic| json!([d.code, d.path, d.fix]);
    linted(&text, data).iter().map(shown).collect()
}

/// A fix with one title and its edits.
fn fix(title: &str, edits: &[(&str, Option<&str>)]) -> Value {
    let edits: Vec<_> = edits.iter().map(|(path, value)| json!({"path": path, "value": value})).collect();
    json!({"title": title, "edits": edits})
}

/// The configuration in ProcessMaker's dialect and in our own, and what is found in both.
#[expect(clippy::too_many_lines, reason = "a table")]
fn table() -> Vec<(&'static str, (&'static str, &'static str), Value)> {
    let remove = |title, path| fix(title, &[(path, None)]);
    let secret = json!([["secret-in-model", "inputs.api_key", null], ["undeclared-key", "inputs.api_key", null]]);
    vec![
        (
            r#""dataSource":"Rats","endpoint":"latest""#,
            ("connector='Rats' resource='latest'", ""),
            json!([["unknown-connector", "connector", fix("Use Rates", &[("connector", Some("Rates"))])]]),
        ),
        (
            r#""dataSource":"Mail","endpoint":"latest""#,
            ("connector='Mail' resource='latest'", ""),
            json!([["unknown-connector", "connector", null]]),
        ),
        (
            r#""dataSource":"Rates","endpoint":"ltest""#,
            ("connector='Rates' resource='ltest'", ""),
            json!([["unknown-resource", "resource", fix("Use latest", &[("resource", Some("latest"))])]]),
        ),
        (
            r#""dataSource":"Rates","endpoint":"latest","queue":"slwo""#,
            ("connector='Rates' resource='latest' queue='slwo'", ""),
            json!([["unknown-queue", "queue", fix("Use slow", &[("queue", Some("slow"))])]]),
        ),
        (
            r#""dataSource":"Rates","endpoint":"latest","queue":"s.l""#,
            ("connector='Rates' resource='latest' queue='s.l'", ""),
            json!([["unknown-queue", "queue", null]]),
        ),
        (
            r#""dataSource":"Rates","endpoint":"latest","outboundConfig":[{"type":"PARAM","key":"bas","value":"EUR"}]"#,
            ("connector='Rates' resource='latest'", "<conn:input type='param' key='bas' value='EUR'/>"),
            json!([[
                "undeclared-key",
                "inputs.bas",
                fix("Use base", &[("inputs.bas", None), ("inputs.base", Some("EUR"))])
            ]]),
        ),
        (
            r#""dataSource":"Rates","endpoint":"latest","outboundConfig":[{"type":"PARAM","key":"bas","value":"EUR"},{"type":"PARAM","key":"base","value":"EUR"}]"#,
            (
                "connector='Rates' resource='latest'",
                "<conn:input type='param' key='bas' value='EUR'/><conn:input type='param' key='base' value='EUR'/>",
            ),
            json!([["undeclared-key", "inputs.bas", remove("Remove bas", "inputs.bas")]]),
        ),
        (
            // A row that is added would be a parameter.
            r#""dataSource":"Orders","endpoint":"book","outboundConfig":[{"type":"BODY","key":"amout","value":"1"}]"#,
            ("connector='Orders' resource='book'", "<conn:input type='body' key='amout' value='1'/>"),
            json!([["undeclared-key", "inputs.amout", null]]),
        ),
        (
            r#""dataSource":"Rates","endpoint":"history""#,
            ("connector='Rates' resource='history'", ""),
            json!([["missing-required", "inputs.from", fix("Use {{from}}", &[("inputs.from", Some("{{from}}"))])]]),
        ),
        (
            r#""dataSource":"Rates","endpoint":"latest","dataMapping":[{"key":"a","value":"a"},{"key":"_request","value":"a"}]"#,
            (
                "connector='Rates' resource='latest'",
                "<conn:output variable='a' source='a'/><conn:output variable='_request' source='a'/>",
            ),
            json!([["reserved-name", "outputs.1.variable", remove("Remove _request", "outputs.1.variable")]]),
        ),
        (
            r#""dataSource":"Rates","endpoint":"latest","dataMapping":[{"key":"b","value":"a"},{"key":"a","value":"a"},{"key":"a","value":"b"}]"#,
            (
                "connector='Rates' resource='latest'",
                "<conn:output variable='b' source='a'/><conn:output variable='a' source='a'/><conn:output variable='a' source='b'/>",
            ),
            json!([["duplicate-mapping", "outputs.2.variable", remove("Remove the earlier a", "outputs.1.variable")]]),
        ),
        (
            r#""dataSource":"Rates","endpoint":"latest","outboundConfig":[{"type":"PARAM","key":"base","value":"{{"}],"dataMapping":[{"key":"{{","value":"a"},{"key":"b","value":"["}],"success":"status ==""#,
            (
                "connector='Rates' resource='latest'",
                "<conn:input type='param' key='base' value='{{'/><conn:output variable='{{' source='a'/><conn:output variable='b' source='['/><conn:success statuses='status =='/>",
            ),
            json!([
                ["unparsable-text", "inputs.base", null],
                ["unparsable-text", "outputs.0.variable", null],
                ["unparsable-text", "outputs.1.source", null],
                ["unparsable-text", null, null]
            ]),
        ),
        (
            r#""dataSource":"Rates","endpoint":"latest","errorMapping":[{"when":"4xx","code":"A"},{"when":"status ==","code":"B"}]"#,
            (
                "connector='Rates' resource='latest'",
                "<conn:errorMapping when='4xx' code='A'/><conn:errorMapping when='status ==' code='B'/>",
            ),
            json!([
                ["uncaught-error", "errors.0.code", null],
                ["unparsable-text", "errors.1.when", null],
                ["uncaught-error", "errors.1.code", null]
            ]),
        ),
        (
            r#""dataSource":"Rates","endpoint":"latest","outboundConfig":[{"type":"PARAM","key":"api_key","value":"abc"}]"#,
            ("connector='Rates' resource='latest'", "<conn:input type='param' key='api_key' value='abc'/>"),
            json!([secret[1], secret[0]]),
        ),
    ]
}

#[test]
fn findings_have_the_same_path_and_fix_in_both_spellings() {
    for (config, (attributes, content), expected) in table() {
        let written = pm(&format!("{{{config}}}"));
        assert_eq!(found(&written, &[]), expected, "{written}");
        let written = conn(attributes, content);
        assert_eq!(found(&written, &[]), expected, "{written}");
    }
}

#[test]
fn templates_have_them_too() {
    let lines = "a = x\nb = y\na = z";
    let expected = json!([[
        "duplicate-mapping",
        "outputs.2.variable",
        fix("Remove the earlier a", &[("outputs.0.variable", None)])
    ]]);
    let rates = [("connector", "Rates"), ("resource", "latest")];
    assert_eq!(found(&camunda(&[rates[0], rates[1], ("outputs", lines)]), &[]), expected);
    assert_eq!(found(&zeebe(&[rates[0], rates[1], ("outputs", &lines.replace('\n', "&#10;"))]), &[]), expected);
    let expected = json!([["missing-attribute", "resource", null]]);
    assert_eq!(found(&zeebe(&[rates[0]]), &[]), expected);
}

#[test]
fn a_variable_that_can_have_been_set_is_the_fix_of_one_that_cannot() {
    let reading = |text: &str| {
        conn("connector='Rates' resource='latest'", &format!("<conn:input type='param' key='base' value='{text}'/>"))
    };
    let expected = |fix: Value| json!([["unset-variable", "inputs.base", fix]]);
    let used = |value| fix("Use currency", &[("inputs.base", Some(value))]);
    assert_eq!(found(&reading("a{{curency}}b"), &["currency"]), expected(used("a{{currency}}b")));
    assert_eq!(found(&reading("curency {{curency}}"), &["currency"]), expected(used("currency {{currency}}")));
    assert_eq!(found(&reading("{{total}}"), &["currency"]), expected(json!(null)));
    // What is set later only is not the right one.
    let later = conn("connector='Rates' resource='latest'", "<conn:output variable='currency'/>").replace("'n'", "'m'");
    let flow = "<bpmn:sequenceFlow id='1' sourceRef='n' targetRef='m'/>";
    assert_eq!(found(&(reading("{{curency}}") + &later + flow), &["x"]), expected(json!(null)));
    let flow = "<bpmn:sequenceFlow id='1' sourceRef='m' targetRef='n'/>";
    assert_eq!(found(&(reading("{{curency}}") + &later + flow), &["x"]), expected(used("{{currency}}")));
}

#[test]
fn a_variable_that_nothing_sets_is_no_value_of_a_required_key() {
    let history = conn("connector='Rates' resource='history'", "");
    assert_eq!(found(&history, &["to"]), json!([["missing-required", "inputs.from", null]]));
    let value = fix("Use {{from}}", &[("inputs.from", Some("{{from}}"))]);
    assert_eq!(found(&history, &["from"]), json!([["missing-required", "inputs.from", value]]));
}

#[test]
fn every_finding_names_its_element() {
    let loops = "<bpmn:multiInstanceLoopCharacteristics/></bpmn:serviceTask>";
    let catch =
        "<bpmn:boundaryEvent id='b' attachedToRef='n'><bpmn:errorEventDefinition errorRef='x'/></bpmn:boundaryEvent>";
    let retried = conn("connector='Orders' resource='book'", "<conn:retry attempts='3'/>");
    let cases = [
        (conn("connector='Rates' resource='latest'", "").replace("</bpmn:serviceTask>", loops), json!("loop.list")),
        (retried, json!("retry.attempts")),
        (conn("connector='Rates' resource='latest'", "") + "<bpmn:startEvent id='s'/>", json!(null)),
        (
            conn("connector='Rates' resource='latest'", "")
                + catch
                + "<!-- after the process --><bpmn:error id='x' errorCode='GONE'/>",
            json!(null),
        ),
        (conn("connector='Rates' resource='latest'", "<conn:retry attempts='x'/>"), json!("retry.attempts")),
        (conn("connector='Rates' resource='latest'", "<conn:output source='x'/>"), json!("outputs.0.variable")),
        (conn("connector='Rates' resource='latest'", "<conn:timeout/>"), json!("timeout")),
        (conn("resource='latest'", ""), json!("connector")),
    ];
    for (content, path) in cases {
        let found = linted(&model(&content), &[]);
        let shown: Vec<_> = found.iter().map(|d| json!([d.element, d.name, d.path])).collect();
        assert_eq!(json!(shown), json!([["n", "N", path]]), "{content}: {found:?}");
    }
    let broken = &linted("<bpmn:definitions", &[])[0];
    assert_eq!(json!(broken)["element"], json!(null), "the file's own");
    assert_eq!(json!(broken)["path"], json!(null));
}

#[test]
fn texts_as_long_as_a_file_are_not_copied_into_diagnostics() {
    let key = "k".repeat(5_000);
    let found =
        found(&conn("connector='Orders' resource='book'", &format!("<conn:output variable='{key}'/>").repeat(2)), &[]);
    assert_eq!(found, json!([["duplicate-mapping", "outputs.1.variable", null]]));
    let content = format!("<conn:input type='body' key='{key}' value=''/>");
    let found = self::found(&conn("connector='Orders' resource='book'", &content), &[]);
    assert_eq!(found, json!([["undeclared-key", null, null]]));
}
