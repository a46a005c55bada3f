//! A `feel` row: mustache first, then an expression (COMPATIBILITY 4.6).

use serde_json::Value;

use super::expression::{EvalContext, Expression, ExpressionError, Missing};
use super::template::{Escape, Scope, Template, TemplateError};

/// A parsed row; one with mustache in it is an expression only once it is rendered.
#[derive(Debug)]
pub enum Feel {
    /// Without mustache: parsed once.
    Parsed(Expression),
    /// With mustache.
    Rendered(Template),
}

/// A row that does not parse, render or evaluate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FeelError {
    /// Its mustache.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// Its expression.
    #[error(transparent)]
    Expression(#[from] ExpressionError),
}

impl Feel {
    /// Parses what can be parsed before there is data.
    ///
    /// # Errors
    /// The first mistake and its position.
    pub fn parse(source: &str) -> Result<Self, FeelError> {
        Ok(if source.contains("{{") {
            Self::Rendered(Template::parse(source)?.closed_to_secrets("an expression")?)
        } else {
            Self::Parsed(Expression::parse(source)?)
        })
    }

    /// The typed value.
    ///
    /// # Errors
    /// What does not render or evaluate, and its position.
    pub fn evaluate(&self, scope: &Scope<'_>, ctx: EvalContext<'_>) -> Result<Value, FeelError> {
        match self {
            Self::Parsed(expression) => Ok(expression.evaluate(scope, ctx, Missing::Refused)?),
            Self::Rendered(template) => {
                let rendered = template.render(scope, Escape::None)?;
                Ok(Expression::parse(&rendered)?.evaluate(scope, ctx, Missing::Refused)?)
            }
        }
    }
}
