//! Changes a `dataConnector` in the file to another configuration. Knows how to do that with few edits; must not know how a
//! configuration becomes elements.

use super::edits::Edits;
use super::part::Part;
use crate::attribute::Attribute;
use crate::tree::{Element, Namespace};

/// Edits `element` so that it means `part`; new elements get `prefix`.
pub(super) fn element(edits: &mut Edits<'_>, element: &Element<'_>, part: &Part, prefix: &str) {
    attributes(edits, element, part);
    let mut last: Option<&Element<'_>> = None;
    for kind in ["input", "output", "retry", "timeout", "errorMapping", "success"] {
        let written: Vec<&Element<'_>> = children(element).filter(|child| child.name == kind).collect();
        let wanted: Vec<&Part> = part.children.iter().filter(|child| child.name == kind).collect();
        rows(edits, element, &written, &wanted, (prefix, last));
        last = written.last().copied().or(last);
    }
}

fn children<'e, 'a>(element: &'e Element<'a>) -> impl Iterator<Item = &'e Element<'a>> {
    element.children.iter().filter(|child| child.namespace == Namespace::Connector)
}

fn attributes(edits: &mut Edits<'_>, element: &Element<'_>, part: &Part) {
    for (field, value) in part.fields.iter().zip(&part.values) {
        let found = element.attribute_node(field.attribute);
        let written = found.map_or_else(|| field.default.into(), Attribute::text);
        match found {
            _ if part.means_the_same(field, &written, value) => {}
            Some(attribute) if *value == field.default => edits.remove_attribute(attribute),
            _ => edits.set_attribute(element, found, field.attribute, value),
        }
    }
}

/// Leaves rows at both ends that are right already; of the others, each is changed into the next wanted one.
fn rows<'e, 'a>(
    edits: &mut Edits<'_>,
    parent: &Element<'_>,
    mut written: &[&'e Element<'a>],
    mut wanted: &[&Part],
    (prefix, mut after): (&str, Option<&'e Element<'a>>),
) {
    while let ([first, others @ ..], [part, parts @ ..]) = (written, wanted) {
        if !matches_part(first, part) {
            break;
        }
        (written, wanted, after) = (others, parts, Some(*first));
    }
    while let ([others @ .., last], [parts @ .., part]) = (written, wanted) {
        if !matches_part(last, part) {
            break;
        }
        (written, wanted) = (others, parts);
    }
    let common = written.len().min(wanted.len());
    let (changed, removed) = written.split_at(common);
    let (into, added) = wanted.split_at(common);
    for (row, part) in changed.iter().zip(into) {
        attributes(edits, row, part);
    }
    for row in removed {
        edits.remove(row.full_span());
    }
    let added: Vec<String> = added.iter().map(|part| part.to_xml(prefix, "", "", "")).collect();
    if !added.is_empty() {
        edits.insert_children(parent, changed.last().copied().or(after), &added);
    }
}

/// Whether an element means the same as a part.
fn matches_part(element: &Element<'_>, part: &Part) -> bool {
    part.fields.iter().zip(&part.values).all(|(field, value)| {
        let written = element.attribute_node(field.attribute).map_or_else(|| field.default.into(), Attribute::text);
        part.means_the_same(field, &written, value)
    })
}
