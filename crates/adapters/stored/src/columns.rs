//! Single values as columns hold them.

use domain::{ConversationKey, ModelName, Timestamp, Usage};
use serde::Serialize;
use uuid::Uuid;

use crate::StoredError;

/// A time as a store keeps it: PostgreSQL an instant, SQLite microseconds since 1970.
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

/// A count for a column of 64 bits. What is beyond it is kept as the most there is.
pub fn count_to(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

/// The name of a model from a column.
///
/// # Errors
/// A text that is no name of a model.
pub fn model_name(name: &str) -> Result<ModelName, StoredError> {
    ModelName::parse(name).map_err(|error| invalid("model name", error))
}

/// A number of tokens for a column of 32 bits.
pub(crate) fn token_count(tokens: impl TryInto<i32>) -> i32 {
    tokens.try_into().unwrap_or(i32::MAX)
}

pub(crate) fn invalid(
    what: &'static str,
    source: impl std::error::Error + Send + Sync + 'static,
) -> StoredError {
    StoredError::Text { what, source: Box::new(source) }
}

/// The key of a conversation as the three columns that it may be in; only one is set.
#[derive(Debug, Clone, Default)]
pub struct KeyColumns {
    /// The id.
    pub id: Option<Uuid>,
    /// The number.
    pub number: Option<i64>,
    /// The provider's id.
    pub provider_id: Option<String>,
}

impl From<ConversationKey> for KeyColumns {
    fn from(key: ConversationKey) -> Self {
        match key {
            ConversationKey::Id(id) => Self { id: Some(id.0), ..Self::default() },
            ConversationKey::Number(number) => Self { number: Some(number.0), ..Self::default() },
            ConversationKey::Provider(id) => Self { provider_id: Some(id), ..Self::default() },
        }
    }
}

/// What a model call consumed, as five columns; counts are in tokens.
#[derive(Debug, Clone, Copy, Serialize)]
#[expect(missing_docs, reason = "each is the field of `Usage` of this name")]
pub struct UsageColumns {
    pub input: i64,
    pub cached: i64,
    pub output: i64,
    pub reasoning: i64,
    pub estimated: bool,
}

impl From<Usage> for UsageColumns {
    fn from(usage: Usage) -> Self {
        let Usage { input, cached_input, output, reasoning, estimated } = usage.clamped();
        Self {
            input: count_to(input),
            cached: count_to(cached_input),
            output: count_to(output),
            reasoning: count_to(reasoning),
            estimated,
        }
    }
}

impl TryFrom<UsageColumns> for Usage {
    type Error = StoredError;

    fn try_from(columns: UsageColumns) -> Result<Self, StoredError> {
        Ok(Self {
            input: count_from(columns.input)?,
            cached_input: count_from(columns.cached)?,
            output: count_from(columns.output)?,
            reasoning: count_from(columns.reasoning)?,
            estimated: columns.estimated,
        })
    }
}
