//! The entries of a worker's queue.

use tokio::sync::oneshot;

use super::op::Pending;
use crate::turns::begin::BeginExisting;
use crate::turns::finish::CloseTurn;
use crate::turns::open::BeginNew;

/// An entry of a worker's queue.
pub(crate) enum Job {
    /// Opens a turn in a conversation that exists.
    Begin(Pending<BeginExisting>),
    /// Makes a conversation with a turn.
    Open(Pending<BeginNew>),
    /// Closes a turn.
    Finish(Pending<CloseTurn>),
    /// Ends the worker, once the operations before it are done.
    Close(oneshot::Sender<()>),
}

impl From<Pending<BeginExisting>> for Job {
    fn from(pending: Pending<BeginExisting>) -> Self {
        Self::Begin(pending)
    }
}

impl From<Pending<BeginNew>> for Job {
    fn from(pending: Pending<BeginNew>) -> Self {
        Self::Open(pending)
    }
}

impl From<Pending<CloseTurn>> for Job {
    fn from(pending: Pending<CloseTurn>) -> Self {
        Self::Finish(pending)
    }
}
