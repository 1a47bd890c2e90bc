//! The pieces of a streamed body.

use std::pin::Pin;

use bytes::Bytes;
use futures_util::Stream;

/// A body in pieces.
pub(super) type Pieces = Pin<Box<dyn Stream<Item = Result<Bytes, Cut>>>>;

/// Ends a body without its last chunk: the turn failed in a contract that has no word for it, or the client stopped
/// reading.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the stream is cut off")]
pub(super) struct Cut;
