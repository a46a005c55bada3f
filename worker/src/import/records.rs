//! Records as export writes them and people do: JSON or YAML, one, a list, or a page of ProcessMaker's API.

use serde_json::{Map, Value};

use super::document::Document;
use super::position::Fault;
use super::report::{Report, quoted};
use crate::connector::connector_records;

/// What stands for values that an export does not hold.
const MASK: &str = "********";

pub(super) fn read(document: &Document<'_>, report: &mut Report) -> Result<Vec<Map<String, Value>>, Fault> {
    let mut records =
        connector_records(document.root().clone()).map_err(|invalid| Fault::new(0, invalid.to_string()))?;
    for record in &mut records {
        let name = record.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let what = format!("the credentials of {}", quoted(&name));
        match record.get("credentials") {
            Some(Value::String(_)) => {
                report.left_out(what, "the file does not hold their values: set them under Authentication");
                record.remove("credentials");
            }
            Some(Value::Object(credentials)) => {
                let masked = |(name, value): (&String, &Value)| (value == MASK).then(|| name.clone());
                let masked: Vec<String> = credentials.iter().filter_map(masked).collect();
                if !masked.is_empty() {
                    let why = format!("the file does not hold {}: set them under Authentication", masked.join(", "));
                    report.left_out(what, why);
                }
            }
            _ => {}
        }
    }
    Ok(records)
}
