//! The error that a boundary event can catch, where element, resource or connector maps the failure (CONTRACT 3).

use crate::connector::ErrorRow;
use crate::job::{BpmnError, Failure};
use crate::plan::template::{Escape, Scope, Template};

use super::Reading;

/// The first row that fits, the element's rows before the resource's before the connector's.
pub fn bpmn_error(failure: &Failure, reading: &Reading<'_>) -> Option<BpmnError> {
    let status = failure.status?;
    let rows = [&reading.element.rules, &reading.resource.rules, &reading.connector.rules];
    let row = rows.into_iter().flat_map(|rules| &rules.error_mapping).find(|row| row.when.contains(status))?;
    Some(BpmnError { code: row.code.clone(), message: message(row, reading) })
}

/// The row's message; a template that does not render is shown as it stands, for the failure itself matters more.
fn message(row: &ErrorRow, reading: &Reading<'_>) -> Option<String> {
    let template = row.message.as_deref()?;
    let rendered = Template::parse(template).and_then(|t| t.render(&Scope::new(reading.data), Escape::None));
    Some(rendered.unwrap_or_else(|_| template.to_owned()))
}
