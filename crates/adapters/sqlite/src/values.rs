//! How values of the domain are kept in columns, and how they travel in JSON to statements over many rows.

use std::fmt::Write as _;

use chrono::DateTime;
use domain::{Timestamp, Usage};
use serde::Serialize;

use crate::error::DbError;

/// Microseconds since 1970.
pub(crate) fn micros(at: Timestamp) -> i64 {
    at.timestamp_micros()
}

/// From microseconds since 1970.
pub(crate) fn instant(micros: i64) -> Result<Timestamp, DbError> {
    DateTime::from_timestamp_micros(micros).ok_or_else(|| out_of_range("time"))
}

/// A count as a column keeps it; what is beyond it is kept as the most there is.
pub(crate) fn count_to(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

/// A count from a column.
pub(crate) fn count_from<T: TryFrom<i64>>(column: i64) -> Result<T, DbError> {
    T::try_from(column).map_err(|_| out_of_range("count"))
}

/// Bytes in hexadecimal, for `unhex` of SQLite.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Rows as the JSON that `json_each` takes apart.
pub(crate) fn json_of<Row: Serialize>(rows: &[Row]) -> Result<String, DbError> {
    Ok(serde_json::to_string(rows)?)
}

/// What a model call consumed, on its way into columns.
#[derive(Debug, Serialize)]
pub(crate) struct UsageToKeep {
    pub(crate) input: i64,
    cached: i64,
    pub(crate) output: i64,
    reasoning: i64,
    estimated: u8,
}

impl From<&Usage> for UsageToKeep {
    fn from(usage: &Usage) -> Self {
        Self {
            input: count_to(usage.input),
            cached: count_to(usage.cached_input),
            output: count_to(usage.output),
            reasoning: count_to(usage.reasoning),
            estimated: u8::from(usage.estimated),
        }
    }
}

fn out_of_range(what: &'static str) -> DbError {
    DbError::corrupt(what, "out of range")
}
