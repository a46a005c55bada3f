//! What a file says about connectors, as plain data. Knows the shape of the result; not how it is found.

use serde::Serialize;
use serde_json::Value;

use crate::position::Position;

/// What was read of a file.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Model {
    /// In the order of the file.
    pub processes: Vec<Process>,
    /// Connector elements of all processes at any depth, in the order of the file.
    pub tasks: Vec<ConnectorTask>,
}

/// A BPMN process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Process {
    /// Its BPMN id.
    pub id: String,
    /// For people.
    pub name: Option<String>,
    /// False when the file does not say (BPMN 2.0, table 10.1).
    pub is_executable: bool,
    /// Its start tag.
    pub position: Position,
}

/// Which of the spellings of CONTRACT 5 an element uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Spelling {
    /// A service task with ProcessMaker's `implementation` (sheet 1.2).
    ProcessMakerServiceTask,
    /// A call activity that stands for a connector (sheet 1.2).
    ProcessMakerCallActivity,
    /// `dataConnector` of `urn:data-connector:bpmn:1` (CONTRACT 5).
    Extension,
    /// What our element templates write (CONTRACT 5).
    Template,
}

/// An element that calls a connector, whatever its spelling.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectorTask {
    /// The BPMN id of the process it is in; empty when that has none.
    pub process: String,
    /// Its own id.
    pub element: String,
    /// For people.
    pub name: Option<String>,
    /// How it is written.
    pub spelling: Spelling,
    /// What a job carries as `config` (CONTRACT 2, sheet 1.3): an object, or the text as it stands when that is none.
    pub config: Value,
    /// What a job carries as `errorHandling` (sheet 1.5), likewise.
    pub error_handling: Option<Value>,
    /// How often it runs, unless once (sheet 1.7).
    pub loop_characteristics: Option<Loop>,
    /// `dataInput` of its `ioSpecification` (sheet 1.7).
    pub inputs: Vec<DataItem>,
    /// `dataOutput` of its `ioSpecification` (sheet 1.7).
    pub outputs: Vec<DataItem>,
    /// Attached boundary events that catch errors (sheet 1.8).
    pub boundary_errors: Vec<BoundaryError>,
    /// Ids of the sequence flows that lead here.
    pub incoming: Vec<String>,
    /// Ids of the sequence flows that lead on.
    pub outgoing: Vec<String>,
    /// Its start tag.
    pub position: Position,
}

impl ConnectorTask {
    /// The element as people know it: `name (id)`, or the id alone.
    pub fn label(&self) -> String {
        label(self.name.as_deref(), &self.element)
    }
}

/// `name (id)`, or the id alone.
pub(crate) fn label(name: Option<&str>, id: &str) -> String {
    match name {
        Some(name) if !name.trim().is_empty() => format!("{} ({id})", name.trim()),
        _ => id.to_owned(),
    }
}

/// Loop characteristics of an activity (sheet 1.7). Texts are expressions of the engine and are kept as written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Loop {
    /// `standardLoopCharacteristics`.
    Standard {
        /// `loopMaximum`.
        maximum: Option<String>,
        /// `loopCondition`.
        condition: Option<String>,
        /// Whether the condition is looked at before the first run.
        test_before: bool,
    },
    /// `multiInstanceLoopCharacteristics`.
    MultiInstance {
        /// One after another, rather than all at once.
        sequential: bool,
        /// `loopCardinality`.
        cardinality: Option<String>,
        /// `completionCondition`.
        completion_condition: Option<String>,
        /// The variable that holds the source array: the name of the data input that `loopDataInputRef` means.
        input_collection: Option<String>,
        /// The variable that takes the results: the name of the data output that `loopDataOutputRef` means.
        output_collection: Option<String>,
        /// `inputDataItem`: what one instance sees of the source array.
        input_item: Option<String>,
        /// `outputDataItem`: what one instance adds to the results.
        output_item: Option<String>,
    },
}

/// A data input or data output of an activity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DataItem {
    /// Its id, to which loops refer.
    pub id: Option<String>,
    /// The variable.
    pub name: Option<String>,
    /// Whether it is an array.
    pub is_collection: bool,
}

/// A boundary event that catches errors of the activity it is attached to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BoundaryError {
    /// Its id.
    pub id: String,
    /// For people.
    pub name: Option<String>,
    /// Whether it ends the activity; true when the file does not say.
    pub cancel_activity: bool,
    /// The id of the error it catches; without one it catches all (sheet 1.8).
    pub error_ref: Option<String>,
    /// The code of that error.
    pub error_code: Option<String>,
    /// Its start tag.
    pub position: Position,
}
