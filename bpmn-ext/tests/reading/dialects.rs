//! Elements that are connectors in several dialects: what only names the worker is no second configuration.

use bpmn_ext::write::{Target, convert, remove, set};
use bpmn_ext::{Dialect, Model};
use serde_json::{Map, Value, json};

use super::lines;

const IMPLEMENTATION: &str = "implementation='package-data-sources/data-source-task-service'";
const CONNECTOR: &str = "<conn:dataConnector connector='Rates' resource='latest'/>";
const DEFINITION: &str = "<zeebe:taskDefinition type='data-connector'/>";
const HEADERS: &str = "<zeebe:taskHeaders><zeebe:header key='connector' value='T'/>\
    <zeebe:header key='resource' value='t'/></zeebe:taskHeaders>";

fn model(attributes: &str, extensions: &str) -> String {
    format!(
        "<definitions xmlns='http://www.omg.org/spec/BPMN/20100524/MODEL' xmlns:pm='http://processmaker.com/BPMN/2.0/Schema.xsd' \
         xmlns:conn='urn:data-connector:bpmn:1' xmlns:zeebe='http://camunda.org/schema/zeebe/1.0' \
         xmlns:camunda='http://camunda.org/schema/1.0/bpmn'><process id='p'>\n\
         <serviceTask id='n' {attributes}><extensionElements>{extensions}</extensionElements></serviceTask>\
         </process></definitions>"
    )
}

fn read(attributes: &str, extensions: &str) -> (Model, Vec<String>) {
    let (model, diagnostics) = bpmn_ext::read(&model(attributes, extensions));
    (model, lines(&diagnostics))
}

/// Attributes and extension elements, the dialect that is used, its connector, and which two configure the element.
type Case = (String, String, Dialect, Value, Option<[&'static str; 2]>);

fn cases() -> Vec<Case> {
    let with = |config: &str| format!("{IMPLEMENTATION} pm:config='{config}'");
    let ours = |attributes: String, both| {
        let rates = json!("Rates");
        (attributes, CONNECTOR.to_owned(), Dialect::Extension, rates, both)
    };
    let both = Some(["dataConnector", "`pm:config`"]);
    let topic = "camunda:type='external' camunda:topic='data-connector'";
    vec![
        ours(IMPLEMENTATION.to_owned(), None),
        ours("implementation='package-data-sources/datasource-task-service'".to_owned(), None),
        ours("implementation='##WebService'".to_owned(), None),
        ours(topic.to_owned(), None),
        ours(format!("{IMPLEMENTATION} {topic}"), None),
        ours(with(""), None),
        ours(with("null"), None),
        ours(with("{}"), None),
        ours(with("[]"), None),
        ours(with(r#"{"queue":"bpmn"}"#), None),
        ours(with(r#"{"dataSource":"","endpoint":null,"dataMapping":[],"outboundConfig":[]}"#), None),
        ours(with(r#"{"dataSource":1}"#), both),
        ours(with(r#"{"endpoint":"list"}"#), both),
        ours(with(r#"{"dataMapping":[{"key":"a","value":"b"}]}"#), both),
        ours(with(r#"{"outboundConfig":[{"type":"PARAM","key":"a","value":"b"}]}"#), both),
        ours(with(r#"{"dataSource":"#), both),
        ours(with("[1]"), both),
        (IMPLEMENTATION.to_owned(), format!("{DEFINITION}{HEADERS}"), Dialect::Template, json!("T"), None),
        (
            with(r#"{"dataSource":"P","endpoint":"p"}"#),
            DEFINITION.to_owned(),
            Dialect::ProcessMakerServiceTask,
            json!("P"),
            None,
        ),
        (
            with(r#"{"dataSource":"P","endpoint":"p"}"#),
            format!("{DEFINITION}{HEADERS}"),
            Dialect::ProcessMakerServiceTask,
            json!("P"),
            Some(["`pm:config`", "the template's properties"]),
        ),
        (String::new(), format!("{CONNECTOR}{DEFINITION}"), Dialect::Extension, json!("Rates"), None),
        (
            String::new(),
            format!("{CONNECTOR}{DEFINITION}{HEADERS}"),
            Dialect::Extension,
            json!("Rates"),
            Some(["dataConnector", "the template's properties"]),
        ),
    ]
}

#[test]
fn two_dialects_are_an_error_where_both_configure() {
    for (attributes, extensions, dialect, connector, both) in cases() {
        let (model, found) = read(&attributes, &extensions);
        let name = format!("{attributes} {extensions}");
        assert_eq!(model.tasks.len(), 1, "{name}");
        assert_eq!((model.tasks[0].dialect, &model.tasks[0].config["dataSource"]), (dialect, &connector), "{name}");
        let expected = both.map(|[used, other]| {
            format!(
                "2:1: error[two-dialects]: `n` is a connector in two dialects; {used} is used (remove {other} or {used})"
            )
        });
        assert_eq!(found, Vec::from_iter(expected), "{name}");
    }
}

#[test]
fn elements_of_two_dialects_are_converted_where_one_configures() {
    for (attributes, extensions, dialect, connector, both) in cases() {
        let before = model(&attributes, &extensions);
        for (to, after) in
            [(Target::ProcessMaker, Dialect::ProcessMakerServiceTask), (Target::Extension, Dialect::Extension)]
        {
            let written = convert(&before, to);
            let (model, found) = bpmn_ext::read(&written.file);
            let name = format!("{to:?}: {}", String::from_utf8_lossy(&written.file));
            if both.is_some() {
                assert_eq!(written.file, before.as_bytes(), "{name}");
                continue;
            }
            assert_eq!((lines(&written.diagnostics), lines(&found)), (vec![], vec![]), "{name}");
            assert_eq!((model.tasks[0].dialect, &model.tasks[0].config["dataSource"]), (after, &connector), "{name}");
            if dialect == after {
                assert_eq!(written.file, before.as_bytes(), "{name}");
            }
        }
    }
}

#[test]
fn what_engines_read_of_an_element_stays_when_it_is_converted() {
    let old = "implementation='package-data-sources/datasource-task-service' pm:config='{\"queue\":\"bpmn\"}'";
    let written = convert(&model(old, CONNECTOR), Target::ProcessMaker);
    let text = String::from_utf8(written.file).unwrap();
    assert!(text.contains("implementation='package-data-sources/datasource-task-service'"), "{text}");
    let config = &bpmn_ext::read(&text).0.tasks[0].config;
    assert_eq!(*config, json!({"dataSource": "Rates", "endpoint": "latest", "queue": "bpmn"}));
}

#[test]
fn an_element_without_its_configuration_is_no_connector() {
    for (attributes, extensions, dialect, ..) in cases() {
        let before = model(&attributes, &extensions);
        let after = remove(&before, "n").file;
        let left = bpmn_ext::read(&after).0.tasks;
        // What only a template's modeler may change stays.
        let is_left = dialect != Dialect::Template && before.contains("data-connector'");
        assert_eq!(left.len(), usize::from(is_left), "{}", String::from_utf8_lossy(&after));
    }
}

#[test]
fn setting_a_configuration_changes_the_dialect_that_configures() {
    let mut config = Map::new();
    config.insert("dataSource".to_owned(), json!("Other"));
    config.insert("endpoint".to_owned(), json!("latest"));
    let before = model(IMPLEMENTATION, CONNECTOR);
    let written = set(&before, "n", Target::ProcessMaker, &config, None);
    assert_eq!(String::from_utf8(written.file).unwrap(), before.replace("'Rates'", "'Other'"));
}

#[test]
fn error_handling_next_to_our_extension_is_reported() {
    for (handling, is_reported) in [("", false), ("null", false), ("{\"retry_attempts\":3}", true)] {
        let (_, found) = read(&format!("{IMPLEMENTATION} pm:errorHandling='{handling}'"), CONNECTOR);
        assert_eq!(found.len(), usize::from(is_reported), "{handling}: {found:?}");
        assert!(
            found.iter().all(|line| line.starts_with("2:102: warning[ignored-error-handling]: `n`: ")),
            "{found:?}"
        );
    }
}
