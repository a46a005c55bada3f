//! Times as designers write them: seconds as number or text, or ISO 8601 (COMPATIBILITY 1.5, CONTRACT 7).

use std::time::Duration;

use serde_json::Value;

/// A length of time; `None` for null, an empty text, or an absent value.
///
/// # Errors
/// A sentence for people when it is neither seconds nor an ISO 8601 duration, or is negative.
pub fn duration(value: Option<&Value>) -> Result<Option<Duration>, String> {
    let text = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(other) => return Err(format!("{other} is not a time; write seconds (30) or ISO 8601 (PT30S)")),
    };
    if text.is_empty() {
        return Ok(None);
    }
    let seconds = match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        Err(_) => text.parse::<jiff::SignedDuration>().ok().and_then(|d| Duration::try_from(d).ok()),
    };
    match seconds {
        Some(length) => Ok(Some(length)),
        None => Err(format!("`{text}` is not a time; write seconds (30) or ISO 8601 (PT30S)")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn seconds_text_and_iso_are_times_and_the_rest_is_not() {
        for (value, expected) in [
            (json!(20), Some(20_000)),
            (json!("20"), Some(20_000)),
            (json!(0.25), Some(250)),
            (json!("PT5S"), Some(5_000)),
            (json!("PT1M30S"), Some(90_000)),
            (json!("PT1H"), Some(3_600_000)),
            (json!(""), None),
            (json!(null), None),
        ] {
            let expected = expected.map(Duration::from_millis);
            assert_eq!(duration(Some(&value)), Ok(expected), "{value}");
        }
        for value in [json!(-1), json!("soon"), json!("-PT5S"), json!(true), json!("1e300"), json!("NaN")] {
            assert!(duration(Some(&value)).is_err(), "{value}");
        }
    }
}
