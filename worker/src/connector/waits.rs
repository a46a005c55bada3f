//! Waits between attempts as designers write them: one time, a list of times, or a cycle (CONTRACT 6).

use std::time::Duration;

use serde_json::Value;

use super::duration;

/// The longest list of waits.
const LONGEST: usize = 100;

/// One or more waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waits {
    /// In order; the last one holds for all that follow. Never empty.
    pub list: Vec<Duration>,
    repeats: Option<u32>,
}

impl Waits {
    /// Reads `5`, `PT5S`, `PT5S,PT1M,PT10M` or `R3/PT10S`; `None` for null, an empty text or an absent value.
    ///
    /// # Errors
    /// A sentence for people.
    pub fn read(value: Option<&Value>) -> Result<Option<Self>, String> {
        let Some(Value::String(text)) = value else {
            return Ok(duration(value)?.map(|wait| Self { list: vec![wait], repeats: None }));
        };
        let text = text.trim();
        if let Some(cycle) = text.strip_prefix(['R', 'r']) {
            return Self::cycle(cycle).map(Some).ok_or_else(|| {
                format!("`{text}` is not a cycle; write R3/PT10S for three more attempts, ten seconds apart")
            });
        }
        let list = text
            .split(',')
            .filter(|part| !part.trim().is_empty())
            .map(|part| Ok(duration(Some(&Value::from(part)))?.unwrap_or_default()))
            .collect::<Result<Vec<_>, String>>()?;
        if list.len() > LONGEST {
            return Err(format!("lists {} waits; {LONGEST} are enough", list.len()));
        }
        Ok((!list.is_empty()).then_some(Self { list, repeats: None }))
    }

    fn cycle(text: &str) -> Option<Self> {
        let (repeats, wait) = text.split_once('/')?;
        let wait = duration(Some(&Value::from(wait))).ok()??;
        Some(Self { list: vec![wait], repeats: Some(repeats.trim().parse().ok()?) })
    }

    /// All attempts that a cycle or a list stands for; one wait alone implies none.
    pub fn attempts(&self) -> Option<u32> {
        let of_list = || (self.list.len() > 1).then(|| u32::try_from(self.list.len()).unwrap_or(u32::MAX));
        self.repeats.or_else(of_list).map(|repeats| repeats.saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// COMPATIBILITY 1.5.
    #[test]
    fn one_wait_a_list_and_a_cycle() {
        let read = |value: Value| {
            Waits::read(Some(&value)).unwrap().map(|w| (w.list.iter().map(Duration::as_secs).collect(), w.attempts()))
        };
        for (value, expected) in [
            (json!(5), Some((vec![5], None))),
            (json!("5"), Some((vec![5], None))),
            (json!("PT5S"), Some((vec![5], None))),
            (json!("R3/PT10S"), Some((vec![10], Some(4)))),
            (json!("R0/PT10S"), Some((vec![10], Some(1)))),
            (json!("PT5S, PT1M,600"), Some((vec![5, 60, 600], Some(4)))),
            (json!(""), None),
            (json!(null), None),
        ] {
            assert_eq!(read(value.clone()), expected, "{value}");
        }
        assert_eq!(Waits::read(None), Ok(None));
        for value in [json!("R/PT1S"), json!("R3"), json!("R3/"), json!("R-1/PT1S"), json!("5,soon"), json!([5])] {
            assert!(Waits::read(Some(&value)).is_err(), "{value}");
        }
        assert!(Waits::read(Some(&json!("1,".repeat(101)))).unwrap_err().contains("100 are enough"));
    }
}
