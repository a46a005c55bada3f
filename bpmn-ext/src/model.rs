//! The connectors of a file as plain data. Knows the shape of the result; must not know how a file is read.

use serde::Serialize;
use serde_json::Value;

use crate::position::Position;

/// The processes and connectors of a file.
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
    /// Its name on the canvas.
    pub name: Option<String>,
    /// False by default (BPMN 2.0, table 10.1).
    pub is_executable: bool,
    /// Its start tag.
    pub position: Position,
}

/// How an element configures a connector (CONTRACT 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Dialect {
    /// A service task with ProcessMaker's `implementation` (COMPATIBILITY 1.2).
    ProcessMakerServiceTask,
    /// A call activity that ProcessMaker runs as a connector (COMPATIBILITY 1.2).
    ProcessMakerCallActivity,
    /// `dataConnector` of `urn:data-connector:bpmn:1` (CONTRACT 5).
    Extension,
    /// The properties that our element templates write (CONTRACT 5).
    Template,
}

/// An element that calls a connector, in any dialect.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectorTask {
    /// The BPMN id of the process it is in; empty when that has none.
    pub process: String,
    /// Its own id.
    pub element: String,
    /// Its name on the canvas.
    pub name: Option<String>,
    /// How it is configured in the file.
    pub dialect: Dialect,
    /// What a job carries as `config` (CONTRACT 2, COMPATIBILITY 1.3): an object, or the unparsed text when it is not one.
    pub config: Value,
    /// What a job carries as `errorHandling` (COMPATIBILITY 1.5), likewise.
    pub error_handling: Option<Value>,
    /// Its loop; `None` when it runs once (COMPATIBILITY 1.7).
    pub loop_characteristics: Option<Loop>,
    /// `dataInput` of its `ioSpecification` (COMPATIBILITY 1.7).
    pub inputs: Vec<DataItem>,
    /// `dataOutput` of its `ioSpecification` (COMPATIBILITY 1.7).
    pub outputs: Vec<DataItem>,
    /// Attached boundary events that catch errors (COMPATIBILITY 1.8).
    pub boundary_errors: Vec<BoundaryError>,
    /// Ids of the sequence flows that lead here.
    pub incoming: Vec<String>,
    /// Ids of the sequence flows that lead on.
    pub outgoing: Vec<String>,
    /// Its start tag.
    pub position: Position,
}

impl ConnectorTask {
    /// The element in messages: `name (id)`, or the id alone.
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

/// Loop characteristics of an activity (COMPATIBILITY 1.7). Texts are expressions of the engine and are not parsed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Loop {
    /// `standardLoopCharacteristics`.
    Standard {
        /// `loopMaximum`.
        maximum: Option<String>,
        /// `loopCondition`.
        condition: Option<String>,
        /// Whether the condition is evaluated before the first run.
        test_before: bool,
    },
    /// `multiInstanceLoopCharacteristics`.
    MultiInstance {
        /// Whether instances run one after another rather than in parallel.
        sequential: bool,
        /// `loopCardinality`.
        cardinality: Option<String>,
        /// `completionCondition`.
        completion_condition: Option<String>,
        /// The variable that holds the source array: the name of the data input that `loopDataInputRef` refers to.
        input_collection: Option<String>,
        /// The variable that receives the results: the name of the data output that `loopDataOutputRef` refers to.
        output_collection: Option<String>,
        /// `inputDataItem`: the variable that holds the item of one instance.
        input_item: Option<String>,
        /// `outputDataItem`: the variable whose value one instance adds to the results.
        output_item: Option<String>,
    },
}

/// A data input or data output of an activity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DataItem {
    /// Its id, which loops refer to.
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
    /// Its name on the canvas.
    pub name: Option<String>,
    /// Whether it ends the activity; true by default.
    pub cancel_activity: bool,
    /// The id of the error it catches; without one it catches all (COMPATIBILITY 1.8).
    pub error_ref: Option<String>,
    /// The code of that error.
    pub error_code: Option<String>,
    /// Its start tag.
    pub position: Position,
}
