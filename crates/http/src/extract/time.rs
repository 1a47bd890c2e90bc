//! Instants that clients write.

use chrono::DateTime;
use domain::Timestamp;

use crate::error::FieldError;

/// The instant in a field.
pub(crate) fn instant(param: &str, raw: &str) -> Result<Timestamp, FieldError> {
    read(raw).ok_or_else(|| FieldError::new(param, "must be a date or a time, such as 2024-01-01T00:00:00Z"))
}

/// Forms of ISO 8601 that RFC 3339 does not have: no seconds, and offsets such as `+0100` and `+01`.
const OTHER_FORMS: [&str; 2] = ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z"];

/// Reads an instant (C-9): RFC 3339 or [`OTHER_FORMS`], with a letter `T` or a space before the time of day; without an
/// offset it is in UTC, and a date alone is its first instant. A client that does not escape the `+` of an offset in a
/// query sends a space.
fn read(raw: &str) -> Option<Timestamp> {
    let (date, time) = raw.split_once(['T', 't', ' ']).unwrap_or((raw, "00:00:00"));
    let time = time.replace(' ', "+");
    let offset = if time.contains(['Z', 'z', '+', '-']) { "" } else { "Z" };
    // Dates of other lengths are no dates of ISO 8601.
    let whole = (date.len() == 10).then(|| format!("{date}T{time}{offset}"))?;
    let other = || OTHER_FORMS.iter().find_map(|form| DateTime::parse_from_str(&whole, form).ok());
    let instant = DateTime::parse_from_rfc3339(&whole).ok().or_else(other)?;
    Some(instant.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S1-27, C-9
    #[test]
    fn instants_are_read_in_all_forms() {
        for (written, instant) in [
            ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
            ("2024-01-01t00:00:00.5z", "2024-01-01T00:00:00.5Z"),
            ("2024-01-01T00:00:00+00:00", "2024-01-01T00:00:00Z"),
            ("2024-01-01T00:00:00 00:00", "2024-01-01T00:00:00Z"),
            ("2024-01-01T01:30:00 01:30", "2024-01-01T00:00:00Z"),
            ("2024-01-01T00:00:00-05:00", "2024-01-01T05:00:00Z"),
            ("2024-11-13T22:25:07.123456", "2024-11-13T22:25:07.123456Z"),
            ("2024-11-13T22:25:07", "2024-11-13T22:25:07Z"),
            ("2024-11-13 22:25:07", "2024-11-13T22:25:07Z"),
            ("2024-11-13 22:25:07 00:00", "2024-11-13T22:25:07Z"),
            ("2024-11-13T22:25", "2024-11-13T22:25:00Z"),
            ("2024-11-13 22:25Z", "2024-11-13T22:25:00Z"),
            ("2024-11-13T22:25 01:00", "2024-11-13T21:25:00Z"),
            ("2024-11-13T22:25:07.5+0130", "2024-11-13T20:55:07.5Z"),
            ("2024-11-13T22:25:07-01", "2024-11-13T23:25:07Z"),
            ("2024-02-29", "2024-02-29T00:00:00Z"),
            ("0001-01-01", "0001-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        ] {
            let instant: Timestamp = instant.parse().unwrap();
            assert_eq!(read(written), Some(instant), "{written}");
        }
    }

    #[test]
    fn other_texts_are_none() {
        let long = "2024-01-01T00:00:00.".to_owned() + &"0".repeat(10_000) + "x";
        for text in [
            "",
            " ",
            "yesterday",
            "T",
            "2024",
            "2024-01",
            "2024-1-1",
            "20240101",
            "2023-02-29",
            "2024-13-01",
            "2024-01-01T",
            "2024-01-01Z",
            "2024-01-01T25:00:00Z",
            "2024-01-01T00",
            "2024-01-01T00:",
            "2024-01-01T00:60",
            "2024-01-01T00:00:00+",
            "2024-01-01T00:00:00ZZ",
            "2024-01-01T00:00:00+99:00",
            " 2024-01-01",
            "2024-01-01 ",
            "+2024-01-01",
            "-2024-01-01",
            "12024-01-01",
            "1704067200",
            "２０２４-01-01",
            "2024-01-01\0",
            long.as_str(),
        ] {
            assert_eq!(read(text), None, "{text:.40}");
        }
    }
}
