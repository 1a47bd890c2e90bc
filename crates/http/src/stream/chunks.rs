//! The chunks of a streamed body.

use std::pin::Pin;

use bytes::Bytes;
use futures_util::Stream;

/// A body in chunks.
pub(super) type Chunks = Pin<Box<dyn Stream<Item = Result<Bytes, CutOff>>>>;

/// Ends a body without its last chunk, so that clients see an error: the contract has no other way to tell of a failure,
/// or the client does not read.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the stream is cut off")]
pub(super) struct CutOff;
