//! Rules that hold for some answers: `success`, `errorMapping.when`, `until` (CONTRACT 3 and 7).

use serde_json::{Map, Value};

use crate::connector::{Condition, StatusList};
use crate::plan::expression::{EvalContext, Expression, ExpressionError};
use crate::plan::template::Scope;

/// A parsed condition.
#[derive(Debug)]
pub(super) enum CompiledCondition {
    Statuses(StatusList),
    Expression(Expression),
}

impl CompiledCondition {
    pub(super) fn new(condition: &Condition) -> Result<Self, String> {
        match condition {
            Condition::Statuses(list) => Ok(Self::Statuses(list.clone())),
            Condition::Expression(text) => Expression::parse(text).map(Self::Expression).map_err(|error| {
                format!("is neither a list of statuses (404, 4xx, 400-404) nor an expression: {error}")
            }),
        }
    }

    pub(super) fn holds(&self, subject: &Subject<'_>) -> Result<bool, ExpressionError> {
        match self {
            Self::Statuses(list) => Ok(subject.status.is_some_and(|status| list.contains(status))),
            Self::Expression(expression) => {
                expression.holds(&Scope::new(subject.data).over(subject.members), subject.ctx)
            }
        }
    }
}

/// What a condition is about.
#[derive(Debug)]
pub(super) struct Subject<'a> {
    pub(super) status: Option<u16>,
    /// `status`, `body`, `headers` and, of failures, `code`.
    pub(super) members: &'a Map<String, Value>,
    pub(super) data: &'a Map<String, Value>,
    pub(super) ctx: EvalContext<'a>,
}
