//! The loop and the data items of an activity. Knows BPMN 2.0; must not know connectors.

use crate::model::{DataItem, Loop};
use crate::tree::Element;

/// `dataInput` or `dataOutput` of an activity's `ioSpecification` (COMPATIBILITY 1.7).
pub(crate) fn data_items(activity: &Element<'_>, name: &str) -> Vec<DataItem> {
    let specification = activity.child("ioSpecification");
    specification.into_iter().flat_map(|specification| specification.children(name)).map(data_item).collect()
}

fn data_item(element: &Element<'_>) -> DataItem {
    DataItem {
        id: element.id().map(Into::into),
        name: element.attribute("name").map(Into::into),
        is_collection: element.flag("isCollection").unwrap_or(false),
    }
}

/// The activity's loop characteristics, if it has any (COMPATIBILITY 1.7).
pub(crate) fn loop_characteristics(activity: &Element<'_>, inputs: &[DataItem], outputs: &[DataItem]) -> Option<Loop> {
    activity.children.iter().find_map(|child| match child {
        child if child.is("standardLoopCharacteristics") => Some(standard(child)),
        child if child.is("multiInstanceLoopCharacteristics") => Some(multi_instance(child, inputs, outputs)),
        _ => None,
    })
}

fn standard(element: &Element<'_>) -> Loop {
    Loop::Standard {
        maximum: element.attribute("loopMaximum").map(Into::into).filter(|maximum: &String| !maximum.is_empty()),
        condition: text(element, "loopCondition"),
        test_before: element.flag("testBefore").unwrap_or(false),
    }
}

fn multi_instance(element: &Element<'_>, inputs: &[DataItem], outputs: &[DataItem]) -> Loop {
    Loop::MultiInstance {
        sequential: element.flag("isSequential").unwrap_or(false),
        cardinality: text(element, "loopCardinality"),
        completion_condition: text(element, "completionCondition"),
        input_collection: element.child_text("loopDataInputRef").map(|reference| variable(reference, inputs)),
        output_collection: element.child_text("loopDataOutputRef").map(|reference| variable(reference, outputs)),
        input_item: item(element, "inputDataItem"),
        output_item: item(element, "outputDataItem"),
    }
}

fn text(element: &Element<'_>, child: &str) -> Option<String> {
    element.child_text(child).map(str::to_owned)
}

/// The variable that a reference means: the name of the data item, or the reference itself when there is no name.
fn variable(reference: &str, items: &[DataItem]) -> String {
    let item = items.iter().find(|item| item.id.as_deref() == Some(reference));
    let name = item.and_then(|item| item.name.as_deref()).filter(|name| !name.is_empty());
    name.unwrap_or(reference).to_owned()
}

/// The name of a data item of the loop; its id when it has none.
fn item(element: &Element<'_>, child: &str) -> Option<String> {
    let item = element.child(child)?;
    let name = item.attribute("name").filter(|name| !name.is_empty());
    name.or_else(|| item.id()).map(Into::into)
}
