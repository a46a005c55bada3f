//! Which variables a template reads.

use std::collections::BTreeSet;

use super::parse::Node;

/// Whether names inside of sections count: they may be members of the section's items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sections {
    /// They count.
    Entered,
    /// They do not.
    PassedOver,
}

/// Adds the first part of every name; `.` has none.
pub(super) fn collect(nodes: &[Node], sections: Sections, names: &mut BTreeSet<String>) {
    for node in nodes {
        let (name, inside) = match node {
            Node::Text(_) => continue,
            Node::Variable { name, .. } => (name, None),
            Node::Section { name, nodes, .. } => (name, Some(nodes)),
        };
        names.extend(name.parts.first().filter(|part| !part.is_empty()).cloned());
        if let Some(nodes) = inside.filter(|_| sections == Sections::Entered) {
            collect(nodes, sections, names);
        }
    }
}
