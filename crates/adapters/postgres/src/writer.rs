//! Opens and closes turns for all callers of the process, many in one statement and one commit.
//!
//! Each of a few lanes has a connection of its own. What belongs to one conversation goes by one lane, in order. What
//! waits for a lane is taken together: one statement for all of a kind.

mod lane;
mod order;
mod undo;

use std::sync::Arc;

use sqlx::postgres::PgConnectOptions;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

pub(crate) use order::{Diagnosis, Order, Outcome, Pending};

use crate::error::DbError;
use crate::options::PostgresOptions;
use crate::turns::begin::BeginExisting;
use crate::turns::finish::CloseTurn;
use crate::turns::open::BeginNew;
use lane::Lane;

/// More lanes did not write more: two keep the database busy while one waits for its disk.
const LANES: usize = 2;
/// Calls that may wait for a lane. Beyond that the database is too slow for what is asked of it.
const QUEUE: usize = 4096;

/// Something for a lane to do.
pub(crate) enum Job {
    /// Open a turn in a conversation.
    Begin(Pending<BeginExisting>),
    /// Make a conversation with a turn.
    Open(Pending<BeginNew>),
    /// Close a turn.
    Finish(Pending<CloseTurn>),
    /// Do what waits, then nothing any more.
    Close(oneshot::Sender<()>),
}

/// The way into the lanes. They end when the last clone is gone.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    lanes: Arc<[mpsc::Sender<Job>]>,
}

impl Writer {
    pub(crate) fn start(connect: &PgConnectOptions, options: PostgresOptions) -> Self {
        let connect = connect.clone().options([
            // Else each size of a group would be planned anew, which takes longer than to run it.
            ("plan_cache_mode", "force_generic_plan"),
            // All that lanes read, they find by a key. A plan of the day on which a table was small must not scan it
            // when it has grown.
            ("enable_seqscan", "off"),
        ]);
        let start = |_| {
            let (sender, receiver) = mpsc::channel(QUEUE);
            let lane = Lane::new(connect.clone(), options, sender.downgrade());
            #[expect(
                clippy::disallowed_methods,
                reason = "a lane ends by itself when the store is dropped or closed"
            )]
            tokio::spawn(lane.run(receiver));
            sender
        };
        Self { lanes: (0..LANES).map(start).collect() }
    }

    /// Has an order carried out. Once this is polled, the order stands in its lane's queue, and dropping the future
    /// does not take it away.
    pub(crate) async fn submit<O: Order>(&self, order: Arc<O>) -> Result<Outcome<O>, DbError> {
        let (answer, waiting) = oneshot::channel();
        let lane = self.lane_of(order.conversation()).ok_or_else(closed)?;
        lane.try_send(O::into_job(Pending::new(order, answer))).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => {
                DbError::unavailable("too many calls wait for the database")
            }
            mpsc::error::TrySendError::Closed(_) => closed(),
        })?;
        waiting.await.map_err(|_| closed())?
    }

    /// Ends a turn that was opened and that its caller cannot run.
    pub(crate) fn end_unwanted(&self, order: CloseTurn) {
        if let Some(lane) = self.lane_of(order.conversation()) {
            undo::start(lane.downgrade(), order);
        }
    }

    /// Waits until all that was submitted is done.
    pub(crate) async fn close(&self) {
        for lane in self.lanes.iter() {
            let (done, waiting) = oneshot::channel();
            if lane.send(Job::Close(done)).await.is_ok() {
                let _ = waiting.await;
            }
        }
    }

    fn lane_of(&self, conversation: Uuid) -> Option<&mpsc::Sender<Job>> {
        // The last bytes of an id are its random ones.
        let [.., last] = conversation.into_bytes();
        self.lanes.get(usize::from(last) % self.lanes.len().max(1))
    }
}

fn closed() -> DbError {
    DbError::unavailable("the store is closed")
}
