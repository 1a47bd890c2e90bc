//! The log of a turn in memory. It is the only buffer: each listener holds a position in it.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{
    ConversationChange, ConversationId, Delta, EndState, Ending, Reply, ResponseId, TurnEvent, TurnId,
};
use tokio::sync::watch;

use super::TurnFailure;

/// The events of a turn so far. One task writes them, any number of listeners read them.
#[derive(Debug)]
pub(super) struct TurnLog {
    pub(super) turn: TurnId,
    pub(super) conversation: ConversationId,
    entries: Mutex<Entries>,
    /// The number of events. Listeners wait until it grows.
    length: watch::Sender<usize>,
    /// Whether the turn has ended, for listeners that wait for the end alone: waking them for each event is expensive.
    over: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Entries {
    reply: Reply,
    outcome: Option<Outcome>,
    /// Nothing more will be written.
    is_closed: bool,
}

/// How a turn ended, and how it changed its conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// How it ended.
    pub ending: Ending,
    /// The changed fields of the conversation; `None` if it was deleted or not read.
    pub change: Option<ConversationChange>,
    /// The provider's id of the response, which is not stored.
    pub response: Option<ResponseId>,
}

impl Outcome {
    /// Returns the failure to report to the caller, if the turn failed.
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
    /// Creates a log with the event `Started`.
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
        entries.is_closed = true;
        let length = 2 + entries.reply.len();
        drop(entries);
        self.length.send_replace(length);
        self.over.send_replace(true);
    }

    /// Ends the log without a last event: how the turn ends will not be known here.
    pub(super) fn close(&self) {
        self.entries().is_closed = true;
        // Wakes the listeners, though the length is the same.
        self.length.send_modify(|_| {});
        self.over.send_replace(true);
    }

    /// Returns a copy of the reply so far.
    pub(super) fn reply(&self) -> Reply {
        self.entries().reply.clone()
    }

    /// Whether the reply answers anything so far.
    pub(super) fn has_answer(&self, shows_reasoning: bool) -> bool {
        self.entries().reply.has_answer(shows_reasoning)
    }

    /// Returns the number of deltas.
    pub(super) fn deltas(&self) -> usize {
        self.entries().reply.len()
    }

    /// Returns the size of the reply, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.entries().reply.bytes()
    }

    /// Returns the deltas in this range of indices.
    pub(super) fn slice(&self, range: Range<usize>) -> Reply {
        self.entries().reply.slice(range)
    }

    fn is_closed(&self) -> bool {
        self.entries().is_closed
    }

    /// Creates a listener that begins with the event of this number.
    pub(super) fn listen(self: &Arc<Self>, first: usize) -> Listener {
        Listener { log: Arc::clone(self), next: first, length: self.length.subscribe() }
    }

    /// Whether there are listeners.
    pub(super) fn has_listeners(&self) -> bool {
        self.length.receiver_count() > 0
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        // A panic cannot leave the entries half written, so a poisoned lock may be used.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the events of a turn from a position on. Dropping it does not stop the turn.
#[derive(Debug)]
pub struct Listener {
    log: Arc<TurnLog>,
    next: usize,
    length: watch::Receiver<usize>,
}

impl Listener {
    /// Returns the turn.
    #[must_use]
    pub fn turn(&self) -> TurnId {
        self.log.turn
    }

    /// Waits for events and returns all that are ready, with the number of the first. Returns `None` after the last
    /// one, and if the turn can be followed no longer: then there is no [`outcome`](Self::outcome).
    /// It may be cancelled while it waits: no event is lost.
    pub async fn next(&mut self) -> Option<(usize, Vec<TurnEvent>)> {
        loop {
            // The length is marked as seen before the events are read, so that none is missed.
            self.length.borrow_and_update();
            if let Some(found) = self.ready() {
                return Some(found);
            }
            if self.log.is_closed() || self.length.changed().await.is_err() {
                return None;
            }
        }
    }

    /// Returns the events that are ready, without waiting.
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

    /// Returns how the turn ended; `None` while it is running.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        self.log.entries().outcome.clone()
    }

    /// Returns the reply so far.
    #[must_use]
    pub fn reply(&self) -> Reply {
        self.log.reply()
    }

    /// Whether the reply answers anything so far.
    pub(super) fn has_answer(&self, shows_reasoning: bool) -> bool {
        self.log.has_answer(shows_reasoning)
    }

    /// Waits until the turn has ended.
    pub async fn ended(&mut self) -> Option<Outcome> {
        let mut over = self.log.over.subscribe();
        // The sender lives as long as the log, which this listener holds.
        let _ = over.wait_for(|over| *over).await;
        self.outcome()
    }

    /// Waits until there is anything to show of the reply, or for the end.
    pub(super) async fn begun(&mut self, shows_reasoning: bool) {
        let log = &self.log;
        // As in `ended`.
        let _ = self.length.wait_for(|_| log.has_answer(shows_reasoning) || log.is_closed()).await;
    }
}
