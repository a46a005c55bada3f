//! Values as form fields, as PHP's `http_build_query` writes them: `a[0]=1&a[1][b]=2`, true as 1, null left out.

use serde_json::Value;

/// Calls `field` with the name and text of every scalar inside.
pub(super) fn push(name: &str, value: &Value, field: &mut impl FnMut(String, String)) {
    match value {
        Value::Null => {}
        Value::Bool(flag) => field(name.to_owned(), (if *flag { "1" } else { "0" }).to_owned()),
        Value::String(text) => field(name.to_owned(), text.clone()),
        Value::Number(number) => field(name.to_owned(), number.to_string()),
        Value::Array(list) => {
            for (index, item) in list.iter().enumerate() {
                push(&format!("{name}[{index}]"), item, field);
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                push(&format!("{name}[{key}]"), item, field);
            }
        }
    }
}
