//! Rules that hold for some answers: `success`, `errorMapping.when`, `until` (CONTRACT 3 and 7).

use serde_json::{Map, Value};

use crate::connector::{Condition, StatusList};
use crate::plan::expression::{Expression, ExpressionError, Surroundings};
use crate::plan::template::Scope;

/// A parsed condition.
#[derive(Debug)]
pub(super) enum Prepared {
    Statuses(StatusList),
    Expression(Expression),
}

pub(super) fn prepare(condition: &Condition) -> Result<Prepared, String> {
    match condition {
        Condition::Statuses(list) => Ok(Prepared::Statuses(list.clone())),
        Condition::Expression(text) => match Expression::parse(text) {
            Ok(expression) => Ok(Prepared::Expression(expression)),
            Err(error) => Err(format!("is neither a list of statuses (404, 4xx, 400-404) nor an expression: {error}")),
        },
    }
}

/// What a condition is about.
#[derive(Debug)]
pub(super) struct Subject<'a> {
    pub(super) status: Option<u16>,
    /// `status`, `body`, `headers` and, of failures, `code`.
    pub(super) members: &'a Map<String, Value>,
    pub(super) data: &'a Map<String, Value>,
    pub(super) around: Surroundings<'a>,
}

impl Prepared {
    pub(super) fn holds(&self, subject: &Subject<'_>) -> Result<bool, ExpressionError> {
        match self {
            Self::Statuses(list) => Ok(subject.status.is_some_and(|status| list.contains(status))),
            Self::Expression(expression) => {
                expression.holds(&Scope::new(subject.data).over(subject.members), subject.around)
            }
        }
    }
}
