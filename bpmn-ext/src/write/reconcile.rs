//! A written `dataConnector` is made to mean something else, and only what differs is touched.

use super::edits::Edits;
use super::part::Part;
use crate::attribute::Attribute;
use crate::tree::{Element, Space};

/// Changes `element` so that it means `part`; new elements get `prefix`.
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
    element.children.iter().filter(|child| child.space == Space::Connector)
}

fn attributes(edits: &mut Edits<'_>, element: &Element<'_>, part: &Part) {
    for (field, value) in part.fields.iter().zip(&part.values) {
        let found = element.own(field.attribute);
        let written = found.map_or_else(|| field.default.into(), Attribute::text);
        match found {
            _ if part.is_same(field, &written, value) => {}
            Some(attribute) if *value == field.default => edits.remove_attribute(attribute),
            _ => edits.set_attribute(element, found, field.attribute, value),
        }
    }
}

/// Rows at both ends that already are what they shall be stay; of the others, each becomes the next that is wanted.
fn rows<'e, 'a>(
    edits: &mut Edits<'_>,
    parent: &Element<'_>,
    mut written: &[&'e Element<'a>],
    mut wanted: &[&Part],
    (prefix, mut after): (&str, Option<&'e Element<'a>>),
) {
    while let ([first, others @ ..], [part, parts @ ..]) = (written, wanted) {
        if !is(first, part) {
            break;
        }
        (written, wanted, after) = (others, parts, Some(*first));
    }
    while let ([others @ .., last], [parts @ .., part]) = (written, wanted) {
        if !is(last, part) {
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
        edits.remove(row.whole());
    }
    let added: Vec<String> = added.iter().map(|part| part.written(prefix, "", "", "")).collect();
    if !added.is_empty() {
        edits.insert_children(parent, changed.last().copied().or(after), &added);
    }
}

/// Whether an element already means a part.
fn is(element: &Element<'_>, part: &Part) -> bool {
    part.fields.iter().zip(&part.values).all(|(field, value)| {
        let written = element.own(field.attribute).map_or_else(|| field.default.into(), Attribute::text);
        part.is_same(field, &written, value)
    })
}
