//! Which variables an expression reads.

use std::collections::BTreeSet;

use super::parse::{Kind, Node};

/// Adds every name that has to be there when `node` is evaluated; what `??` replaces does not have to.
pub(super) fn collect(node: &Node, names: &mut BTreeSet<String>) {
    match &node.kind {
        Kind::Literal(_) => {}
        Kind::Name(name) => {
            names.insert(name.clone());
        }
        Kind::Member { of, .. } | Kind::Not(of) | Kind::Negate(of) => collect(of, names),
        Kind::Item { of: first, key: second }
        | Kind::Operation { left: first, right: second, .. }
        | Kind::Matches { of: first, pattern: second } => {
            collect(first, names);
            collect(second, names);
        }
        Kind::List(items) | Kind::Call { arguments: items, .. } => items.iter().for_each(|item| collect(item, names)),
        Kind::Object(members) => {
            for (key, value) in members {
                collect(key, names);
                collect(value, names);
            }
        }
        Kind::Choice { condition, yes, no } => {
            for part in [Some(condition), yes.as_ref(), no.as_ref()].into_iter().flatten() {
                collect(part, names);
            }
        }
        Kind::Coalesce { second, .. } => collect(second, names),
    }
}
