//! Values as columns hold them.

use domain::{ModelName, Timestamp};

use crate::StoredError;

/// A time as a store keeps it.
pub trait StoredTime: Copy {
    /// The instant.
    ///
    /// # Errors
    /// A number of microseconds beyond the years that can be written.
    fn instant(self) -> Result<Timestamp, StoredError>;
}

impl StoredTime for Timestamp {
    fn instant(self) -> Result<Timestamp, StoredError> {
        Ok(self)
    }
}

/// Microseconds since 1970.
impl StoredTime for i64 {
    fn instant(self) -> Result<Timestamp, StoredError> {
        Timestamp::from_timestamp_micros(self).ok_or(StoredError::OutOfRange { what: "time" })
    }
}

/// A count from a column.
///
/// # Errors
/// A count below zero, or beyond what `T` holds.
pub fn count_from<T: TryFrom<i64>>(column: i64) -> Result<T, StoredError> {
    T::try_from(column).map_err(|_| StoredError::OutOfRange { what: "count" })
}

pub(crate) fn model_name(name: &str) -> Result<ModelName, StoredError> {
    ModelName::parse(name).map_err(|error| invalid("model name", error))
}

pub(crate) fn invalid(
    what: &'static str,
    source: impl std::error::Error + Send + Sync + 'static,
) -> StoredError {
    StoredError::Text { what, source: Box::new(source) }
}
