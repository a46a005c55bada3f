//! Reads, lints and writes the Data Connector elements of BPMN 2.0 models. Knows models and the dialects in which a
//! connector is configured; must not know workers, engines or brokers.
//!
//! ```
//! let (model, diagnostics) = bpmn_ext::read(
//!     r#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
//!            xmlns:pm="http://processmaker.com/BPMN/2.0/Schema.xsd">
//!          <process id="order">
//!            <serviceTask id="node_7" implementation="package-data-sources/data-source-task-service"
//!                pm:config='{"dataSource": 1, "endpoint": "list"}'/>
//!          </process>
//!        </definitions>"#,
//! );
//! assert!(diagnostics.is_empty());
//! assert_eq!(model.tasks[0].config["endpoint"], "list");
//! ```

mod activity;
mod attribute;
mod config_text;
mod diagnostic;
mod duplicate;
mod encoding;
mod extension;
pub mod limits;
mod links;
pub mod lint;
mod model;
pub mod names;
mod offsets;
mod parse;
mod position;
mod processmaker;
mod rows;
pub mod schema;
mod spanned_text;
mod task;
pub mod template;
mod tree;
pub mod write;

pub use diagnostic::{Diagnostic, Edit, Fix, Severity};
pub use encoding::FileText;
pub use model::{BoundaryError, ConnectorTask, DataItem, Dialect, Loop, Model, Process};
pub use position::Position;
pub use rows::Format;

use diagnostic::Report;
use position::Source;
use tree::Element;

/// Reads a BPMN 2.0 file, text or bytes, whatever prefixes it uses, in UTF-8, UTF-16 or the encoding that it declares.
///
/// Never fails on content: the diagnostics say what cannot be read, in the order of the file, and the model holds what
/// was read before an error. Time and memory are bounded by [`limits`].
pub fn read(file: &(impl AsRef<[u8]> + ?Sized)) -> (Model, Vec<Diagnostic>) {
    let file = FileText::of(file.as_ref());
    let mut report = Report::new(Source::new(&file));
    let model = tree(&file, &mut report).map(|root| task::model(&root, &mut report).0).unwrap_or_default();
    (model, report.finish())
}

/// The root element as far as it could be read.
fn tree<'a>(file: &'a FileText<'a>, report: &mut Report<'a>) -> Option<Element<'a>> {
    for (span, finding) in file.findings() {
        report.add(span.clone(), finding.clone());
    }
    parse::parse(report, file.is_complete())
}
