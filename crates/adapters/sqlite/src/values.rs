//! How values are kept in columns, and how rows travel in JSON to statements over many rows.

use std::fmt::Write as _;

use domain::Timestamp;
use serde::Serialize;

use crate::error::DbError;

/// Microseconds since 1970.
pub(crate) fn micros(at: Timestamp) -> i64 {
    at.timestamp_micros()
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

/// Rows as a JSON array, which `json_each` takes apart.
pub(crate) fn json_of<Row: Serialize>(rows: &[Row]) -> Result<String, DbError> {
    Ok(serde_json::to_string(rows)?)
}
