//! The log of a turn in memory: the only buffer. Listeners hold an offset into it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{
    ConversationChange, ConversationId, Delta, EndState, Ending, Reply, ResponseId, TurnEvent, TurnId,
};
use tokio::sync::watch;

use super::TurnFailure;

/// A turn's events so far. Written by one task, read by any number of listeners.
#[derive(Debug)]
pub(super) struct TurnLog {
    pub(super) turn: TurnId,
    pub(super) conversation: ConversationId,
    entries: Mutex<Entries>,
    /// The number of events; listeners wait for it to grow.
    length: watch::Sender<usize>,
    /// Whether the turn has ended, for those who wait for that alone: each wake costs more than an event.
    over: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Entries {
    reply: Reply,
    outcome: Option<Outcome>,
}

/// How a turn ended, and what it changed of its conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// How it ended.
    pub ending: Ending,
    /// The conversation after it; `None` where it is gone, or was not read.
    pub change: Option<ConversationChange>,
    /// The provider's id of the answer, which is not stored.
    pub response: Option<ResponseId>,
}

impl Outcome {
    /// The failure that a caller is to be told, where it is one.
    #[must_use]
    pub fn failure(&self) -> Option<TurnFailure> {
        match &self.ending.state {
            EndState::Completed(_) | EndState::Stopped => None,
            EndState::Failed(failure) => Some(TurnFailure::Failed(*failure)),
            EndState::Interrupted => Some(TurnFailure::Interrupted),
        }
    }
}

impl TurnLog {
    /// A log that holds `Started` alone.
    pub(super) fn new(turn: TurnId, conversation: ConversationId) -> Self {
        Self {
            turn,
            conversation,
            entries: Mutex::default(),
            length: watch::Sender::new(1),
            over: watch::Sender::new(false),
        }
    }

    /// Appends deltas and wakes the listeners once.
    pub(super) fn append(&self, deltas: impl IntoIterator<Item = Delta>) {
        let mut entries = self.entries();
        for delta in deltas {
            entries.reply.push(delta);
        }
        let length = 1 + entries.reply.len();
        drop(entries);
        self.length.send_replace(length);
    }

    /// Appends the last event.
    pub(super) fn end(&self, outcome: Outcome) {
        let mut entries = self.entries();
        entries.outcome = Some(outcome);
        let length = 2 + entries.reply.len();
        drop(entries);
        self.length.send_replace(length);
        self.over.send_replace(true);
    }

    /// A copy of the reply so far.
    pub(super) fn reply(&self) -> Reply {
        self.entries().reply.clone()
    }

    /// How many deltas there are.
    pub(super) fn deltas(&self) -> usize {
        self.entries().reply.len()
    }

    /// The size of the reply, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.entries().reply.bytes()
    }

    /// The deltas from this index on.
    pub(super) fn since(&self, index: usize) -> Reply {
        self.entries().reply.since(index)
    }

    /// A listener that begins with the event of this number.
    pub(super) fn listen(self: &Arc<Self>, first: usize) -> Listener {
        Listener { log: Arc::clone(self), next: first, length: self.length.subscribe() }
    }

    /// Whether anybody listens.
    pub(super) fn has_listeners(&self) -> bool {
        self.length.receiver_count() > 0
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        // A poisoned log is still a log: no write leaves it half done.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a turn's events from an offset on. Dropping it stops nobody.
#[derive(Debug)]
pub struct Listener {
    log: Arc<TurnLog>,
    next: usize,
    length: watch::Receiver<usize>,
}

impl Listener {
    /// The turn.
    #[must_use]
    pub fn turn(&self) -> TurnId {
        self.log.turn
    }

    /// The conversation it runs in.
    #[must_use]
    pub fn conversation(&self) -> ConversationId {
        self.log.conversation
    }

    /// The number of the next event.
    #[must_use]
    pub fn position(&self) -> usize {
        self.next
    }

    /// Waits for events and answers all there are, with the number of the first; `None` after the last one.
    /// May be dropped while it waits: no event is lost.
    pub async fn next(&mut self) -> Option<(usize, Vec<TurnEvent>)> {
        loop {
            // Marks the length as seen before it reads, so that nothing slips in between.
            self.length.borrow_and_update();
            if let Some(found) = self.ready() {
                return Some(found);
            }
            if self.outcome().is_some() || self.length.changed().await.is_err() {
                return None;
            }
        }
    }

    /// The events that are there already, without waiting.
    pub fn ready(&mut self) -> Option<(usize, Vec<TurnEvent>)> {
        let first = self.next;
        let mut events = Vec::new();
        let entries = self.log.entries();
        if self.next == 0 {
            events.push(TurnEvent::Started { turn: self.log.turn, conversation: self.log.conversation });
        }
        let from = first.saturating_sub(1);
        events.extend(
            (from..entries.reply.len()).filter_map(|at| entries.reply.delta(at)).map(TurnEvent::Delta),
        );
        let end = 1 + entries.reply.len();
        if let Some(outcome) = entries.outcome.as_ref().filter(|_| first <= end) {
            events.push(TurnEvent::Ended(Box::new(outcome.ending.clone())));
        }
        drop(entries);
        self.next += events.len();
        (!events.is_empty()).then_some((first, events))
    }

    /// How the turn ended, once it has.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        self.log.entries().outcome.clone()
    }

    /// The reply so far.
    #[must_use]
    pub fn reply(&self) -> Reply {
        self.log.reply()
    }

    /// Waits until the turn has ended.
    pub async fn ended(&mut self) -> Option<Outcome> {
        let mut over = self.log.over.subscribe();
        // The sender lives as long as the log, which this listener holds.
        let _ = over.wait_for(|over| *over).await;
        self.outcome()
    }

    /// Waits for the first delta or the end.
    pub(super) async fn begun(&mut self) {
        // As for `ended`.
        let _ = self.length.wait_for(|length| *length > 1).await;
    }
}
