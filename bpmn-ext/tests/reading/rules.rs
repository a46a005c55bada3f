//! The rules: each one reports its page's first example and accepts the second, and has exact messages and spans in every
//! dialect.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use bpmn_ext::lint::{
    Connectors, Key, KnownConnector, KnownResource, Language, LintContext, RULES, Rule, TextError, lint,
};
use bpmn_ext::{Diagnostic, Format, Severity};

/// The connectors that the pages of the rules use.
struct Known;

impl Connectors for Known {
    fn find(&self, reference: &str) -> Option<KnownConnector> {
        let resources = match reference {
            "Rates" => vec![latest(), history()],
            "Orders" => vec![book()],
            _ => return None,
        };
        Some(KnownConnector { name: reference.to_owned(), resources })
    }

    fn names(&self) -> Vec<String> {
        vec!["Rates".to_owned(), "Orders".to_owned()]
    }
}

fn key(name: &str, is_required: bool, has_default: bool) -> Key {
    Key { name: name.to_owned(), is_required, has_default }
}

fn latest() -> KnownResource {
    KnownResource {
        name: "latest".to_owned(),
        method: "GET".to_owned(),
        params: Some(vec![key("date", true, true)]),
        url_variables: vec!["base".to_owned()],
        attempts: 1,
        ..KnownResource::default()
    }
}

fn history() -> KnownResource {
    let params = Some(vec![key("from", true, false)]);
    let headers = vec![key("X-Page", false, false)];
    KnownResource { name: "history".to_owned(), method: "GET".to_owned(), params, headers, ..latest() }
}

fn book() -> KnownResource {
    KnownResource {
        name: "book".to_owned(),
        method: "POST".to_owned(),
        body_variables: Some(vec!["amount".to_owned()]),
        error_codes: vec!["SOLD_OUT".to_owned()],
        attempts: 1,
        ..KnownResource::default()
    }
}

/// A language in which unclosed braces, unclosed brackets and a trailing `==` are errors.
struct Braces;

impl Language for Braces {
    fn variables(&self, format: Format, text: &str) -> Result<Vec<String>, TextError> {
        let wrong = |at: usize, problem: &str| Err(TextError { span: at..at + 1, problem: problem.to_owned() });
        if let Some(at) = text.find('[').filter(|_| !text.contains(']') && format != Format::Mustache) {
            return wrong(at, "is never closed");
        }
        if let Some(at) = text.find("==").filter(|_| format == Format::Condition && text.trim_end().ends_with("==")) {
            return wrong(at, "compares with nothing");
        }
        let mut names = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((name, rest_of_text)) = after.split_once("}}") else {
                return wrong(text.len() - rest.len() + before.len(), "is never closed");
            };
            names.extend(Some(name.to_owned()).filter(|name| !name.starts_with("secret:")));
            rest = rest_of_text;
        }
        Ok(names)
    }
}

/// Lints with a full context; with the variables of `data` if there are any.
pub(super) fn linted(text: &str, data: &[&str]) -> Vec<Diagnostic> {
    let queues = ["default".to_owned(), "slow".to_owned()];
    let variables: HashSet<String> = data.iter().map(|name| (*name).to_owned()).collect();
    let context = LintContext {
        connectors: Some(&Known),
        queues: Some(&queues),
        variables: Some(&variables).filter(|_| !data.is_empty()),
        language: Some(&Braces),
    };
    lint(text, &context)
}

/// A process with this content, which starts in line 2; what follows the marker is put after the process.
pub(super) fn model(content: &str) -> String {
    let (inside, after) = content.split_once("<!-- after the process -->").unwrap_or((content, ""));
    format!(
        "<bpmn:definitions xmlns:bpmn='http://www.omg.org/spec/BPMN/20100524/MODEL' xmlns:conn='urn:data-connector:bpmn:1' \
         xmlns:pm='http://processmaker.com/BPMN/2.0/Schema.xsd' xmlns:camunda='http://camunda.org/schema/1.0/bpmn' \
         xmlns:zeebe='http://camunda.org/schema/zeebe/1.0'><bpmn:process id='p'>\n{inside}</bpmn:process>{after}\
         </bpmn:definitions>"
    )
}

fn lines(found: &[Diagnostic]) -> Vec<String> {
    found.iter().map(Diagnostic::to_string).collect()
}

/// The two examples of a page.
fn examples(rule: &Rule) -> (&str, &str) {
    let mut blocks = rule.page.split("```xml\n").skip(1).map(|block| block.split("```").next().unwrap());
    let pair = (blocks.next().unwrap_or_else(|| panic!("{} has no example", rule.name)), blocks.next());
    assert_eq!(blocks.next(), None, "{} has more than two examples", rule.name);
    (pair.0, pair.1.unwrap_or_else(|| panic!("{} has no second example", rule.name)))
}

#[test]
fn every_rule_reports_the_first_example_of_its_page_and_accepts_the_second() {
    for rule in RULES {
        let (wrong, fixed) = examples(rule);
        let codes: BTreeSet<_> = linted(&model(wrong), &[]).iter().map(|d| (d.code, d.severity)).collect();
        assert_eq!(codes, BTreeSet::from([(rule.name, rule.severity)]), "{}: the first example", rule.name);
        assert_eq!(lines(&linted(&model(fixed), &[])), Vec::<String>::new(), "{}: the second example", rule.name);
    }
}

#[test]
fn every_rule_has_its_page_and_every_page_its_rule() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let mut pages: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|page| page.unwrap().file_name().into_string().unwrap()).collect();
    pages.sort();
    let expected: Vec<_> = RULES.iter().map(|rule| format!("{:02}-{}.md", rule.number, rule.name)).collect();
    assert_eq!(pages, expected);
    for (index, rule) in RULES.iter().enumerate() {
        assert_eq!(usize::from(rule.number), index + 1, "{}", rule.name);
        let severity = if rule.severity == Severity::Error { "Error" } else { "Warning" };
        let head = format!("# {} {}\n\n**{severity}.** {}\n\n## Why\n", rule.number, rule.name, rule.summary);
        assert!(rule.page.starts_with(&head), "the page of {} does not start with the rule", rule.name);
        assert!(rule.page.contains("\n## How to fix it\n"), "{} does not say what to do", rule.name);
    }
}

const PM: &str = r#"implementation="package-data-sources/data-source-task-service" pm:config="#;

/// A service task in ProcessMaker's dialect, written as its modeler does.
pub(super) fn pm(config: &str) -> String {
    format!("<bpmn:serviceTask id='n' {PM}\"{}\"/>", config.replace('"', "&#34;"))
}

/// A service task in our own dialect.
pub(super) fn conn(attributes: &str, content: &str) -> String {
    format!(
        "<bpmn:serviceTask id='n' name='N'><bpmn:extensionElements><conn:dataConnector {attributes}>{content}\
         </conn:dataConnector></bpmn:extensionElements></bpmn:serviceTask>"
    )
}

/// A service task as the template for Camunda 8 writes it.
pub(super) fn zeebe(headers: &[(&str, &str)]) -> String {
    let headers: Vec<_> = headers.iter().map(|(k, v)| format!("<zeebe:header key='{k}' value='{v}'/>")).collect();
    let headers = headers.concat();
    format!(
        "<bpmn:serviceTask id='n'><bpmn:extensionElements><zeebe:taskDefinition type='data-connector'/>\
         <zeebe:taskHeaders>{headers}</zeebe:taskHeaders></bpmn:extensionElements></bpmn:serviceTask>"
    )
}

/// A service task as the template for Camunda 7 writes it.
pub(super) fn camunda(inputs: &[(&str, &str)]) -> String {
    let input = |(name, value): &(&str, &str)| {
        format!("<camunda:inputParameter name='{name}'>{value}</camunda:inputParameter>")
    };
    let inputs = inputs.iter().map(input).collect::<Vec<_>>().concat();
    format!(
        "<bpmn:serviceTask id='n' camunda:type='external' camunda:topic='data-connector'><bpmn:extensionElements>\
         <camunda:inputOutput>{inputs}</camunda:inputOutput></bpmn:extensionElements></bpmn:serviceTask>"
    )
}

/// A model's content, the expected diagnostics, and the text of the file at their spans.
type Row<'a> = (String, &'a [(&'a str, &'a str)]);

/// The cases, one or more for each rule.
#[expect(clippy::too_many_lines, reason = "a table")]
fn table() -> Vec<Row<'static>> {
    let latest = r#""dataSource":"Rates","endpoint":"latest""#;
    let rates = "connector='Rates' resource='latest'";
    let orders = "connector='Orders' resource='book'";
    let flows = "<bpmn:startEvent id='s'/><bpmn:endEvent id='e'/>";
    let catch =
        "<bpmn:boundaryEvent id='b' attachedToRef='n'><bpmn:errorEventDefinition errorRef='x'/></bpmn:boundaryEvent>";
    let error = |code: &str| format!("<!-- after the process --><bpmn:error id='x' errorCode='{code}'/>");
    vec![
        (pm(r#"{"dataSource":"Rats","endpoint":"latest"}"#), &[(
            "error[unknown-connector]: `n`: there is no connector `Rats` (did you mean `Rates`?)",
            "&#34;Rats&#34;",
        )]),
        (pm(r#"{"dataSource":7,"endpoint":"latest"}"#), &[(
            "error[unknown-connector]: `n`: there is no connector `7` (there are `Rates`, `Orders`)",
            "7",
        )]),
        (pm(&format!("{{{latest}}}")), &[]),
        (zeebe(&[("connector", "Rates"), ("resource", "newest")]), &[(
            "error[unknown-resource]: `n`: connector `Rates` has no resource `newest` (there are `latest`, `history`)",
            "newest",
        )]),
        (camunda(&[("connector", "Rates"), ("resource", "latest"), ("params", "bas = EUR\nbase = EUR")]), &[(
            "warning[undeclared-key]: `n`: `bas` has no effect: the URL and the declared parameters of resource \
             `latest` do not use it (did you mean `base`?)",
            "<camunda:inputParameter name='params'>bas = EUR\nbase = EUR</camunda:inputParameter>",
        )]),
        (conn(orders, "<conn:input type='body' key='amuont' value='1'/><conn:input type='header' key='X-Any' value='1'/>"), &[(
            "warning[undeclared-key]: `N (n)`: `amuont` has no effect: the body of resource `book` does not use \
             it (did you mean `amount`?)",
            "amuont",
        )]),
        (conn("connector='Rates' resource='history'", "<conn:input type='param' key='from' value=''/>"), &[(
            "warning[missing-required]: `N (n)`: resource `history` requires the param `from`, which would be sent \
             empty (add an input of type param with key `from` and a value)",
            "history",
        )]),
        (conn("connector='Rates' resource='history'", "<conn:input type='param' key='from' value='1'/>"), &[]),
        (pm(&format!(r#"{{{latest},"dataMapping":[{{"key":"loopCounter","value":"a"}},{{"key":"b","value":"a"}}]}}"#)), &[(
            "warning[reserved-name]: `n`: the output onto `loopCounter` is dropped, since that name belongs to the \
             engine (choose another variable)",
            "&#34;loopCounter&#34;",
        )]),
        (zeebe(&[("connector", "Rates"), ("resource", "latest"), ("outputs", "a = x&#10;b = y&#10;a = z")]), &[(
            "warning[duplicate-mapping]: `n`: `a` is mapped twice; the last one wins (remove one of them, or choose \
             another variable)",
            "a",
        )]),
        (pm(&format!(r#"{{{latest},"outboundConfig":[{{"type":"PARAM","key":"base","value":"a\u00e4{{{{b"}}]}}"#)), &[(
            "error[unparsable-text]: `n`: this template cannot be parsed: is never closed (correct it; until then every \
             job of this element fails with CONFIGURATION)",
            "{",
        )]),
        (conn(rates, "<conn:output variable='a' source='x&#91;1' format='jmespath'/>"), &[(
            "error[unparsable-text]: `N (n)`: this expression cannot be parsed: is never closed (correct it; until then \
             every job of this element fails with CONFIGURATION)",
            "&#91;",
        )]),
        (conn(rates, "<conn:success statuses='status =='/><conn:errorMapping when='4xx' code='A' message='{{x'/>")
            + "<bpmn:boundaryEvent id='b' attachedToRef='n'><bpmn:errorEventDefinition/></bpmn:boundaryEvent>", &[
            (
                "error[unparsable-text]: `N (n)`: this condition cannot be parsed: compares with nothing (correct it; \
                 until then every job of this element fails with CONFIGURATION)",
                "=",
            ),
            (
                "error[unparsable-text]: `N (n)`: this template cannot be parsed: is never closed (correct it; until \
                 then every job of this element fails with CONFIGURATION)",
                "{",
            ),
        ]),
        (conn(rates, "<conn:input type='header' key='A' value='[' format='feel'/>"), &[]),
        (
            conn(orders, "<conn:input type='body' key='amount' value='{{separate}}{{rate}}'/>").replace("'n'", "'m'")
                + &conn(rates, "<conn:output variable='rate'/>") + flows
                + "<bpmn:sequenceFlow id='1' sourceRef='s' targetRef='m'/><bpmn:sequenceFlow id='2' sourceRef='m' targetRef='n'/>\
                   <bpmn:sequenceFlow id='3' sourceRef='n' targetRef='e'/>",
            &[(
                "warning[unset-variable]: `N (m)`: `rate` is read here, but set only later, by `N (n)` (change the \
                 order, or pass the data that a request starts with by --data)",
                "rate",
            )],
        ),
        (conn(rates, "") + flows, &[
            (
                "warning[missing-flow]: `N (n)`: no sequence flow leads here, so it never runs (draw one)",
                "<bpmn:serviceTask id='n' name='N'>",
            ),
            (
                "warning[missing-flow]: `N (n)`: no sequence flow leads on, so the process stops here (draw one)",
                "<bpmn:serviceTask id='n' name='N'>",
            ),
        ]),
        (conn(rates, ""), &[]),
        (zeebe(&[("connector", "Orders"), ("resource", "book"), ("errors", "409 = TAKEN {{a}} is taken")]), &[(
            "warning[uncaught-error]: `n`: nothing catches the error `TAKEN`, so the request fails with it (attach an \
             error boundary event that catches `TAKEN`, or any error)",
            "TAKEN",
        )]),
        (pm(&format!("{{{latest}}}")) + catch + &error("GONE"), &[(
            "warning[unthrown-error]: `n`: boundary event `b` catches `GONE`, but no failure is mapped onto it (add \
             an error mapping with code `GONE`, or catch any error)",
            "<bpmn:boundaryEvent id='b' attachedToRef='n'>",
        )]),
        (conn(orders, "") + catch + &error("SOLD_OUT"), &[]),
        (conn(rates, "") + catch + &error("HTTP_404"), &[]),
        (
            pm(r#"{"dataSource":"Orders","endpoint":"book"}"#)
                .replace("/>", " pm:errorHandling='{\"retry_attempts\":\"3\"}'/>"),
            &[(
                "warning[unrepeatable-retry]: `n`: POST `book` is tried 4 times after an error status, but not after \
                 a lost response (write repeat: safe if the third party honours the Idempotency-Key header, or may be \
                 called twice)",
                "\"3\"",
            )],
        ),
        (conn("connector='Rates' resource='latest'", "<conn:retry attempts='4'/>"), &[]),
        (pm(&format!(r#"{{{latest},"callback_authentication_password":"abc"}}"#)), &[(
            "warning[secret-in-model]: `n`: `callback_authentication_password` looks like a secret in clear text \
             (move it into the connector's credentials, and change it: everyone who has seen this file knows it)",
            "&#34;abc&#34;",
        )]),
        (conn(rates, "<conn:input type='header' key='X-Auth-Token' value='t0p'/>"), &[(
            "warning[secret-in-model]: `N (n)`: `X-Auth-Token` looks like a secret in clear text (move it into \
             the connector's credentials, and change it: everyone who has seen this file knows it)",
            "t0p",
        )]),
        (conn(rates, "<conn:input type='param' key='base' value='https://u:p@host/'/>"), &[(
            "warning[secret-in-model]: `N (n)`: `base` looks like a secret in clear text (move it into the \
             connector's credentials, and change it: everyone who has seen this file knows it)",
            "https://u:p@host/",
        )]),
        (pm(&format!(r#"{{{latest},"queue":"bpmn"}}"#)), &[(
            "warning[unknown-queue]: `n`: `bpmn` is not a queue that workers consume; its jobs go to `default` \
             (there are `default`, `slow`)",
            "&#34;bpmn&#34;",
        )]),
        (conn(&format!("{rates} queue='a.b'"), ""), &[(
            "warning[unknown-queue]: `N (n)`: `a.b` is not a valid name of a queue; its jobs go to `default` (use letters, \
             digits, `_` and `-`, 64 at most)",
            "a.b",
        )]),
        (
            conn(rates, "").replace(
                "</bpmn:serviceTask>",
                "<bpmn:ioSpecification><bpmn:dataInput id='i'/></bpmn:ioSpecification><bpmn:multiInstanceLoopCharacteristics>\
                 <bpmn:loopDataInputRef>i</bpmn:loopDataInputRef></bpmn:multiInstanceLoopCharacteristics></bpmn:serviceTask>",
            ),
            &[(
                "error[loop-without-array]: `N (n)`: the loop's source array `i` names no variable (choose the \
                 variable that holds the array)",
                "<bpmn:multiInstanceLoopCharacteristics>",
            )],
        ),
        (
            conn(rates, "").replace(
                "</bpmn:serviceTask>",
                "<bpmn:multiInstanceLoopCharacteristics><bpmn:loopCardinality>3</bpmn:loopCardinality>\
                 </bpmn:multiInstanceLoopCharacteristics></bpmn:serviceTask>",
            ),
            &[],
        ),
    ]
}

#[test]
fn rules_report_what_is_wrong_in_every_dialect() {
    for (content, expected) in table() {
        let text = model(&content);
        let found = linted(&text, &[]);
        let spans = found.iter().map(|d| text.get(d.position.start..d.position.end).unwrap());
        // The text at the span is compared instead of the line and column.
        let messages = lines(&found).into_iter().map(|line| line.split_once(": ").unwrap().1.to_owned());
        let actual: Vec<_> = messages.zip(spans).collect();
        let actual: Vec<_> = actual.iter().map(|(line, span)| (line.as_str(), *span)).collect();
        assert_eq!(actual, expected, "{content}");
    }
    let covered: BTreeSet<_> = table()
        .iter()
        .flat_map(|(_, expected)| expected.iter())
        .filter_map(|(line, _)| line.split(['[', ']']).nth(1))
        .map(ToOwned::to_owned)
        .collect();
    let rules: BTreeSet<_> = RULES.iter().map(|rule| rule.name.to_owned()).collect();
    assert_eq!(covered, rules, "rules that the table covers");
}

#[test]
fn rules_without_their_context_find_nothing() {
    let text =
        model(&(conn("connector='Nobody' resource='x' queue='any'", "<conn:input type='param' key='a' value='{{'/>")));
    assert_eq!(lines(&lint(&text, &LintContext::default())), Vec::<String>::new());
}

#[test]
fn with_the_data_every_variable_is_checked() {
    let text =
        model(&conn("connector='Rates' resource='latest'", "<conn:input type='param' key='base' value='{{a}}{{b}}'/>"));
    let expected = "2:165: warning[unset-variable]: `N (n)`: `b` is read here, and nothing sets it (map an output onto it \
        before, or add it to the request data)";
    assert_eq!(lines(&linted(&text, &["a"])), [expected]);
    assert_eq!(lines(&linted(&text, &[])), Vec::<String>::new());
}
