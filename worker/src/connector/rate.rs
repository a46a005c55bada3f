//! `rate`: how often a third party may be called, by all workers together.

use std::time::Duration;

use super::Invalid;
use super::lenient::Reader;

/// `rate`, of a resource or of a connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    /// From one call to the next.
    pub every: Duration,
    /// Mustache over the request data: calls with different keys have limits of their own.
    pub key: Option<String>,
}

impl Rate {
    /// Reads `{calls, per?, key?}`; `per` is a second unless it is written.
    ///
    /// # Errors
    /// The first member that cannot be used.
    pub(super) fn read(of: &Reader<'_>) -> Result<Option<Self>, Invalid> {
        let Some(of) = of.object("rate")? else { return Ok(None) };
        let calls = of.whole("calls")?.ok_or_else(|| of.invalid("calls", "is missing"))?;
        let every = of.duration("per")?.unwrap_or(Duration::from_secs(1)).checked_div(calls);
        let every = every.filter(|every| !every.is_zero()).ok_or_else(|| {
            of.invalid_object("is at least one call, and at most a million a second; without a limit leave `rate` out")
        })?;
        let key = of.filled_text("key")?;
        Ok(Some(Self { every, key }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::*;

    fn read(rate: Value) -> Result<Option<Rate>, String> {
        let of = Map::from_iter([("rate".to_owned(), rate)]);
        Rate::read(&Reader::new(&of, "")).map_err(|e| e.to_string())
    }

    #[test]
    fn calls_a_time_become_a_time_a_call() {
        let every = |rate| read(rate).unwrap().unwrap().every;
        assert_eq!(every(json!({"calls": 10})), Duration::from_millis(100));
        assert_eq!(every(json!({"calls": "90", "per": "PT1M"})), Duration::from_nanos(666_666_666));
        let keyed = read(json!({"calls": 1, "per": 60, "key": "{{tenant}}"})).unwrap().unwrap();
        assert_eq!(keyed, Rate { every: Duration::from_mins(1), key: Some("{{tenant}}".to_owned()) });
        assert_eq!(read(Value::Null), Ok(None));
    }

    #[test]
    fn what_is_no_rate_says_so() {
        for (rate, message) in [
            (json!({"calls": 0}), "rate: is at least one call"),
            (json!({"calls": 5, "per": 0}), "rate: is at least one call"),
            (json!({"per": 5}), "rate.calls: "),
            (json!({"calls": "many"}), "rate.calls: "),
            (json!({"calls": 1, "per": "soon"}), "rate.per: "),
            (json!("10/s"), "rate: "),
        ] {
            let problem = read(rate.clone()).unwrap_err();
            assert!(problem.starts_with(message), "{rate}: {problem}");
        }
    }
}
