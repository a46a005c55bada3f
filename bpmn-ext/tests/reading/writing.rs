//! Writing into models: only the requested changes, and no other byte.

use bpmn_ext::write::{Target, WriteResult, convert, remove, set};
use bpmn_ext::{ConnectorTask, Dialect};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{fixture, lines};

/// Models of every dialect, without errors.
const MODELS: [&str; 8] = [
    "service-task.bpmn",
    "bpmn2-prefix.bpmn",
    "default-namespace.bpmn",
    "call-activity.bpmn",
    "loops.bpmn",
    "boundary-errors.bpmn",
    "extension.bpmn",
    "nested.bpmn",
];

fn example(name: &str) -> String {
    let path = format!("{}/../deploy/examples/{name}/model.bpmn", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The models of the tests and all examples.
fn models() -> Vec<(String, String)> {
    let examples = ["order", "multi-instance", "error-boundary"];
    let fixtures = MODELS.iter().map(|name| ((*name).to_owned(), fixture(name)));
    fixtures.chain(examples.iter().map(|name| ((*name).to_owned(), example(name)))).collect()
}

fn text(written: &WriteResult) -> String {
    String::from_utf8(written.file.clone()).unwrap()
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn object_ref(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap()
}

fn task(text: &str, element: &str) -> ConnectorTask {
    let (model, _) = bpmn_ext::read(text);
    model.tasks.into_iter().find(|task| task.element == element).unwrap_or_else(|| panic!("no {element} in {text}"))
}

/// Sets the configuration of an element after `change` has edited it.
fn changed(text: &str, element: &str, change: impl FnOnce(&mut Map<String, Value>)) -> WriteResult {
    let task = task(text, element);
    let mut config = object(&task.config);
    change(&mut config);
    let handling = task.error_handling.as_ref().map(object);
    set(text, element, Target::Extension, &config, handling.as_ref())
}

#[test]
fn setting_the_same_configuration_changes_no_byte() {
    for (name, text_of_model) in models() {
        let (model, _) = bpmn_ext::read(&text_of_model);
        assert!(!model.tasks.is_empty(), "{name}");
        for task in model.tasks {
            let written = changed(&text_of_model, &task.element, |_| {});
            assert_eq!(text(&written), text_of_model, "{name}: {}", task.element);
        }
    }
}

#[test]
fn a_changed_member_changes_its_attribute_only() {
    for (name, before) in models() {
        let (model, _) = bpmn_ext::read(&before);
        for task in model.tasks {
            let written =
                changed(&before, &task.element, |config| drop(config.insert("endpoint".into(), json!("a<'\"&"))));
            let after = text(&written);
            // What was changed is between the longest common start and end.
            let start = before.bytes().zip(after.bytes()).take_while(|(a, b)| a == b).count();
            let rest = before.len().min(after.len()) - start;
            let end = before.bytes().rev().zip(after.bytes().rev()).take(rest).take_while(|(a, b)| a == b).count();
            let touched = before.get(start..before.len() - end).unwrap_or_default();
            assert!(!touched.contains(['<', '>']), "{name}: {}: {touched}", task.element);
            assert_eq!(super::task(&bpmn_ext::read(&after).0, &task.element)["config"]["endpoint"], "a<'\"&", "{name}");
        }
    }
}

const RICH: &str = r#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:x="urn:data-connector:bpmn:1">
  <process id="p">
    <serviceTask  id='n'
        name="N">
      <extensionElements>
        <!-- who and what -->
        <x:dataConnector  connector = 'Rates' resource="latest" >
          <x:input type="Param" key="base" value="EUR"/>
          <x:input value="1" key="day" type="param"/><!-- one row -->
          <x:output variable="rate" source="rates.EUR" format="dotNotation"/>
          <x:timeout value="20"></x:timeout>
        </x:dataConnector>
      </extensionElements>
    </serviceTask>
  </process>
</definitions>
"#;

#[test]
fn rows_are_changed_added_and_removed_one_by_one() {
    let row = |key: &str, value: &str| json!({"type": "PARAM", "key": key, "value": value, "format": "mustache"});
    let removed = "          <x:input type=\"Param\" key=\"base\" value=\"EUR\"/>\n";
    let after_day = "type=\"param\"/><!-- one row -->";
    for (what, change, old, new) in [
        ("first row removed", json!({"outboundConfig": [row("day", "1")]}), removed, ""),
        (
            "a row inserted",
            json!({"outboundConfig": [row("base", "EUR"), row("to", "X"), row("day", "1")]}),
            "value=\"EUR\"/>",
            "value=\"EUR\"/>\n          <x:input type=\"param\" key=\"to\" value=\"X\"/>",
        ),
        (
            "a row appended",
            json!({"outboundConfig": [row("base", "EUR"), row("day", "1"), row("to", "X")]}),
            after_day,
            "type=\"param\"/>\n          <x:input type=\"param\" key=\"to\" value=\"X\"/><!-- one row -->",
        ),
        (
            "another value",
            json!({"outboundConfig": [row("base", "EUR"), row("day", "\"2\"")]}),
            "<x:input value=\"1\"",
            "<x:input value=\"&#34;2&#34;\"",
        ),
        (
            "a format that is the default goes",
            json!({"dataMapping": [{"key": "rate", "value": "r", "format": "feel"}]}),
            "source=\"rates.EUR\" format=\"dotNotation\"",
            "source=\"r\" format=\"feel\"",
        ),
        ("no timeout", json!({"timeout": null}), "\n          <x:timeout value=\"20\"></x:timeout>", ""),
        (
            "retries",
            json!({"retry": {"attempts": 3, "wait": "PT5S"}}),
            "format=\"dotNotation\"/>",
            "format=\"dotNotation\"/>\n          <x:retry attempts=\"3\" wait=\"PT5S\"/>",
        ),
        ("a queue", json!({"queue": "slow"}), "resource=\"latest\" ", "resource=\"latest\" queue=\"slow\" "),
        ("another connector", json!({"dataSource": "Bob's"}), "'Rates'", "'Bob&#39;s'"),
    ] {
        let written = changed(RICH, "n", |config| config.extend(object(&change)));
        assert_eq!(lines(&written.diagnostics), Vec::<String>::new(), "{what}");
        assert_eq!(RICH.matches(old).count(), 1, "{what}");
        assert_eq!(text(&written), RICH.replace(old, new), "{what}");
    }
}

#[test]
fn a_connector_is_made_of_an_ordinary_task_and_back() {
    let config =
        object(&json!({"dataSource": "Rates", "endpoint": "latest", "dataMapping": [{"key": "a", "value": "b"}]}));
    let file = |task: &str| {
        format!(
            "<b:definitions xmlns:b=\"http://www.omg.org/spec/BPMN/20100524/MODEL\">\n  <b:process id=\"p\">\n    {task}\n  \
             </b:process>\n</b:definitions>"
        )
    };
    let conn = "<conn:dataConnector xmlns:conn=\"urn:data-connector:bpmn:1\" connector=\"Rates\" resource=\"latest\">";
    let output = "<conn:output variable=\"a\" source=\"b\"/>";
    let in_lines = |indent: &str| format!("{indent}{conn}\n{indent}  {output}\n{indent}</conn:dataConnector>");
    for (before, after) in [
        (
            "<b:serviceTask id='n' />".to_owned(),
            format!("<b:serviceTask id='n'>\n      <b:extensionElements>\n{}\n      </b:extensionElements>\n    \
                </b:serviceTask>", in_lines("        ")),
        ),
        (
            "<b:sendTask id='n'><b:documentation>x</b:documentation><b:incoming>f</b:incoming></b:sendTask>".to_owned(),
            format!("<b:sendTask id='n'><b:documentation>x</b:documentation><b:extensionElements>{conn}{output}\
                </conn:dataConnector></b:extensionElements><b:incoming>f</b:incoming></b:sendTask>"),
        ),
        (
            "<b:serviceTask id='n'>\n      <b:extensionElements>\n        <o:x xmlns:o='o'/>\n      </b:extensionElements>\n    \
             </b:serviceTask>".to_owned(),
            format!("<b:serviceTask id='n'>\n      <b:extensionElements>\n{}\n        <o:x xmlns:o='o'/>\n      \
                </b:extensionElements>\n    </b:serviceTask>", in_lines("        ")),
        ),
    ] {
        let before = file(&before);
        let written = set(&before, "n", Target::Extension, &config, None);
        assert_eq!((lines(&written.diagnostics), text(&written)), (vec![], file(&after)));
        let again = remove(&written.file, "n");
        let plain = before.replace(" />", ">\n    </b:serviceTask>");
        assert_eq!((lines(&again.diagnostics), text(&again)), (vec![], plain));
        if before.contains("serviceTask") {
            let written = set(&before, "n", Target::ProcessMaker, &config, None);
            assert_eq!(task(&text(&written), "n").config, Value::Object(config.clone()), "{}", text(&written));
            assert_eq!(text(&remove(&written.file, "n")).replace(" xmlns:pm=\"http://processmaker.com/BPMN/2.0/Schema.xsd\"", ""), before);
        }
    }
}

/// The attributes of ProcessMaker (COMPATIBILITY 1.6) that do not belong to the connector.
const OTHER_ATTRIBUTES: [&str; 25] = [
    "color",
    "screenRef",
    "allowInterstitial",
    "interstitialScreenRef",
    "screenVersion",
    "dueIn",
    "dueInVariable",
    "isDueInVariable",
    "notifyAfterRouting",
    "notifyRequestCreator",
    "assignment",
    "assignedUsers",
    "assignedGroups",
    "assignmentLock",
    "allowReassignment",
    "assignmentRules",
    "configEmail",
    "isActionsByEmail",
    "customIcon",
    "validations",
    "elementDestination",
    "implementationVersion",
    "scriptRef",
    "scriptVersion",
    "payload",
];

#[test]
fn attributes_of_processmaker_survive_every_conversion() {
    let attributes: Vec<String> =
        OTHER_ATTRIBUTES.iter().map(|name| format!("pm:{name}='{{\"a\": &#34;{name}&#34;}}'")).collect();
    let others = "<userTask id='u' pm:config='not for us' pm:screenRef='3'/><startEvent id='s' pm:config='{}'/>\
        <intermediateCatchEvent id='c' pm:allowedUsers='1' pm:allowedGroups='2' pm:whitelist='x' pm:config='y'/>\
        <sequenceFlow id='f' pm:config='{}'/>";
    let root_elements = "<message id='m' pm:payload='p'/><signal id='g' pm:config='c' pm:detail='d'/>";
    let before = format!(
        "<definitions xmlns='http://www.omg.org/spec/BPMN/20100524/MODEL' xmlns:pm='http://processmaker.com/BPMN/2.0/Schema.xsd'>\
         <process id='p'><serviceTask id='n' {} implementation='package-data-sources/data-source-task-service' \
         pm:config='{{\"dataSource\":7,\"endpoint\":\"list\"}}' pm:errorHandling='{{\"retry_attempts\":\"2\"}}'/>{others}</process>\
         {root_elements}</definitions>",
        attributes.join(" ")
    );
    let ours = convert(&before, Target::Extension);
    assert_eq!(lines(&ours.diagnostics), Vec::<String>::new());
    let theirs = convert(&ours.file, Target::ProcessMaker);
    assert_eq!(lines(&theirs.diagnostics), Vec::<String>::new());
    for step in [text(&ours), text(&theirs)] {
        for attribute in attributes.iter().map(String::as_str).chain([others, root_elements]) {
            assert_eq!(step.matches(attribute).count(), 1, "{attribute}: {step}");
        }
    }
    let task_of = task(&text(&ours), "n");
    assert_eq!(task_of.config, json!({"dataSource": "7", "endpoint": "list", "retry": {"attempts": 3}}));
    let task_of = task(&text(&theirs), "n");
    assert_eq!(task_of.config, json!({"dataSource": 7, "endpoint": "list", "retry": {"attempts": 3}}));
}

#[test]
fn every_model_is_converted_there_and_back() {
    for (name, before) in models() {
        let (model, _) = bpmn_ext::read(&before);
        for to in [Target::Extension, Target::ProcessMaker] {
            let there = convert(&before, to);
            let (after, _) = bpmn_ext::read(&there.file);
            let refused = there.diagnostics.iter().filter(|d| d.code == "not-converted").count();
            let is_converted =
                |task: &&ConnectorTask| (task.dialect == Dialect::Extension) == (to == Target::Extension);
            let left = after.tasks.iter().filter(|task| !is_converted(task)).count();
            assert_eq!(left, refused, "{name}: {:?}", lines(&there.diagnostics));
            for (old, new) in model.tasks.iter().zip(&after.tasks) {
                assert_eq!(means(old), means(new), "{name}: {}", old.element);
                let rest = |task: &ConnectorTask| {
                    (task.inputs.clone(), task.loop_characteristics.clone(), task.incoming.clone())
                };
                assert_eq!((rest(old), &old.name), (rest(new), &new.name), "{name}");
            }
        }
    }
}

/// The configuration of a task without members that have no effect.
fn means(task: &ConnectorTask) -> Value {
    let mut config = object(&task.config);
    let is_unused = |name: &str, value: &Value| {
        name.starts_with("callback_")
            || name == "type"
            || matches!(value, Value::Null | Value::Bool(false))
            || *value == json!([])
    };
    if config.get("callback") != Some(&json!(true)) {
        config.retain(|name, value| !is_unused(name, value));
    }
    // An absent member means the same as an empty one.
    for member in ["dataSource", "endpoint"] {
        config.entry(member).or_insert(json!(""));
    }
    for member in ["dataSource", "timeout"] {
        if let Some(Value::Number(number)) = config.get(member) {
            let number = number.to_string();
            config.insert(member.to_owned(), json!(number));
        }
    }
    let text = |value: &Value| value.as_str().map_or(value.to_string(), str::to_owned);
    let mut retry = config.remove("retry").map_or_else(Map::new, |retry| object(&retry));
    for (name, value) in task.error_handling.iter().flat_map(object_ref) {
        match name.as_str() {
            "timeout" => drop(config.entry("timeout").or_insert(json!(text(value)))),
            "retry_attempts" => drop(retry.insert("attempts".into(), json!(text(value).parse::<u64>().unwrap() + 1))),
            "retry_wait_time" => drop(retry.insert("wait".into(), json!(text(value)))),
            _ => {}
        }
    }
    config.insert("retry".to_owned(), Value::Object(retry));
    config.sort_keys();
    Value::Object(config)
}

#[test]
fn what_cannot_be_represented_is_left_unchanged_and_reported() {
    let pm = |config: &str, handling: &str| {
        format!(
            "<definitions xmlns='http://www.omg.org/spec/BPMN/20100524/MODEL' xmlns:pm='http://processmaker.com/BPMN/2.0/Schema.xsd'>\n\
             <process id='p'><serviceTask id='n' implementation='package-data-sources/data-source-task-service' \
             pm:config='{config}' pm:errorHandling='{handling}'/></process></definitions>"
        )
    };
    for (config, handling, reason) in [
        (
            r#"{"dataSource":1,"endpoint":"a","callback":true,"callback_variable":"v"}"#,
            "{}",
            "dataConnector cannot represent `callback`, `callback_variable`",
        ),
        (
            r#"{"dataSource":1,"endpoint":"a","queryString":"a=b","pagination":{"link":true}}"#,
            "",
            "dataConnector cannot represent `queryString`, `pagination`",
        ),
        (
            r#"{"dataSource":1,"endpoint":"a","outboundConfig":[{"type":"COOKIE","key":"a","value":{}}]}"#,
            "null",
            "dataConnector cannot represent `outboundConfig.0.type`, `outboundConfig.0.value`",
        ),
        (r#"{"dataSource":1,"endpoint":"a","success":"\u0000"}"#, "{}", "dataConnector cannot represent `success`"),
        (
            r#"{"dataSource":1,"endpoint":"a"}"#,
            r#"{"email_notification":true,"retry_attempts":"x"}"#,
            "dataConnector cannot represent `errorHandling.email_notification`, `errorHandling.retry_attempts`",
        ),
    ] {
        let before = pm(config, handling);
        let written = convert(&before, Target::Extension);
        let expected = format!("2:17: error[not-converted]: `n`: left unchanged: {reason}");
        assert_eq!((lines(&written.diagnostics), text(&written)), (vec![expected], before));
    }
    let broken = pm(r#"{"dataSource":"#, "{}");
    let written = convert(&broken, Target::Extension);
    let found = lines(&written.diagnostics);
    assert!(found.iter().any(|line| line.ends_with("left unchanged: correct its errors first")), "{found:?}");
    assert_eq!(text(&written), broken);
    let cut = fixture("nested.bpmn").split_once("<bpmn:serviceTask id=\"behind\"").unwrap().0.to_owned();
    assert_eq!(text(&convert(&cut, Target::Extension)), cut, "a file that is not read to its end is not changed");

    let empty = convert(&pm(r#"{"dataSource":1,"endpoint":"a","outboundConfig":[]}"#, ""), Target::Extension);
    let found = lines(&empty.diagnostics);
    assert!(
        found[0]
            .starts_with("2:17: warning[lost-in-writing]: `n`: dataConnector cannot represent an empty list of inputs"),
        "{found:?}"
    );
    let found = lines(&convert(RICH, Target::ProcessMaker).diagnostics);
    assert!(
        found[0].contains("warning[lost-in-writing]: `N (n)`: comments inside dataConnector are lost"),
        "{found:?}"
    );
    let send = fixture("extension.bpmn");
    let found = lines(&convert(&send, Target::ProcessMaker).diagnostics);
    assert!(
        found[0].contains("`least`: left unchanged: ProcessMaker has connectors in service tasks only"),
        "{found:?}"
    );
    let found = lines(&set(&send, "nobody", Target::Extension, &Map::new(), None).diagnostics);
    assert_eq!(found, ["1:1: error[not-written]: the file has no element `nobody` that can be a connector"]);
}

#[test]
fn the_properties_of_a_template_are_converted_if_all_are_ours() {
    let file = |headers: &str| {
        format!(
            "<definitions xmlns='http://www.omg.org/spec/BPMN/20100524/MODEL' xmlns:zeebe='http://camunda.org/schema/zeebe/1.0'>\n\
             <process id='p'><serviceTask id='n' zeebe:modelerTemplate='data-connector.camunda8'><extensionElements>\
             <zeebe:taskDefinition type='data-connector'/><zeebe:taskHeaders>{headers}</zeebe:taskHeaders></extensionElements>\
             </serviceTask></process></definitions>"
        )
    };
    let ours = file(
        "<zeebe:header key='connector' value='Rates'/><zeebe:header key='resource' value='latest'/>\
        <zeebe:header key='params' value='base = EUR'/><zeebe:header key='attempts' value='2'/>",
    );
    let config = task(&ours, "n").config;
    for to in [Target::Extension, Target::ProcessMaker] {
        let written = convert(&ours, to);
        assert_eq!(lines(&written.diagnostics), Vec::<String>::new());
        let after = text(&written);
        assert!(!after.contains("<zeebe:") && !after.contains("modelerTemplate"), "{after}");
        let mut expected = config.clone();
        if to == Target::Extension {
            expected["retry"]["attempts"] = json!(2);
        }
        assert_eq!(task(&after, "n").config, expected);
    }
    let other = file(
        "<zeebe:header key='connector' value='Rates'/><zeebe:header key='resource' value='x'/>\
        <zeebe:header key='own' value='1'/>",
    );
    let written = convert(&other, Target::Extension);
    let found = lines(&written.diagnostics);
    assert!(found.iter().any(|line| line.contains("its template writes properties that")), "{found:?}");
    assert_eq!(text(&written), other);
}

/// Any text that XML allows, often with characters that must be escaped.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z{}<>&\"' ]{1,8}", "\\PC{1,12}", Just("a\n\tb\r".to_owned())]
}

fn any_rows(kinds: &'static [&'static str], formats: &'static [&'static str]) -> impl Strategy<Value = Vec<Value>> {
    let row = (prop::sample::select(kinds), any_text(), any_text(), prop::sample::select(formats));
    prop::collection::vec(
        row.prop_map(|(kind, key, value, format)| {
            if kind.is_empty() {
                json!({"key": key, "value": value, "format": format})
            } else {
                json!({"type": kind, "key": key, "value": value, "format": format})
            }
        }),
        1..5,
    )
}

fn any_config() -> impl Strategy<Value = Map<String, Value>> {
    let inputs = prop::option::of(any_rows(&["PARAM", "HEADER", "BODY"], &["mustache", "feel"]));
    let outputs = prop::option::of(any_rows(&[""], &["dotNotation", "mustache", "feel", "jmespath"]));
    let retry = prop::option::of((1..9_u64, "PT[1-9]S"));
    let texts = prop::collection::vec(prop::option::of(any_text()), 3);
    // A name of digits only would be an id, which ProcessMaker writes as a number.
    ("[a-z][a-zé0-9 .&<>\"'{}-]{0,8}", any_text(), inputs, outputs, retry, texts).prop_map(
        |(connector, resource, inputs, outputs, retry, texts)| {
            let mut config = object(&json!({"dataSource": connector, "endpoint": resource}));
            let mut put =
                |name: &str, value: Option<Value>| drop(value.map(|value| config.insert(name.to_owned(), value)));
            put("queue", texts[0].clone().map(Value::from));
            put("outboundConfig", inputs.map(Value::from));
            put("dataMapping", outputs.map(Value::from));
            put("retry", retry.map(|(attempts, wait)| json!({"attempts": attempts, "wait": wait})));
            put("timeout", texts[1].clone().map(Value::from));
            put("success", texts[2].clone().map(Value::from));
            config
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever replaces a configuration, in any dialect, is read back, and nothing else changes.
    #[test]
    fn what_is_written_is_read_back(first in any_config(), second in any_config(), third in any_config()) {
        let file = RICH.replace("'Rates'", "'R'");
        let (before, rest) = file.split_once("<x:dataConnector").unwrap();
        let (_, after) = rest.split_once("</x:dataConnector>").unwrap();
        let mut now = file.clone();
        for config in [&first, &second, &third] {
            let written = set(&now, "n", Target::ProcessMaker, config, None);
            now = text(&written);
            prop_assert!(now.starts_with(before) && now.ends_with(after), "{now}");
            prop_assert_eq!(&object(&task(&now, "n").config), config, "{}", now);
        }
        let theirs = text(&convert(&now, Target::ProcessMaker));
        let read = task(&theirs, "n");
        prop_assert_eq!(read.dialect, Dialect::ProcessMakerServiceTask);
        prop_assert_eq!(object(&read.config), third.clone(), "{}", theirs);
        let ours = text(&convert(&theirs, Target::Extension));
        prop_assert_eq!(object(&task(&ours, "n").config), third, "{}", ours);
    }
}
