//! The task that owns a turn: it begins, asks the model, folds the reply, and finishes, whoever listens.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use domain::limits::REPLY_BYTES;
use domain::{Caller, EndState, Failure, FailureKind, FinishReason, NanoDollars, ResponseId, Usage, chain};
use futures_util::{FutureExt, StreamExt};
use ports::{ModelError, ModelEvent, ModelStream, StoreError};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::live::LiveTurn;
use super::log::TurnLog;
use super::send::{Opened, RunningTurn, SendMessage};
use super::{Inner, SendError};

/// What a model call came to.
pub(super) struct Call {
    pub(super) state: EndState,
    /// Whether the provider took the request, so that it counts.
    pub(super) accepted: bool,
    /// The provider that answered, where it was not the first one.
    pub(super) provider: Option<&'static str>,
    /// The provider's id of its answer.
    pub(super) response: Option<ResponseId>,
    pub(super) usage: Option<Usage>,
    pub(super) cost: Option<NanoDollars>,
    /// An estimate of the prompt's tokens, for providers that name no usage.
    pub(super) prompt_tokens: u32,
    pub(super) response_time_ms: u32,
}

impl Call {
    fn failed(kind: FailureKind) -> Self {
        Self::ended(EndState::Failed(kind.into()))
    }

    fn ended(state: EndState) -> Self {
        Self {
            state,
            accepted: false,
            provider: None,
            response: None,
            usage: None,
            cost: None,
            prompt_tokens: 0,
            response_time_ms: 0,
        }
    }
}

/// How many events that are ready together are folded at once.
const EVENTS_AT_ONCE: usize = 256;

impl Inner {
    pub(super) async fn run(
        self: Arc<Self>,
        caller: Caller,
        message: SendMessage,
        answer: oneshot::Sender<Result<RunningTurn, SendError>>,
    ) {
        let turn = self.ids.turn();
        let opened = match self.open(&caller, &message, turn).await {
            Ok(opened) => opened,
            Err(error) => {
                // Nobody listening any more is no reason to do anything else.
                let _ = answer.send(Err(error));
                return;
            }
        };
        let log = Arc::new(TurnLog::new(turn, opened.begun.conversation.id));
        let live = Arc::new(LiveTurn::new(caller.user, Arc::clone(&log)));
        self.live.insert(Arc::clone(&live));
        let _ = answer.send(Ok(Self::running(&opened, log.listen(0))));

        let title = self.ask_for_title(caller.user, &opened, &message);
        let call =
            AssertUnwindSafe(self.ask(&live, &opened, &message)).catch_unwind().await.unwrap_or_else(|_| {
                tracing::error!(turn.id = %turn, "a panic ended the model call of turn {turn}");
                Call::failed(FailureKind::Internal)
            });
        let recorded =
            AssertUnwindSafe(self.record(&live, &opened, &message, call, title)).catch_unwind().await;
        let outcome = recorded.unwrap_or_else(|_| {
            tracing::error!(turn.id = %turn, "a panic ended the recording of turn {turn}");
            self.not_recorded()
        });
        self.live.remove(turn);
        log.end(outcome);
    }

    async fn ask(&self, live: &LiveTurn, opened: &Opened, message: &SendMessage) -> Call {
        if self.has_withdrawn_model(opened) {
            return Call::failed(FailureKind::Rejected);
        }
        let planned = match self.plan(opened, message).await {
            Ok(planned) => planned,
            Err(error) => return Self::not_planned(live, &error),
        };
        let started = Instant::now();
        let mut call = tokio::select! {
            biased;
            state = self.made_to_end(live) => Call::ended(state),
            stream = self.model.stream(planned.prompt) => match stream {
                Ok(stream) => self.follow(live, stream).await,
                Err(error) => Call::ended(EndState::Failed(Self::failure(live, &error))),
            },
        };
        call.prompt_tokens = planned.tokens;
        call.response_time_ms = u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX);
        call
    }

    /// Whether the conversation's own model, which was offered when it was chosen, is offered no more.
    fn has_withdrawn_model(&self, opened: &Opened) -> bool {
        let model = &opened.begun.model;
        let withdrawn =
            opened.begun.conversation.model.as_ref() == Some(model) && !self.settings.models.allows(model);
        if withdrawn {
            let id = opened.begun.conversation.id;
            tracing::warn!(conversation.id = %id, %model, "the conversation's model is not offered any more");
        }
        withdrawn
    }

    /// Waits until the turn must end before its model has: taken away, stopped, or shut down.
    async fn made_to_end(&self, live: &LiveTurn) -> EndState {
        tokio::select! {
            biased;
            () = live.lost.cancelled() => EndState::Interrupted,
            () = live.stop.cancelled() => EndState::Stopped,
            () = self.tasks.closing().cancelled() => EndState::Interrupted,
        }
    }

    /// Folds the model's events into the log until it ends, or is made to end.
    async fn follow(&self, live: &LiveTurn, stream: ModelStream) -> Call {
        let mut call = Call { accepted: true, ..Call::failed(FailureKind::Truncated) };
        let mut batches = stream.ready_chunks(EVENTS_AT_ONCE);
        let made_to_end = self.made_to_end(live);
        tokio::pin!(made_to_end);
        loop {
            let batch = tokio::select! {
                biased;
                state = &mut made_to_end => { call.state = state; break }
                batch = batches.next() => batch,
            };
            let Some(batch) = batch else { break };
            if let Some(state) = Self::fold(live, batch, &mut call) {
                call.state = state;
                break;
            }
        }
        call
    }

    fn fold(
        live: &LiveTurn,
        batch: Vec<Result<ModelEvent, ModelError>>,
        call: &mut Call,
    ) -> Option<EndState> {
        let mut deltas = Vec::with_capacity(batch.len());
        let mut ended = None;
        for event in batch {
            match event {
                Ok(ModelEvent::Delta(delta)) => deltas.push(delta),
                Ok(ModelEvent::ServedBy(provider)) => call.provider = Some(provider),
                Ok(ModelEvent::Finished { response, reason, usage, cost }) => {
                    call.response = response;
                    call.usage = usage;
                    call.cost = cost;
                    ended = Some(EndState::Completed(reason));
                    break;
                }
                Err(error) => {
                    ended = Some(EndState::Failed(Self::failure(live, &error)));
                    break;
                }
            }
        }
        if !deltas.is_empty() {
            live.log.append(deltas);
        }
        if live.log.bytes() > REPLY_BYTES {
            tracing::warn!(turn.id = %live.log.turn, "the reply of turn {} is too long", live.log.turn);
            return Some(EndState::Failed(FailureKind::Broken.into()));
        }
        match ended {
            // A filter that left nothing is an end of its own; a plain end without a word is none.
            Some(EndState::Completed(FinishReason::Stop | FinishReason::Length))
                if live.log.deltas() == 0 =>
            {
                Some(EndState::Failed(FailureKind::Empty.into()))
            }
            ended => ended,
        }
    }

    fn not_planned(live: &LiveTurn, error: &StoreError) -> Call {
        tracing::warn!(turn.id = %live.log.turn, error = %chain(error), "the history of turn {} could not be read", live.log.turn);
        Call::failed(FailureKind::Store)
    }

    fn failure(live: &LiveTurn, error: &ModelError) -> Failure {
        let turn = live.log.turn;
        tracing::warn!(turn.id = %turn, error = %chain(error), "the model call of turn {turn} failed");
        let retry_after = match error {
            ModelError::Busy { retry_after, .. } => {
                retry_after.map(|pause| pause.max(Duration::from_secs(1)))
            }
            ModelError::Rejected(_)
            | ModelError::Refused(_)
            | ModelError::TooLong(_)
            | ModelError::Unavailable(_)
            | ModelError::TimedOut
            | ModelError::Truncated
            | ModelError::Broken(_) => None,
        };
        Failure { kind: error.failure(), retry_after }
    }
}
