//! The errors and the health check of all stores.

use async_trait::async_trait;

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

/// Checks a store.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait StoreHealth: Send + Sync {
    /// Checks whether the store can be used. Takes at most about a second and writes nothing.
    async fn check(&self) -> Result<(), StoreError>;
}
