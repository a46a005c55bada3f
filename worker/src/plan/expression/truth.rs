//! Whether an expression can give true or false.

use serde_json::Value;

use super::functions::Function;
use super::parse::{Kind, Node, Operator};

/// Whether `node` can give true or false; a variable can, whatever it holds in the end.
pub(super) fn is_possible(node: &Node) -> bool {
    use Operator::{Add, Concatenate, Divide, Multiply, Power, Range, Remainder, Subtract};
    match &node.kind {
        Kind::Literal(value) => matches!(value, Value::Bool(_)),
        Kind::List(_) | Kind::Object(_) | Kind::Negate(_) => false,
        Kind::Operation { operator, .. } => {
            !matches!(operator, Add | Concatenate | Divide | Multiply | Power | Range | Remainder | Subtract)
        }
        Kind::Choice { condition, yes, no } => {
            is_possible(yes.as_deref().unwrap_or(condition)) && no.as_deref().is_none_or(is_possible)
        }
        Kind::Coalesce { first, second } => is_possible(first) && is_possible(second),
        Kind::Call { function, .. } => {
            matches!(function, Function::Get | Function::ArrayGet | Function::Empty | Function::Json)
        }
        Kind::Name(_) | Kind::Member { .. } | Kind::Item { .. } | Kind::Not(_) | Kind::Matches { .. } => true,
    }
}
