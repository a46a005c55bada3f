//! `rate`: how often a third party may be called, by all workers together.

use std::time::Duration;

use serde_json::{Map, Value};

use super::resource::whole;
use super::spelling::{member, object, required_text, text};
use super::{Invalid, duration};

/// `rate`, of a resource or of a connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    /// From one call to the next.
    pub every: Duration,
    /// Mustache over the request data: calls with different keys do not count together.
    pub key: Option<String>,
}

impl Rate {
    /// Reads `{calls, per?, key?}`; `per` is a second unless it is written.
    ///
    /// # Errors
    /// The first member that cannot be used.
    pub(super) fn read(of: &Map<String, Value>, place: &str) -> Result<Option<Self>, Invalid> {
        let Some(members) = object(of, "rate", place)? else { return Ok(None) };
        let place = member(place, "rate");
        let calls = whole(&required_text(members, "calls", &place)?, &member(&place, "calls"))?;
        let per = duration(members.get("per")).map_err(|e| Invalid::new(member(&place, "per"), e))?;
        let every = per.unwrap_or(Duration::from_secs(1)).checked_div(calls);
        let every = every.filter(|every| !every.is_zero()).ok_or_else(|| {
            Invalid::new(
                &place,
                "is at least one call, and at most a million a second; without a limit leave `rate` out",
            )
        })?;
        let key = text(members, "key", &place)?.filter(|key| !key.trim().is_empty());
        Ok(Some(Self { every, key }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(rate: Value) -> Result<Option<Rate>, String> {
        let of = Map::from_iter([("rate".to_owned(), rate)]);
        Rate::read(&of, "").map_err(|e| e.to_string())
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
