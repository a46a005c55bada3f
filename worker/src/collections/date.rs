//! Date texts and instants: epoch milliseconds in UTC, in the years 0001 to 9999.

use jiff::SignedDuration;
use jiff::civil::{DateTime, date};

const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
/// 0001-01-01T00:00:00.000Z, epoch milliseconds.
pub const FIRST: i64 = -62_135_596_800_000;
/// 9999-12-31T23:59:59.999Z, epoch milliseconds.
pub const LAST: i64 = 253_402_300_799_999;
/// Milliseconds of a day.
pub const DAY: i64 = 86_400_000;

/// The instant of a date text, cut to milliseconds; `None` for any other text.
///
/// A date text is `YYYY-MM-DD`, or that, `T` or space, `HH:MM`, optional `:SS` with optional `.` and 1-9 digits, optional `Z` or
/// `±HH:MM`. Without a zone it is in UTC.
pub fn parse(text: &str) -> Option<i64> {
    let text = text.as_bytes();
    let (day, time) = text.split_at_checked(10)?;
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = day else { return None };
    let year = two(y1, y2)? * 100 + two(y3, y4)?;
    let date = jiff::civil::Date::new(
        i16::try_from(year).ok().filter(|year| *year > 0)?,
        i8::try_from(two(m1, m2)?).ok()?,
        i8::try_from(two(d1, d2)?).ok()?,
    )
    .ok()?;
    let midnight = epoch_ms(date.at(0, 0, 0, 0));
    let instant = midnight + if time.is_empty() { 0 } else { time_and_zone(time)? };
    (FIRST..=LAST).contains(&instant).then_some(instant)
}

/// Milliseconds from the midnight of the written day in UTC.
fn time_and_zone(text: &[u8]) -> Option<i64> {
    let (&[b'T' | b' ', h1, h2, b':', m1, m2], mut rest) = text.split_first_chunk()? else { return None };
    let mut time = hours_and_minutes([h1, h2, m1, m2])?;
    if let Some((&[b':', s1, s2], after)) = rest.split_first_chunk() {
        let seconds = two(s1, s2).filter(|seconds| *seconds < 60)?;
        time += seconds * 1_000;
        rest = after;
        if let Some((b'.', after)) = rest.split_first() {
            let digits = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if !(1..=9).contains(&digits) {
                return None;
            }
            let (fraction, after) = after.split_at(digits);
            time += fraction.iter().chain(b"00").take(3).fold(0, |ms, digit| ms * 10 + i64::from(digit - b'0'));
            rest = after;
        }
    }
    match *rest {
        [] | [b'Z'] => Some(time),
        [b'+', h1, h2, b':', m1, m2] => Some(time - hours_and_minutes([h1, h2, m1, m2])?),
        [b'-', h1, h2, b':', m1, m2] => Some(time + hours_and_minutes([h1, h2, m1, m2])?),
        _ => None,
    }
}

fn hours_and_minutes([h1, h2, m1, m2]: [u8; 4]) -> Option<i64> {
    let hours = two(h1, h2).filter(|hours| *hours < 24)?;
    let minutes = two(m1, m2).filter(|minutes| *minutes < 60)?;
    Some((hours * 60 + minutes) * 60_000)
}

/// The value of two digits.
fn two(tens: u8, ones: u8) -> Option<i64> {
    (tens.is_ascii_digit() && ones.is_ascii_digit()).then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
}

fn epoch_ms(time: DateTime) -> i64 {
    i64::try_from(time.duration_since(EPOCH).as_millis()).unwrap_or(i64::MAX)
}

/// The calendar's view of an instant in UTC; one outside of the years is the nearest inside.
pub fn civil(instant: i64) -> DateTime {
    EPOCH.checked_add(SignedDuration::from_millis(instant.clamp(FIRST, LAST))).unwrap_or(EPOCH)
}

/// An instant so many months later or earlier by the calendar, cut to the month's last day; `None` outside of the years.
pub fn add_months(instant: i64, months: i64) -> Option<i64> {
    let time = civil(instant);
    let count = (i64::from(time.year()) * 12 + i64::from(time.month()) - 1).checked_add(months)?;
    let year = i16::try_from(count.div_euclid(12)).ok().filter(|year| (1..=9_999).contains(year))?;
    let month = i8::try_from(count.rem_euclid(12) + 1).ok()?;
    let day = time.day().min(date(year, month, 1).days_in_month());
    Some(epoch_ms(date(year, month, day).to_datetime(time.time())))
}

/// Midnight in UTC of the day of an instant.
pub fn midnight(instant: i64) -> i64 {
    instant - instant.rem_euclid(DAY)
}

/// `YYYY-MM-DD`: what a column of the type `date` stores.
pub fn day_text(instant: i64) -> String {
    let time = civil(instant);
    format!("{:04}-{:02}-{:02}", time.year(), time.month(), time.day())
}

/// `YYYY-MM-DD HH:MM:SS`: the text of an instant in a query.
pub fn second_text(instant: i64) -> String {
    let time = civil(instant);
    format!("{} {:02}:{:02}:{:02}", day_text(instant), time.hour(), time.minute(), time.second())
}

/// `YYYY-MM-DDTHH:MM:SS.mmmZ`: what a column of the type `datetime` stores.
pub fn millisecond_text(instant: i64) -> String {
    let time = civil(instant);
    let (hour, minute, second, ms) = (time.hour(), time.minute(), time.second(), time.millisecond());
    format!("{}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z", day_text(instant))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn date_texts_are_instants() {
        for (text, expected) in [
            ("1970-01-01", 0),
            ("1970-01-02T00:00", DAY),
            ("1970-01-01 00:00:01", 1_000),
            ("1970-01-01T00:00:00.1", 100),
            ("1970-01-01T00:00:00.123999999", 123),
            ("1969-12-31T23:59:59.9999", -1),
            ("1970-01-01T02:00+02:00", 0),
            ("1969-12-31T23:30:00.5Z", -1_799_500),
            ("1969-12-31 22:30-01:30", 0),
            ("1970-01-01T00:00Z", 0),
            ("0001-01-01", FIRST),
            ("9999-12-31T23:59:59.999999999Z", LAST),
            ("2024-02-29", 1_709_164_800_000),
        ] {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn other_texts_are_none() {
        for text in [
            "",
            "2024",
            "2024-1-1",
            "2024-13-01",
            "2023-02-29",
            "2024-02-30",
            "0000-01-01",
            "10000-01-01",
            "2024-01-01T",
            "2024-01-01T1:00",
            "2024-01-01T24:00",
            "2024-01-01T00:60",
            "2024-01-01T00:00:60",
            "2024-01-01T00:00:00.",
            "2024-01-01T00:00:00.1234567890",
            "2024-01-01T00:00z",
            "2024-01-01t00:00",
            "2024-01-01T00:00+0100",
            "2024-01-01T00:00+24:00",
            "2024-01-01T00:00+01",
            "2024-01-01  00:00",
            "2024-01-01T00:00 Z",
            " 2024-01-01",
            "2024-01-01Z",
            "2024-01-01T00",
            "2024/01/01",
            "２024-01-01",
            "2024-01-0é",
            "0001-01-01T00:00+00:01",
            "9999-12-31T23:59:59.999-00:01",
            "+024-01-01",
            "2024-01-01T00:00.5",
            "2024-01-01T00:00:0",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn instants_are_written_in_three_ways() {
        let instant = parse("0987-06-05T04:03:02.001").unwrap();
        assert_eq!(day_text(instant), "0987-06-05");
        assert_eq!(second_text(instant), "0987-06-05 04:03:02");
        assert_eq!(millisecond_text(instant), "0987-06-05T04:03:02.001Z");
        assert_eq!(millisecond_text(LAST), "9999-12-31T23:59:59.999Z");
        assert_eq!(millisecond_text(FIRST), "0001-01-01T00:00:00.000Z");
        assert_eq!(midnight(-1), -DAY);
    }

    #[test]
    fn months_are_added_by_the_calendar() {
        for (from, months, to) in [
            ("2024-01-31", 1, Some("2024-02-29")),
            ("2023-01-31", 1, Some("2023-02-28")),
            ("2024-03-31T10:11:12.013", -1, Some("2024-02-29T10:11:12.013")),
            ("2024-02-29", 12, Some("2025-02-28")),
            ("2024-01-15", -13, Some("2022-12-15")),
            ("9999-12-01", 1, None),
            ("0001-01-31", -1, None),
            ("2024-01-01", i64::MAX, None),
        ] {
            assert_eq!(add_months(parse(from).unwrap(), months), to.map(|to| parse(to).unwrap()), "{from} {months}");
        }
    }
}
