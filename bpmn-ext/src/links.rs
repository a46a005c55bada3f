//! References to activities: sequence flows and boundary events. Knows BPMN's references; must not know connectors.

use std::collections::HashMap;

use crate::diagnostic::{Finding, Report, quote};
use crate::model::BoundaryError;
use crate::task;
use crate::tree::Element;

/// Flows and boundary events by the id of their activity.
///
/// Look-ups remove what they return, so that a file with one id a thousand times does not copy it as often.
#[derive(Debug, Default)]
pub(crate) struct Links {
    incoming: HashMap<String, Vec<String>>,
    outgoing: HashMap<String, Vec<String>>,
    boundary_errors: HashMap<String, Vec<BoundaryError>>,
}

impl Links {
    /// Collects the links of all processes.
    pub(crate) fn of(definitions: &Element<'_>, report: &mut Report<'_>) -> Self {
        let codes = error_codes(definitions);
        let mut links = Self::default();
        links.collect(definitions, &codes, report);
        links
    }

    /// Ids of the sequence flows into the activity; without any, those that its `incoming` elements name.
    pub(crate) fn take_incoming(&mut self, id: &str, activity: &Element<'_>) -> Vec<String> {
        self.incoming.remove(id).unwrap_or_else(|| declared_flows(activity, "incoming"))
    }

    /// Ids of the sequence flows out of the activity; without any, those that its `outgoing` elements name.
    pub(crate) fn take_outgoing(&mut self, id: &str, activity: &Element<'_>) -> Vec<String> {
        self.outgoing.remove(id).unwrap_or_else(|| declared_flows(activity, "outgoing"))
    }

    /// The error boundary events of the activity.
    pub(crate) fn take_boundary_errors(&mut self, id: &str) -> Vec<BoundaryError> {
        self.boundary_errors.remove(id).unwrap_or_default()
    }

    fn collect(&mut self, parent: &Element<'_>, codes: &Codes, report: &mut Report<'_>) {
        for element in &parent.children {
            if element.is("sequenceFlow") {
                self.flow(element);
            } else if element.is("boundaryEvent") {
                self.boundary_event(element, codes, report);
            }
            self.collect(element, codes, report);
        }
    }

    fn flow(&mut self, flow: &Element<'_>) {
        let Some(id) = flow.id() else { return };
        for (end, flows) in [("sourceRef", &mut self.outgoing), ("targetRef", &mut self.incoming)] {
            if let Some(activity) = flow.attribute(end) {
                flows.entry(local(&activity).to_owned()).or_default().push(id.to_string());
            }
        }
    }

    fn boundary_event(&mut self, event: &Element<'_>, codes: &Codes, report: &mut Report<'_>) {
        let Some(definition) = event.child("errorEventDefinition") else { return };
        let Some(activity) = event.attribute("attachedToRef") else { return };
        let Some(id) = event.id() else {
            let message = format!("an error boundary event of {} has no id and is ignored", quote(&activity));
            report.add(event.start_tag.clone(), Finding::error("missing-id", message).help("write id=\"…\""));
            return;
        };
        let error_ref = definition.attribute("errorRef").filter(|reference| !reference.is_empty());
        let error = error_ref.as_ref().map(|reference| codes.get(local(reference)));
        if error == Some(None) {
            let reference = error_ref.as_deref().unwrap_or_default();
            let message =
                format!("boundary event {} catches {}, which is not in the file", quote(&id), quote(reference));
            let finding =
                Finding::warning("unknown-error", message).help("add the error, or remove errorRef to catch all");
            report.add(definition.start_tag.clone(), finding.about(task::about(event)));
        }
        let caught = BoundaryError {
            id: id.into(),
            name: event.attribute("name").map(Into::into),
            cancel_activity: event.flag("cancelActivity").unwrap_or(true),
            error_code: error.flatten().cloned().flatten(),
            error_ref: error_ref.map(|reference| local(&reference).to_owned()),
            position: report.position(event.start_tag.clone()),
        };
        self.boundary_errors.entry(local(&activity).to_owned()).or_default().push(caught);
    }
}

/// The code of each error, by its id.
type Codes = HashMap<String, Option<String>>;

fn error_codes(definitions: &Element<'_>) -> Codes {
    let errors = definitions.children("error");
    errors.filter_map(|error| Some((error.id()?.into(), error.attribute("errorCode").map(Into::into)))).collect()
}

/// A reference without its prefix: some references of BPMN are qualified names, and ids have no colon.
fn local(reference: &str) -> &str {
    let reference = reference.trim();
    reference.rsplit_once(':').map_or(reference, |(_, local)| local)
}

fn declared_flows(activity: &Element<'_>, name: &str) -> Vec<String> {
    activity.children(name).map(|flow| flow.text.trim().to_owned()).filter(|id| !id.is_empty()).collect()
}
