//! Diagnostics of reading: exact messages and positions.

use serde_json::json;

use super::{codes, element_ids, fixture, lines, task};

/// A model in one line, so that columns are easy to count.
fn model(process: &str) -> String {
    format!("<definitions xmlns='http://www.omg.org/spec/BPMN/20100524/MODEL' id='d'>\n{process}\n</definitions>")
}

#[test]
fn broken_json_is_reported_at_its_character_and_passed_on_unparsed() {
    let (model, diagnostics) = bpmn_ext::read(&fixture("broken-json.bpmn"));
    let help = "(correct the JSON; until then the worker gets the unparsed text and refuses it)";
    let expected = [
        format!("5:40: error[broken-config]: `Escaped (escaped)`: pm:config is not JSON: expected value, at `,` {help}"),
        format!("8:29: error[broken-config]: `wrapped`: pm:config is not JSON: expected ident, at `o` {help}"),
        format!(
            "8:65: error[broken-error-handling]: `wrapped`: pm:errorHandling is not JSON: EOF while parsing an object, \
             at its end {help}"
        ),
        "10:18: error[broken-config]: `list`: pm:config is JSON but not an object (write an object: {\"name\": value, …})"
            .to_owned(),
        "11:5: error[missing-config]: `nothing` is a connector without pm:config (choose a connector and a resource)"
            .to_owned(),
    ];
    assert_eq!(lines(&diagnostics), expected);
    assert_eq!(task(&model, "escaped")["config"], json!(r#"{"dataSource":,"endpoint":"list"}"#));
    assert_eq!(task(&model, "wrapped")["errorHandling"], json!(r#"{"timeout":5"#));
    assert_eq!(task(&model, "list")["config"], json!("[1]"));
    assert_eq!(task(&model, "nothing")["config"], json!({}));
    assert_eq!(element_ids(&model).len(), 5);
}

#[test]
fn the_span_of_broken_json_covers_the_escaped_character() {
    let text = fixture("broken-json.bpmn").replace(":,&#34;endpoint", ":&#44;&#34;endpoint");
    let (_, diagnostics) = bpmn_ext::read(&text);
    let position = diagnostics[0].position;
    assert_eq!(text.get(position.start..position.end), Some("&#44;"));
}

#[test]
fn mistakes_in_our_extension() {
    let (model, diagnostics) = bpmn_ext::read(&fixture("extension-mistakes.bpmn"));
    let parts = "known are input, output, retry, timeout, errorMapping, success";
    let expected = [
        "6:9: error[missing-attribute]: `Members (members)`: `dataConnector` requires the attribute `resource` (write resource=\"…\")",
        "6:56: warning[unknown-attribute]: `Members (members)`: `dataConnector` has no attribute `resorce` (known are connector, resource, queue, repeat)",
        "6:72: error[unknown-value]: `Members (members)`: `repeat` of `dataConnector` cannot be `always` (write safe, unsafe)",
        "7:29: error[unknown-value]: `Members (members)`: `type` of `input` cannot be `COOKIE` (write param, header or body)",
        "8:11: error[missing-attribute]: `Members (members)`: `input` requires the attribute `type` (write type=\"…\")",
        "8:11: error[missing-attribute]: `Members (members)`: `input` requires the attribute `value` (write value=\"…\")",
        "8:42: error[unknown-value]: `Members (members)`: `format` of `input` cannot be `Mustache` (write mustache, feel)",
        "9:11: error[missing-attribute]: `Members (members)`: `output` requires the attribute `variable` (write variable=\"…\")",
        "10:33: error[unknown-value]: `Members (members)`: `attempts` of `retry` cannot be `many` (write a whole number)",
        "10:48: error[unknown-value]: `Members (members)`: `backoff` of `retry` cannot be `linear` (write fixed, exponential)",
        "11:11: error[missing-attribute]: `Members (members)`: `timeout` requires the attribute `value` (write value=\"…\")",
        "13:11: error[repeated-element]: `Members (members)`: `timeout` is given twice (keep one; the first is used)",
        "14:11: error[missing-attribute]: `Members (members)`: `errorMapping` requires the attribute `when` (write when=\"…\")",
        &format!(
            "15:11: warning[unknown-element]: `Members (members)`: `inputs` is not a part of `dataConnector` and is ignored ({parts})"
        ),
        &format!(
            "16:11: warning[unknown-element]: `Members (members)`: `documentation` is not a part of `dataConnector` and is ignored ({parts})"
        ),
        "18:9: error[several-connectors]: `Members (members)` has more than one dataConnector; the first is used (use one element for each call)",
        "22:26: warning[misplaced-connector]: dataConnector is ignored in `Approve (user)` of type `userTask` (put it into a service task or a send task)",
        "24:5: error[two-dialects]: `both` is a connector in two dialects; dataConnector is used (remove `pm:config` or dataConnector)",
    ];
    assert_eq!(lines(&diagnostics), expected);
    assert_eq!(element_ids(&model), [("mistakes", "members"), ("mistakes", "both")]);
    assert_eq!(task(&model, "members")["config"]["retry"], json!({"attempts": "many", "backoff": "linear"}));
    assert_eq!(task(&model, "members")["config"]["timeout"], "PT1S");
    assert_eq!(task(&model, "both")["config"], json!({"dataSource": "Rates", "endpoint": "latest"}));
}

#[test]
fn ids_are_required_and_unique() {
    let connector = "implementation='package-data-sources/data-source-task-service'";
    let text = model(&format!(
        "<process id='p'><task id='a'/><serviceTask id='a' {connector}/><task id='a'/>\n\
         <serviceTask name='No id' {connector}/><boundaryEvent attachedToRef='a'><errorEventDefinition/></boundaryEvent>\n\
         </process><process><serviceTask id='b' {connector}/></process>"
    ));
    let (model, diagnostics) = bpmn_ext::read(&text);
    let found: Vec<_> = lines(&diagnostics).into_iter().filter(|line| !line.contains("missing-config")).collect();
    let expected = [
        "2:31: error[duplicate-id]: the id `a` of this `serviceTask` is taken by the element in line 2, column 17 (give each element an id of its own)",
        "2:115: warning[duplicate-id]: the id `a` of this `task` is taken by the element in line 2, column 17 (give each element an id of its own)",
        "3:1: error[missing-id]: `No id (serviceTask)` has no id, so no job can refer to it; it is ignored (write id=\"…\")",
        "3:91: error[missing-id]: an error boundary event of `a` has no id and is ignored (write id=\"…\")",
        "4:11: error[missing-id]: a process has no id, so its connectors cannot be deployed (write id=\"…\")",
    ];
    assert_eq!(found, expected);
    assert_eq!(element_ids(&model), [("p", "a"), ("", "b")]);
}

#[test]
fn what_is_not_a_model_is_refused_with_its_position() {
    let bpmn = "xmlns='http://www.omg.org/spec/BPMN/20100524/MODEL'";
    for (text, expected) in [
        ("", "1:1: error[not-bpmn]: the file has no element"),
        (
            "{\"a\": 1}",
            "1:1: error[not-well-formed]: this is not well-formed XML: there is text outside of the root element",
        ),
        ("\n <definitions/>", "2:2: error[not-bpmn]: the root element `definitions` is not `definitions` of BPMN 2.0"),
        (
            &format!("<process {bpmn}/>"),
            "1:1: error[not-bpmn]: the root element `process` is not `definitions` of BPMN 2.0",
        ),
        (
            &format!("<!DOCTYPE d>\n<definitions {bpmn}/>"),
            "1:1: error[doctype]: the file has a DOCTYPE, which is refused",
        ),
        (
            &format!("<definitions {bpmn}>"),
            "1:1: error[not-well-formed]: this is not well-formed XML: the element `definitions` is never closed",
        ),
        (
            &format!("<definitions {bpmn}>\n<a></b>"),
            "2:4: error[not-well-formed]: this is not well-formed XML: ill-formed document: expected `</a>`, but `</b>` was found",
        ),
        (
            &format!("<definitions {bpmn}/>\n<b/>"),
            "2:1: error[not-well-formed]: this is not well-formed XML: a second root element begins here",
        ),
        (
            &format!("<definitions {bpmn}/>\nb"),
            "1:67: error[not-well-formed]: this is not well-formed XML: there is text outside of the root element",
        ),
        (
            &format!("<definitions {bpmn}>\n<task id='a' id='b'/></definitions>"),
            "2:14: error[not-well-formed]: this is not well-formed XML: an attribute is given twice",
        ),
        (
            &format!("<definitions {bpmn}>\n<task id=a/></definitions>"),
            "2:10: error[not-well-formed]: this is not well-formed XML: an attribute's value has no quotes",
        ),
        (
            &format!("<definitions {bpmn}>\n<task name='A & B'/></definitions>"),
            "2:15: error[not-well-formed]: `&` begins a reference that XML does not know",
        ),
        (
            &format!("<definitions {bpmn}>\n<task>&nbsp;</task></definitions>"),
            "2:7: error[not-well-formed]: `&` begins a reference that XML does not know",
        ),
        (
            &format!("<definitions {bpmn}>\n<task"),
            "2:1: error[not-well-formed]: this is not well-formed XML: syntax error: tag not closed",
        ),
        (
            &format!("<?xml version='1.0' encoding='UTF-7'?><definitions {bpmn}/>"),
            "1:31: error[unknown-encoding]: the file declares encoding `UTF-7`, which is not read",
        ),
    ] {
        let (model, diagnostics) = bpmn_ext::read(text);
        let found = lines(&diagnostics);
        assert!(matches!(&found[..], [line] if line.starts_with(expected)), "{text}: {found:?}");
        assert!(model.tasks.is_empty());
    }
}

#[test]
fn what_was_read_before_an_error_is_in_the_model() {
    let whole = fixture("nested.bpmn");
    let (cut, _) = whole.split_once("<bpmn:serviceTask id=\"behind\"").unwrap();
    let (model, diagnostics) = bpmn_ext::read(cut);
    assert_eq!(element_ids(&model), [("outer", "in_sub"), ("outer", "deep")]);
    assert_eq!(codes(&diagnostics), ["not-well-formed"]);
}

#[test]
fn a_byte_order_mark_counts_in_offsets_only() {
    let text = fixture("default-namespace.bpmn");
    let marked = format!("\u{feff}{text}");
    let (with, without) = (bpmn_ext::read(&marked).0, bpmn_ext::read(&text).0);
    assert_eq!(with.tasks[0].position.start, without.tasks[0].position.start + 3);
    assert_eq!(with.tasks[0].position.column, without.tasks[0].position.column);
}
