//! Every form of COMPATIBILITY 1.2-1.8 and of CONTRACT 5, one model each.

use bpmn_ext::{Dialect, Loop};
use serde_json::{Value, json};

use super::{clean, element_ids, fixture, task};

#[test]
fn a_service_task_as_modelers_write_it() {
    let model = clean("service-task.bpmn");
    assert_eq!(element_ids(&model), [("ProcessId", "node_7")]);
    let process = &model.processes[0];
    assert_eq!((&*process.id, process.name.as_deref(), process.is_executable), ("ProcessId", Some("Quotation"), true));
    let expected = json!({
        "process": "ProcessId", "element": "node_7", "name": "Fetch rates", "dialect": "processMakerServiceTask",
        "config": {
            "dataSource": 1, "endpoint": "list",
            "dataMapping": [{"value": "data", "key": "responseData", "format": "dotNotation"}],
            "outboundConfig": [{"value": "weee", "type": "PARAM", "key": "maxLength", "format": "mustache"}],
            "callback": false,
        },
        "errorHandling": {"timeout": "20", "retry_attempts": 3, "retry_wait_time": 5, "inapp_notification": true},
        "loopCharacteristics": null, "inputs": [], "outputs": [], "boundaryErrors": [],
        "incoming": ["node_8"], "outgoing": ["node_9"],
    });
    assert_eq!(task(&model, "node_7"), expected);
}

#[test]
fn the_position_of_a_task_is_its_start_tag() {
    let text = fixture("service-task.bpmn");
    let position = clean("service-task.bpmn").tasks[0].position;
    let tag = text.get(position.start..position.end).unwrap();
    assert_eq!((position.line, position.column), (8, 5));
    assert!(tag.starts_with("<bpmn:serviceTask id=\"node_7\"") && tag.ends_with("}\">"), "{tag}");
}

#[test]
fn prefixes_are_arbitrary_and_the_namespace_decides() {
    let model = clean("bpmn2-prefix.bpmn");
    assert_eq!(element_ids(&model), [("sales", "ask"), ("stock", "answer")]);
    let executable: Vec<_> = model.processes.iter().map(|process| (&*process.id, process.is_executable)).collect();
    assert_eq!(executable, [("sales", true), ("stock", false)]);
    let ask = task(&model, "ask");
    assert_eq!(ask["config"], json!({"dataSource": "7", "endpoint": "ask"}));
    assert_eq!(
        (&ask["incoming"], &ask["outgoing"]),
        (&json!(["flow_in"]), &json!(["flow_out"])),
        "no flow in the file"
    );
    assert_eq!(task(&model, "answer")["config"], json!({}), "PHP's empty object");
}

#[test]
fn the_default_namespace_and_single_quotes() {
    let model = clean("default-namespace.bpmn");
    let quoted = task(&model, "quoted");
    assert_eq!(quoted["name"], "Größe & Preis");
    assert_eq!(quoted["config"], json!({"queue": "custom-queue", "dataSource": 3, "endpoint": "it's"}));
}

#[test]
fn call_activities_that_are_connectors() {
    let model = clean("call-activity.bpmn");
    assert_eq!(element_ids(&model), [("ProcessId", "node_1"), ("ProcessId", "node_2"), ("ProcessId", "node_3")]);
    assert!(model.tasks.iter().all(|task| task.dialect == Dialect::ProcessMakerCallActivity));
    let callback = task(&model, "node_1");
    assert_eq!(callback["config"]["callback"], true);
    assert_eq!(callback["config"]["callback_whitelist"], json!(["127.0.0.1", "10.0.0.1"]));
    assert_eq!(callback["errorHandling"], json!({}));
    assert_eq!(task(&model, "node_2")["errorHandling"], Value::Null, "empty: the resource decides");
}

#[test]
fn the_form_of_2019() {
    let model = clean("form-2019.bpmn");
    assert_eq!(task(&model, "node_3")["config"], json!({"dataSource": "", "dataMapping": []}));
}

#[test]
fn connectors_at_any_depth_belong_to_their_process() {
    let model = clean("nested.bpmn");
    let expected = [("outer", "in_sub"), ("outer", "deep"), ("outer", "behind"), ("second", "other")];
    assert_eq!(element_ids(&model), expected);
    assert_eq!(task(&model, "deep")["outgoing"], json!(["deep_out"]));
}

#[test]
fn loops_and_their_data() {
    let model = clean("loops.bpmn");
    let parallel = task(&model, "parallel");
    assert_eq!(parallel["inputs"], json!([{"id": "parallel_input_1", "name": "orders", "isCollection": true}]));
    assert_eq!(parallel["outputs"], json!([{"id": "parallel_output_1", "name": "answers", "isCollection": true}]));
    let expected = json!({
        "kind": "multiInstance", "sequential": false, "cardinality": null,
        "completionCondition": "numberOfCompletedInstances >= 3 && ok",
        "inputCollection": "orders", "outputCollection": "answers",
        "inputItem": "order", "outputItem": "parallel_result",
    });
    assert_eq!(parallel["loopCharacteristics"], expected);
    let expected = json!({
        "kind": "multiInstance", "sequential": true, "cardinality": "3", "completionCondition": null,
        "inputCollection": "elsewhere", "outputCollection": null, "inputItem": null, "outputItem": null,
    });
    let sequential = task(&model, "sequential");
    assert_eq!(sequential["loopCharacteristics"], expected);
    assert_eq!(sequential["inputs"], json!([{"id": null, "name": "customer", "isCollection": false}]));
    let standard = model.tasks.iter().find(|task| task.element == "standard").unwrap();
    let (maximum, condition) = (Some("5".to_owned()), Some("again == true".to_owned()));
    assert_eq!(standard.loop_characteristics, Some(Loop::Standard { maximum, condition, test_before: false }));
    assert_eq!(task(&model, "once")["loopCharacteristics"], Value::Null);
}

#[test]
fn boundary_events_that_catch_errors() {
    let (model, diagnostics) = bpmn_ext::read(&fixture("boundary-errors.bpmn"));
    let expected = json!([
        {"id": "catch_all", "name": "Anything", "cancelActivity": true, "errorRef": null, "errorCode": null},
        {"id": "catch_missing", "name": null, "cancelActivity": false, "errorRef": "error_missing", "errorCode": "RATE_MISSING"},
        {"id": "catch_nameless", "name": null, "cancelActivity": true, "errorRef": "error_without_code", "errorCode": null},
        {"id": "catch_lost", "name": null, "cancelActivity": true, "errorRef": "error_lost", "errorCode": null},
    ]);
    assert_eq!(task(&model, "node_7")["boundaryErrors"], expected);
    let expected = "16:7: warning[unknown-error]: boundary event `catch_lost` catches `error_lost`, which is not in the \
        file (add the error, or remove errorRef to catch all)";
    assert_eq!(super::lines(&diagnostics), [expected]);
}

#[test]
fn our_extension_becomes_the_workers_configuration() {
    let model = clean("extension.bpmn");
    assert_eq!(element_ids(&model), [("quotation", "full"), ("quotation", "least")]);
    let expected = json!({
        "process": "quotation", "element": "full", "name": "Fetch rates", "dialect": "extension",
        "config": {
            "dataSource": "Rates", "endpoint": "latest", "queue": "slow", "repeat": "safe",
            "outboundConfig": [
                {"type": "PARAM", "key": "base", "value": "{{currency}}", "format": "mustache"},
                {"type": "HEADER", "key": "X-Trace", "value": "a\nb", "format": "feel"},
            ],
            "dataMapping": [
                {"key": "rate", "value": "rates.EUR", "format": "dotNotation"},
                {"key": "answer", "value": "", "format": "dotNotation"},
                {"key": "first", "value": "data[0]", "format": "jmespath"},
            ],
            "retry": {
                "attempts": 4, "wait": "PT5S", "backoff": "exponential", "maxWait": "PT5M", "budget": "PT1H",
                "statuses": "408,425,429,5xx",
            },
            "timeout": "PT20S",
            "errorMapping": [
                {"when": "404", "code": "RATE_MISSING", "message": "no rate for {{currency}}"},
                {"when": "4xx,503", "code": "RATE_REFUSED"},
            ],
            "success": "2xx,304",
        },
        "errorHandling": null, "loopCharacteristics": null, "inputs": [], "outputs": [], "boundaryErrors": [],
        "incoming": ["flow_1"], "outgoing": [],
    });
    assert_eq!(task(&model, "full"), expected);
    assert_eq!(task(&model, "least")["config"], json!({"dataSource": "12", "endpoint": "ping"}));
}
