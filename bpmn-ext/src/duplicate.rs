//! Duplicate ids. Knows that jobs, flows and boundary events refer to elements by id; must not know what an element means.

use std::collections::HashMap;
use std::ops::Range;

use crate::diagnostic::{Finding, Report, quote};
use crate::tree::Element;
use crate::{extension, processmaker, task};

/// Reports every element whose id an earlier element has.
pub(crate) fn check(definitions: &Element<'_>, report: &mut Report<'_>) {
    visit(definitions, &mut HashMap::new(), report);
}

fn visit(element: &Element<'_>, seen: &mut HashMap<String, Range<usize>>, report: &mut Report<'_>) {
    if let Some(id) = element.id() {
        match seen.get(&*id) {
            Some(first) => report.add(element.start_tag.clone(), finding(element, &id, first, report)),
            None => {
                seen.insert(id.into(), element.start_tag.clone());
            }
        }
    }
    for child in &element.children {
        visit(child, seen, report);
    }
}

/// An error where jobs use the id, a warning elsewhere, since engines differ.
fn finding(element: &Element<'_>, id: &str, first: &Range<usize>, report: &Report<'_>) -> Finding {
    let first = report.position(first.clone());
    let message = format!(
        "the id {} of this {} is taken by the element in line {}, column {}",
        quote(id),
        quote(element.name),
        first.line,
        first.column
    );
    let is_connector = processmaker::dialect(element).is_some() || extension::connectors(element).next().is_some();
    let finding = if is_connector || element.is("process") {
        Finding::error("duplicate-id", message)
    } else {
        Finding::warning("duplicate-id", message)
    };
    finding.help("give each element an id of its own").about(task::about(element))
}
