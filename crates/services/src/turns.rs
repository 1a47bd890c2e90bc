//! Everything a caller can do with a turn: send, watch, stop.
//!
//! One tracked task owns a turn from `begin` to `finish`. Who asked only listens: dropping a listener changes nothing.

mod error;
mod live;
mod log;
mod plan;
mod record;
mod run;
mod send;
mod stop;
mod title;
mod upkeep;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use domain::{ModelName, RunnerId};
use ports::{Clock, FileStore, IdSource, LanguageModel, Ledger, RunnerStore, TurnStore};

pub use error::{SendError, TurnFailure, WatchError};
pub use log::{Listener, Outcome};
pub use send::{CompletedTurn, RunningTurn, SendMessage, SendTarget};
pub use stop::Stopped;
pub use title::TitlePolicy;

use crate::{ModelSettings, Tasks};
use live::LiveTurns;

/// Turns. Cheap to clone.
#[derive(Clone)]
pub struct Turns {
    inner: Arc<Inner>,
}

/// What [`Turns`] works with.
pub struct TurnsSetup {
    /// Where turns are kept.
    pub turns: Arc<dyn TurnStore>,
    /// What the files of conversations say.
    pub files: Arc<dyn FileStore>,
    /// Where this process holds its lease.
    pub runners: Arc<dyn RunnerStore>,
    /// Where model calls beside turns are counted.
    pub ledger: Arc<dyn Ledger>,
    /// Whom to ask.
    pub model: Arc<dyn LanguageModel>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn IdSource>,
    /// Where turns run.
    pub tasks: Tasks,
    /// How turns run.
    pub settings: TurnSettings,
}

/// How turns run.
#[derive(Debug, Clone)]
pub struct TurnSettings {
    /// What is known about models.
    pub models: ModelSettings,
    /// The model that makes titles.
    pub title_model: ModelName,
    /// How long a streamed answer waits for the first event before it begins with heartbeats.
    pub first_event_grace: Duration,
    /// How often partial text is kept.
    pub checkpoint_every: Duration,
    /// How often the process renews its lease.
    pub renew_every: Duration,
    /// How long a reply is offered to a store that is away.
    pub finish_patience: Duration,
}

struct Inner {
    store: Arc<dyn TurnStore>,
    files: Arc<dyn FileStore>,
    runners: Arc<dyn RunnerStore>,
    ledger: Arc<dyn Ledger>,
    model: Arc<dyn LanguageModel>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    tasks: Tasks,
    settings: TurnSettings,
    runner: RunnerId,
    live: LiveTurns,
}

impl Turns {
    /// Turns of a new process. [`Turns::start_upkeep`] begins its lease.
    #[must_use]
    pub fn new(setup: TurnsSetup) -> Self {
        let TurnsSetup { turns, files, runners, ledger, model, clock, ids, tasks, settings } = setup;
        let runner = ids.runner();
        let live = LiveTurns::default();
        let inner =
            Inner { store: turns, files, runners, ledger, model, clock, ids, tasks, settings, runner, live };
        Self { inner: Arc::new(inner) }
    }

    /// How long a streamed answer waits for the first event.
    #[must_use]
    pub fn first_event_grace(&self) -> Duration {
        self.inner.settings.first_event_grace
    }

    /// Whether the model may be asked.
    pub(crate) fn offers(&self, model: &ModelName) -> bool {
        self.inner.settings.models.allows(model)
    }

    /// How many turns this process runs now.
    #[must_use]
    pub fn running(&self) -> usize {
        self.inner.live.len()
    }
}
