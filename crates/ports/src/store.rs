//! The errors and the health check of all stores.

use async_trait::async_trait;
use domain::chain;

use crate::BoxError;

/// An operation of a store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A stored value cannot be read. Trying again does not help.
    #[error("stored {what} cannot be read")]
    Corrupt {
        /// The kind of value.
        what: &'static str,
        /// Why.
        #[source]
        source: BoxError,
    },
    /// The store is not available: not reachable, too slow, shutting down, or out of space.
    #[error("the store is not available")]
    Unavailable(#[source] BoxError),
    /// The store does not accept a statement, which is an error of the service itself.
    #[error("the store refused the statement")]
    Refused(#[source] BoxError),
}

impl StoreError {
    /// Whether asking again later may help.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// Whether the store itself refused: nothing of the statement was kept.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Refused(_))
    }

    /// The same error for another caller of the same commit. Sources become text, for they cannot be cloned.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        match self {
            Self::Corrupt { what, source } => Self::Corrupt { what, source: chain(source.as_ref()).into() },
            Self::Unavailable(source) => Self::Unavailable(chain(source.as_ref()).into()),
            Self::Refused(source) => Self::Refused(chain(source.as_ref()).into()),
        }
    }
}

/// Checks a store.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait StoreHealth: Send + Sync {
    /// Checks whether the store can be used. Takes at most about a second and writes nothing.
    async fn check(&self) -> Result<(), StoreError>;
}
