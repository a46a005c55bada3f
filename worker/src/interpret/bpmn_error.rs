//! The error that a boundary event can catch, where element, resource or connector maps the failure (CONTRACT 3).

use serde_json::{Map, Value};

use crate::job::{BpmnError, Failure};
use crate::plan::template::{Escape, Scope};

use super::ResponseContext;
use super::condition::Subject;
use super::rules::CompiledErrorRow;

/// The first row that fits, the element's rows before the resource's before the connector's. An expression that cannot be
/// evaluated for this failure does not fit it.
pub fn bpmn_error(failure: &Failure, context: &ResponseContext<'_>) -> Option<BpmnError> {
    let mut rows = context.rules.into_iter().flat_map(|rules| &rules.errors).peekable();
    rows.peek()?;
    let members = members(failure);
    let subject = Subject { status: failure.status, members: &members, data: context.data, ctx: context.ctx };
    let row = rows.find(|row| row.when.holds(&subject).unwrap_or(false))?;
    Some(BpmnError { code: row.code.clone(), message: message(row, &members, context) })
}

/// `status`, `code`, `headers`, and the answer as data where it was data, else its first characters.
fn members(failure: &Failure) -> Map<String, Value> {
    let text = || failure.body.as_deref().map_or(Value::Null, Value::from);
    Map::from_iter([
        ("status".to_owned(), failure.status.map_or(Value::Null, Value::from)),
        ("code".to_owned(), Value::from(failure.code.to_string())),
        ("headers".to_owned(), failure.headers.as_deref().cloned().map_or(Value::Null, Value::Object)),
        ("body".to_owned(), failure.answer.as_deref().cloned().unwrap_or_else(text)),
    ])
}

/// The row's message, or why it does not render: the failure itself must not be lost.
fn message(row: &CompiledErrorRow, members: &Map<String, Value>, context: &ResponseContext<'_>) -> Option<String> {
    let template = row.message.as_ref()?;
    let rendered = template.render(&Scope::new(context.data).over(members), Escape::None);
    Some(rendered.unwrap_or_else(|error| format!("(the message does not render: {error})")))
}
