//! `NOW`, and the steps away from it.

use super::error::SyntaxError;
use crate::collections::date;

/// `NOW` with its steps.
#[derive(Debug)]
pub(super) struct Now {
    pub(super) steps: Vec<Step>,
    /// Whether only its day counts.
    pub(super) is_day: bool,
}

/// `+ 3 days`
#[derive(Debug)]
pub(super) struct Step {
    /// The character of the sign, from 1.
    pub(super) at: usize,
    pub(super) length: Length,
}

/// How far a step goes, with its sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    /// Milliseconds; one that leaves the years is the largest there is.
    Milliseconds(i64),
    /// Months of the calendar.
    Months(i64),
}

/// A unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// So many milliseconds.
    Milliseconds(i64),
    /// So many months of the calendar.
    Months(i64),
}

impl Unit {
    /// The unit of a name in any case, singular or plural.
    pub(super) fn named(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        Some(match name.strip_suffix('s').unwrap_or(&name) {
            "second" => Self::Milliseconds(1_000),
            "minute" => Self::Milliseconds(60_000),
            "hour" => Self::Milliseconds(3_600_000),
            "day" => Self::Milliseconds(date::DAY),
            "week" => Self::Milliseconds(7 * date::DAY),
            "month" => Self::Months(1),
            "year" => Self::Months(12),
            _ => return None,
        })
    }

    /// So many of the unit: `digits ["." digits]`; `None` for a part of a month.
    pub(super) fn times(self, amount: &str, is_negative: bool) -> Option<Length> {
        // More digits than these are further than the years, and finer than a millisecond.
        let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
        let whole: i64 = whole.parse().unwrap_or(i64::MAX);
        let sign = if is_negative { -1 } else { 1 };
        match self {
            Self::Months(months) => {
                let is_whole = fraction.bytes().all(|digit| digit == b'0');
                is_whole.then(|| Length::Months(whole.saturating_mul(months).saturating_mul(sign)))
            }
            Self::Milliseconds(unit) => {
                let digits = fraction.bytes().take(12);
                let (parts, of) = digits
                    .fold((0_i128, 1_i128), |(parts, of), digit| (parts * 10 + i128::from(digit - b'0'), of * 10));
                let part = i64::try_from(i128::from(unit) * parts / of).unwrap_or(0);
                Some(Length::Milliseconds(whole.saturating_mul(unit).saturating_add(part).saturating_mul(sign)))
            }
        }
    }
}

impl Now {
    /// The moment that is meant when the clock says `now_ms`, epoch milliseconds.
    pub(super) fn instant(&self, now_ms: i64) -> Result<i64, SyntaxError> {
        let instant = self.steps.iter().try_fold(now_ms, |instant, step| {
            let moved = match step.length {
                Length::Milliseconds(length) => instant.checked_add(length),
                Length::Months(months) => date::add_months(instant, months),
            };
            moved.filter(|moved| (date::FIRST..=date::LAST).contains(moved)).ok_or_else(|| SyntaxError {
                at: step.at,
                message: "this step leads out of the years 0001 to 9999: write a shorter one".to_owned(),
            })
        })?;
        Ok(if self.is_day { date::midnight(instant) } else { instant })
    }
}
