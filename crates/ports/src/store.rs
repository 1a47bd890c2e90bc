//! What all stores share.

use async_trait::async_trait;

use crate::BoxError;

/// A store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// What is stored cannot be read; asking again answers the same.
    #[error("stored {what} cannot be read")]
    Corrupt {
        /// What could not be read.
        what: &'static str,
        /// Why.
        #[source]
        source: BoxError,
    },
    /// The store is away for now: not reachable, too slow, shutting down, out of space.
    #[error("the store is not available")]
    Unavailable(#[source] BoxError),
    /// A fault in how we use the store.
    #[error("the store refused the statement")]
    Refused(#[source] BoxError),
}

/// Whether a store can be used now.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait StoreHealth: Send + Sync {
    /// Answers within about a second. Writes nothing, but what it asks only a usable store can answer.
    async fn check(&self) -> Result<(), StoreError>;
}
