//! `date(format, time?, zone?)` with PHP's format characters.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};
use serde_json::Value;

use super::number::numeric;
use crate::job::kind_of;

/// The longest format; each character writes at most 33.
const LENGTH: usize = 200;

/// Writes a time; without one the present, without a zone in UTC.
pub(super) fn date(format: &str, time: &Value, zone: &Value, now_ms: i64) -> Result<String, String> {
    if format.len() > LENGTH {
        return Err(format!("the date's format is longer than {LENGTH} bytes"));
    }
    let instant = instant(time, now_ms)?;
    let zone = match zone {
        Value::Null => TimeZone::UTC,
        Value::String(name) if name.is_empty() => TimeZone::UTC,
        Value::String(name) => {
            TimeZone::get(name).map_err(|_| format!("`{name}` is not a time zone; write one such as Europe/Berlin"))?
        }
        other => return Err(format!("a time zone is a text such as 'Europe/Berlin', not {}", kind_of(other))),
    };
    let zoned = ZonedDateTime::new(instant, zone);
    let mut written = String::new();
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => written.extend(characters.next()),
            other => push(&mut written, other, &zoned),
        }
    }
    Ok(written)
}

/// Seconds since 1970, or a time as ISO 8601 writes it.
fn instant(time: &Value, now_ms: i64) -> Result<Timestamp, String> {
    let wrong = |text: &str| format!("`{text}` is not a time; write seconds since 1970 or 2026-11-23T18:00:00Z");
    match time {
        Value::Null => Timestamp::from_millisecond(now_ms).map_err(|_| wrong(&now_ms.to_string())),
        Value::String(text) if numeric(time).is_none() => text
            .parse::<Timestamp>()
            .or_else(|_| {
                text.parse::<jiff::civil::DateTime>()?.to_zoned_datetime(TimeZone::UTC).map(|zoned| zoned.timestamp())
            })
            .map_err(|_| wrong(text)),
        other => numeric(other)
            .and_then(|seconds| seconds.as_f64())
            .filter(|seconds| seconds.abs() < 1e12)
            .and_then(|seconds| {
                #[expect(clippy::cast_possible_truncation, reason = "checked just above")]
                let whole = seconds.floor() as i64;
                Timestamp::from_second(whole).ok()
            })
            .ok_or_else(|| wrong(&other.to_string())),
    }
}

fn push(out: &mut String, character: char, time: &ZonedDateTime) {
    let hour12 = match time.hour() % 12 {
        0 => 12,
        hour => hour,
    };
    let text = match character {
        'd' => time.strftime("%d").to_string(),
        'D' => time.strftime("%a").to_string(),
        'j' => time.day().to_string(),
        'l' => time.strftime("%A").to_string(),
        'N' => time.weekday().to_monday_one_offset().to_string(),
        'S' => ordinal(time.day()).to_owned(),
        'w' => time.weekday().to_sunday_zero_offset().to_string(),
        'z' => (time.day_of_year() - 1).to_string(),
        'W' => time.strftime("%V").to_string(),
        'F' => time.strftime("%B").to_string(),
        'm' => time.strftime("%m").to_string(),
        'M' => time.strftime("%b").to_string(),
        'n' => time.month().to_string(),
        't' => time.days_in_month().to_string(),
        'L' => u8::from(time.in_leap_year()).to_string(),
        'o' => time.strftime("%G").to_string(),
        'Y' => time.strftime("%Y").to_string(),
        'y' => time.strftime("%y").to_string(),
        'a' => (if time.hour() < 12 { "am" } else { "pm" }).to_owned(),
        'A' => (if time.hour() < 12 { "AM" } else { "PM" }).to_owned(),
        'g' => hour12.to_string(),
        'h' => format!("{hour12:02}"),
        'G' => time.hour().to_string(),
        'H' => time.strftime("%H").to_string(),
        'i' => time.strftime("%M").to_string(),
        's' => time.strftime("%S").to_string(),
        'u' => format!("{:06}", time.subsec_nanosecond() / 1_000),
        'v' => format!("{:03}", time.subsec_nanosecond() / 1_000_000),
        'e' => time.time_zone().iana_name().unwrap_or("UTC").to_owned(),
        'T' => time.strftime("%Z").to_string(),
        'O' => time.strftime("%z").to_string(),
        'p' if time.offset().is_zero() => "Z".to_owned(),
        'P' | 'p' => time.strftime("%:z").to_string(),
        'Z' => time.offset().seconds().to_string(),
        'c' => time.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
        'r' => time.strftime("%a, %d %b %Y %H:%M:%S %z").to_string(),
        'U' => time.timestamp().as_second().to_string(),
        other => return out.push(other),
    };
    out.push_str(&text);
}

fn ordinal(day: i8) -> &'static str {
    match day {
        1 | 21 | 31 => "st",
        2 | 22 => "nd",
        3 | 23 => "rd",
        _ => "th",
    }
}
