//! The element tree to processes and connector tasks. Knows which elements can be connectors and how their parts are put
//! together; must not know how a dialect is written.

use crate::activity;
use crate::diagnostic::{Finding, Report, quote};
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
            if let Some(dialect) = self.dialect(element) {
                self.task(element, dialect);
            }
            self.activities(element);
        }
    }

    /// The dialect of an element that is a connector; reports when there are several, or none that applies.
    fn dialect(&mut self, element: &Element<'_>) -> Option<Dialect> {
        let templates = || template::is_applied(element).then_some(Dialect::Template);
        let other = processmaker::dialect(element).or_else(templates);
        let mut connectors = extension::connectors(element);
        let Some(first) = connectors.next() else { return other };
        if !EXTENSION_HOLDERS.contains(&element.name) {
            self.misplaced(element, first);
            return other;
        }
        if let Some(second) = connectors.next() {
            let message = format!("{} has more than one dataConnector; the first is used", describe(element));
            let finding = Finding::error("several-connectors", message).help("use one element for each call");
            self.report.add(second.start_tag.clone(), finding);
        }
        if let Some(other) = other {
            let other = if other == Dialect::Template { "the template" } else { "`implementation`" };
            let message = format!("{} is a connector in two dialects; dataConnector is used", describe(element));
            let finding = Finding::error("two-dialects", message).help(format!("remove {other} or dataConnector"));
            self.report.add(element.start_tag.clone(), finding);
        }
        Some(Dialect::Extension)
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

/// The element in messages, in backquotes.
pub(crate) fn describe(element: &Element<'_>) -> String {
    let id = element.id().unwrap_or_default();
    quote(&label(element.attribute("name").as_deref(), if id.is_empty() { element.name } else { &id }))
}
