//! The element tree to processes and connector tasks. Knows where connectors can stand and how their parts come
//! together; the spellings know themselves.

use crate::activity;
use crate::diagnostic::{Finding, Report, quote};
use crate::links::Links;
use crate::model::{ConnectorTask, Model, Process, Spelling, label};
use crate::tree::Element;
use crate::{duplicate, extension, processmaker, template};

/// What can carry our own extension (CONTRACT 5).
pub(crate) const CARRIERS: [&str; 2] = ["serviceTask", "sendTask"];

/// Everything that a file says about connectors, and the element of each task.
pub(crate) fn model<'e, 'a>(definitions: &'e Element<'a>, report: &mut Report<'a>) -> (Model, Vec<&'e Element<'a>>) {
    let links = Links::of(definitions, report);
    duplicate::check(definitions, report);
    let mut reading = Reading { process: String::new(), links, report, model: Model::default(), elements: Vec::new() };
    for process in definitions.children("process") {
        reading.process(process);
    }
    (reading.model, reading.elements)
}

/// One process after another.
struct Reading<'r, 'e, 'a> {
    /// The id of the process that is read.
    process: String,
    links: Links,
    report: &'r mut Report<'a>,
    model: Model,
    /// Of the model's tasks.
    elements: Vec<&'e Element<'a>>,
}

impl<'e, 'a> Reading<'_, 'e, 'a> {
    fn process(&mut self, process: &'e Element<'a>) {
        let Some(id) = process.id() else {
            let finding = Finding::error("missing-id", "a process has no id, so its connectors cannot be deployed");
            self.report.add(process.span.clone(), finding.help("write id=\"…\""));
            self.process.clear();
            return self.activities(process);
        };
        self.process = id.into();
        self.model.processes.push(Process {
            id: self.process.clone(),
            name: process.attribute("name").map(Into::into),
            is_executable: process.flag("isExecutable").unwrap_or(false),
            position: self.report.position(process.span.clone()),
        });
        self.activities(process);
    }

    fn activities(&mut self, parent: &'e Element<'a>) {
        for element in &parent.children {
            if let Some(spelling) = self.spelling(element) {
                self.task(element, spelling);
            }
            self.activities(element);
        }
    }

    /// How the element spells a connector, if it is one; says when it is half of one.
    fn spelling(&mut self, element: &Element<'_>) -> Option<Spelling> {
        let templates = || template::is_applied(element).then_some(Spelling::Template);
        let theirs = processmaker::spelling(element).or_else(templates);
        let mut ours = extension::connectors(element);
        let Some(first) = ours.next() else { return theirs };
        if !CARRIERS.contains(&element.name) {
            self.misplaced(element, first);
            return theirs;
        }
        if let Some(second) = ours.next() {
            let message = format!("{} has more than one dataConnector; the first is used", describe(element));
            let finding = Finding::error("several-connectors", message).help("use one element for each call");
            self.report.add(second.span.clone(), finding);
        }
        if let Some(theirs) = theirs {
            let other = if theirs == Spelling::Template { "the template" } else { "`implementation`" };
            let message = format!("{} is a connector in two spellings; dataConnector is used", describe(element));
            let finding = Finding::error("two-spellings", message).help(format!("remove {other} or dataConnector"));
            self.report.add(element.span.clone(), finding);
        }
        Some(Spelling::Extension)
    }

    fn misplaced(&mut self, element: &Element<'_>, connector: &Element<'_>) {
        let message = format!("dataConnector is ignored in {} of type {}", describe(element), quote(element.name));
        let finding =
            Finding::warning("misplaced-connector", message).help("put it into a service task or a send task");
        self.report.add(connector.span.clone(), finding);
    }

    fn task(&mut self, element: &'e Element<'a>, spelling: Spelling) {
        let Some(id) = element.id() else {
            let message = format!("{} has no id, so no job can name it; it is left out", describe(element));
            self.report.add(element.span.clone(), Finding::error("missing-id", message).help("write id=\"…\""));
            return;
        };
        let label = describe(element);
        let (config, error_handling) = match spelling {
            Spelling::ProcessMakerServiceTask | Spelling::ProcessMakerCallActivity => (
                processmaker::config(element, &label, self.report),
                processmaker::error_handling(element, &label, self.report),
            ),
            Spelling::Extension => {
                let connector = extension::connectors(element).next();
                (connector.map(|c| extension::config(c, &label, self.report)).unwrap_or_default(), None)
            }
            Spelling::Template => (template::config(element, &label, self.report), None),
        };
        self.elements.push(element);
        let inputs = activity::data_items(element, "dataInput");
        let outputs = activity::data_items(element, "dataOutput");
        self.model.tasks.push(ConnectorTask {
            process: self.process.clone(),
            name: element.attribute("name").map(Into::into),
            spelling,
            config,
            error_handling,
            loop_characteristics: activity::loop_characteristics(element, &inputs, &outputs),
            inputs,
            outputs,
            boundary_errors: self.links.take_boundary_errors(&id),
            incoming: self.links.take_incoming(&id, element),
            outgoing: self.links.take_outgoing(&id, element),
            position: self.report.position(element.span.clone()),
            element: id.into(),
        });
    }
}

/// The element as people know it.
pub(crate) fn describe(element: &Element<'_>) -> String {
    let id = element.id().unwrap_or_default();
    quote(&label(element.attribute("name").as_deref(), if id.is_empty() { element.name } else { &id }))
}
