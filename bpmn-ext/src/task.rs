//! The element tree to processes and connector tasks. Knows which elements can be connectors and how their parts are put
//! together; must not know how a dialect is written.

use crate::activity;
use crate::diagnostic::{About, Finding, Report, quote};
use crate::links::Links;
use crate::model::{ConnectorTask, Dialect, Model, Process, label};
use crate::tree::Element;
use crate::{duplicate, extension, processmaker, template};

/// The BPMN elements that can hold our extension (CONTRACT 5).
pub(crate) const EXTENSION_HOLDERS: [&str; 2] = ["serviceTask", "sendTask"];

/// The processes and connectors of a file, and the element of each connector task.
pub(crate) fn model<'e, 'a>(definitions: &'e Element<'a>, report: &mut Report<'a>) -> (Model, Vec<&'e Element<'a>>) {
    let links = Links::of(definitions, report);
    duplicate::check(definitions, report);
    let mut reader =
        ModelReader { process: String::new(), links, report, model: Model::default(), elements: Vec::new() };
    for process in definitions.children("process") {
        reader.process(process);
    }
    (reader.model, reader.elements)
}

/// Reads one process after another.
struct ModelReader<'r, 'e, 'a> {
    /// The id of the process that is being read.
    process: String,
    links: Links,
    report: &'r mut Report<'a>,
    model: Model,
    /// The elements of the model's tasks.
    elements: Vec<&'e Element<'a>>,
}

impl<'e, 'a> ModelReader<'_, 'e, 'a> {
    fn process(&mut self, process: &'e Element<'a>) {
        let Some(id) = process.id() else {
            let finding = Finding::error("missing-id", "a process has no id, so its connectors cannot be deployed");
            self.report.add(process.start_tag.clone(), finding.help("write id=\"…\""));
            self.process.clear();
            return self.activities(process);
        };
        self.process = id.into();
        self.model.processes.push(Process {
            id: self.process.clone(),
            name: process.attribute("name").map(Into::into),
            is_executable: process.flag("isExecutable").unwrap_or(false),
            position: self.report.position(process.start_tag.clone()),
        });
        self.activities(process);
    }

    fn activities(&mut self, parent: &'e Element<'a>) {
        for element in &parent.children {
            self.report.about = Some(about(element));
            if let Some(dialect) = self.dialect(element) {
                self.task(element, dialect);
            }
            self.report.about = None;
            self.activities(element);
        }
    }

    /// The dialect of an element that is a connector; reports when several configure it.
    ///
    /// `implementation` and the topic or type of a template are what engines dispatch on. Without a configuration of their
    /// own they only name the worker of one in another dialect.
    fn dialect(&mut self, element: &Element<'_>) -> Option<Dialect> {
        let extension = self.has_extension(element).then_some(Dialect::Extension);
        let template = template::is_applied(element).then_some(Dialect::Template);
        let found = || [extension, processmaker::dialect(element), template].into_iter().flatten();
        if found().nth(1).is_none() {
            return found().next();
        }
        let mut configured = found().filter(|dialect| configures(*dialect, element));
        let (used, other) = (configured.next(), configured.next());
        if let (Some(used), Some(other)) = (used, other) {
            let [used, other] = [used, other].map(configuration);
            let message = format!("{} is a connector in two dialects; {used} is used", describe(element));
            let finding = Finding::error("two-dialects", message).help(format!("remove {other} or {used}"));
            self.report.add(element.start_tag.clone(), finding);
        }
        used.or_else(|| found().next())
    }

    /// Whether a `dataConnector` configures the element; reports those that are ignored.
    fn has_extension(&mut self, element: &Element<'_>) -> bool {
        let mut connectors = extension::connectors(element);
        let Some(first) = connectors.next() else { return false };
        if !EXTENSION_HOLDERS.contains(&element.name) {
            self.misplaced(element, first);
            return false;
        }
        if let Some(second) = connectors.next() {
            let message = format!("{} has more than one dataConnector; the first is used", describe(element));
            let finding = Finding::error("several-connectors", message).help("use one element for each call");
            self.report.add(second.start_tag.clone(), finding);
        }
        if let Some(attribute) = processmaker::filled_error_handling(element) {
            let message = format!("{}: pm:errorHandling is ignored, since dataConnector is used", describe(element));
            let finding = Finding::warning("ignored-error-handling", message);
            self.report.add(attribute.span(), finding.help("write `retry` and `timeout` into dataConnector"));
        }
        true
    }

    fn misplaced(&mut self, element: &Element<'_>, connector: &Element<'_>) {
        let message = format!("dataConnector is ignored in {} of type {}", describe(element), quote(element.name));
        let finding =
            Finding::warning("misplaced-connector", message).help("put it into a service task or a send task");
        self.report.add(connector.start_tag.clone(), finding);
    }

    fn task(&mut self, element: &'e Element<'a>, dialect: Dialect) {
        let Some(id) = element.id() else {
            let message = format!("{} has no id, so no job can refer to it; it is ignored", describe(element));
            self.report.add(element.start_tag.clone(), Finding::error("missing-id", message).help("write id=\"…\""));
            return;
        };
        let label = describe(element);
        let (config, error_handling) = match dialect {
            Dialect::ProcessMakerServiceTask | Dialect::ProcessMakerCallActivity => (
                processmaker::config(element, &label, self.report),
                processmaker::error_handling(element, &label, self.report),
            ),
            Dialect::Extension => {
                let connector = extension::connectors(element).next();
                (connector.map(|c| extension::config(c, &label, self.report)).unwrap_or_default(), None)
            }
            Dialect::Template => (template::config(element, &label, self.report), None),
        };
        self.elements.push(element);
        let inputs = activity::data_items(element, "dataInput");
        let outputs = activity::data_items(element, "dataOutput");
        self.model.tasks.push(ConnectorTask {
            process: self.process.clone(),
            name: element.attribute("name").map(Into::into),
            dialect,
            config,
            error_handling,
            loop_characteristics: activity::loop_characteristics(element, &inputs, &outputs),
            inputs,
            outputs,
            boundary_errors: self.links.take_boundary_errors(&id),
            incoming: self.links.take_incoming(&id, element),
            outgoing: self.links.take_outgoing(&id, element),
            position: self.report.position(element.start_tag.clone()),
            element: id.into(),
        });
    }
}

/// Whether an element that is a connector in a dialect is also configured in it.
fn configures(dialect: Dialect, element: &Element<'_>) -> bool {
    match dialect {
        Dialect::ProcessMakerServiceTask | Dialect::ProcessMakerCallActivity => processmaker::configures(element),
        Dialect::Extension => true,
        Dialect::Template => template::configures(element),
    }
}

/// What configures an element in a dialect, in messages.
fn configuration(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::ProcessMakerServiceTask | Dialect::ProcessMakerCallActivity => "`pm:config`",
        Dialect::Extension => "dataConnector",
        Dialect::Template => "the template's properties",
    }
}

/// The element for diagnostics.
pub(crate) fn about(element: &Element<'_>) -> About {
    About { element: element.id().map(Into::into), name: element.attribute("name").map(Into::into) }
}

/// The element in messages, in backquotes.
pub(crate) fn describe(element: &Element<'_>) -> String {
    let id = element.id().unwrap_or_default();
    quote(&label(element.attribute("name").as_deref(), if id.is_empty() { element.name } else { &id }))
}
