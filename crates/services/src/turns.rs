//! Turns: send a message, watch the reply, stop it.
//!
//! One tracked task owns a turn from `begin` to `finish`. Clients only listen to it: a listener that is dropped changes
//! nothing.

mod error;
mod follow;
mod live;
mod log;
mod plan;
mod record;
mod run;
mod send;
mod stop;
mod title;
mod transcript;
mod upkeep;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use domain::{Contract, ModelName, RunnerId};
use ports::{
    Clock, ConversationStore, FileStore, IdSource, LanguageModel, Ledger, RunnerStore, TurnEvents, TurnStore,
};

pub use error::{SendError, TurnFailure, WatchError};
pub use log::{Listener, Outcome};
pub use send::{CompletedTurn, RunningTurn, SendMessage, SendTarget};

use crate::{ModelSettings, Tasks};
use follow::FollowedTurns;
use live::LiveTurns;

/// Turns. Cheap to clone.
#[derive(Clone)]
pub struct Turns {
    inner: Arc<Inner>,
}

/// The dependencies of [`Turns`].
pub struct TurnsSetup {
    /// The store of turns.
    pub turns: Arc<dyn TurnStore>,
    /// The store of conversations, which posted transcripts are compared with.
    pub conversations: Arc<dyn ConversationStore>,
    /// The events of turns that other processes run.
    pub events: Arc<dyn TurnEvents>,
    /// The store of files, for their text.
    pub files: Arc<dyn FileStore>,
    /// The store of processes and their leases.
    pub runners: Arc<dyn RunnerStore>,
    /// The ledger of model calls.
    pub ledger: Arc<dyn Ledger>,
    /// The provider of models.
    pub model: Arc<dyn LanguageModel>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn IdSource>,
    /// The tasks that turns run in.
    pub tasks: Tasks,
    /// The settings of turns.
    pub settings: TurnSettings,
}

/// The settings of turns.
#[derive(Debug, Clone)]
pub struct TurnSettings {
    /// The settings of models.
    pub models: ModelSettings,
    /// The model that writes titles.
    pub title_model: ModelName,
    /// The contracts whose conversations get their title from that model. The others get the first words of a question.
    pub titled_by_model: Vec<Contract>,
    /// How long a streamed response waits for the first event before it starts with heartbeats.
    pub first_event_grace: Duration,
    /// How often partial text is stored.
    pub checkpoint_every: Duration,
    /// How often the process renews its lease.
    pub renew_every: Duration,
    /// How often the process looks whether others have lost their locks.
    pub watch_locks_every: Duration,
    /// How long storing a reply is retried while the store is not available.
    pub finish_patience: Duration,
}

struct Inner {
    setup: TurnsSetup,
    runner: RunnerId,
    live: LiveTurns,
    followed: FollowedTurns,
}

impl Turns {
    /// Creates the service for a new process. [`Turns::start_upkeep`] keeps its lease and its lock.
    #[must_use]
    pub fn new(setup: TurnsSetup) -> Self {
        let runner = setup.ids.runner();
        let (live, followed) = (LiveTurns::default(), FollowedTurns::default());
        let inner = Inner { setup, runner, live, followed };
        Self { inner: Arc::new(inner) }
    }

    /// Returns how long a streamed response waits for the first event.
    #[must_use]
    pub fn first_event_grace(&self) -> Duration {
        self.inner.setup.settings.first_event_grace
    }

    /// Whether the model is offered.
    pub(crate) fn offers(&self, model: &ModelName) -> bool {
        self.inner.setup.settings.models.offers(model)
    }

    /// Returns the number of turns that this process is running.
    #[must_use]
    pub fn running(&self) -> usize {
        self.inner.live.len()
    }
}
