//! The task that owns a turn: it begins, asks the model, folds the reply, and finishes, whoever listens.

use std::ops::ControlFlow;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use domain::limits::REPLY_BYTES;
use domain::{Caller, Delta, EndState, Failure, FailureKind, FinishReason, chain};
use futures_util::FutureExt;
use ports::{Begun, ModelError, StoreError};
use tokio::sync::oneshot;

use super::live::LiveTurn;
use super::log::TurnLog;
use super::send::{Asked, RunningTurn, SendMessage};
use super::{Inner, SendError};
use crate::model_call::{CallEnd, EndedCall, ModelCall};

/// What came of asking the model.
pub(super) struct AskedModel {
    pub(super) state: EndState,
    /// The call; none where the model was not asked.
    pub(super) call: Option<EndedCall>,
}

impl AskedModel {
    /// A turn that failed before its model was asked, or by a fault of ours.
    fn not_asked(kind: FailureKind) -> Self {
        Self { state: EndState::Failed(kind.into()), call: None }
    }
}

impl Inner {
    pub(super) async fn run(
        self: Arc<Self>,
        caller: Caller,
        message: SendMessage,
        answer: oneshot::Sender<Result<RunningTurn, SendError>>,
    ) {
        let turn = self.ids.turn();
        let (begun, asked) = match self.open(&caller, message, turn).await {
            Ok(opened) => opened,
            Err(error) => {
                // Nobody listening any more is no reason to do anything else.
                let _ = answer.send(Err(error));
                return;
            }
        };
        let log = Arc::new(TurnLog::new(turn, begun.conversation.id));
        let live = Arc::new(LiveTurn::new(caller.user, Arc::clone(&log)));
        self.live.insert(Arc::clone(&live));
        let _ = answer.send(Ok(Self::running(&begun, log.listen(0))));

        let title = self.ask_for_title(caller.user, &begun, &asked);
        let asked = AssertUnwindSafe(self.ask(&live, &begun, asked)).catch_unwind().await;
        let asked = asked.unwrap_or_else(|_| {
            tracing::error!(turn.id = %turn, "a panic ended the model call of turn {turn}");
            AskedModel::not_asked(FailureKind::Internal)
        });
        let recorded = AssertUnwindSafe(self.record(&live, &begun, asked, title)).catch_unwind().await;
        let outcome = recorded.unwrap_or_else(|_| {
            tracing::error!(turn.id = %turn, "a panic ended the recording of turn {turn}");
            self.not_recorded()
        });
        self.live.remove(turn);
        log.end(outcome);
    }

    async fn ask(&self, live: &LiveTurn, begun: &Begun, asked: Asked) -> AskedModel {
        if self.has_withdrawn_model(begun) {
            return AskedModel::not_asked(FailureKind::Rejected);
        }
        let request = match self.plan(begun, asked).await {
            Ok(request) => request,
            Err(error) => return Self::not_planned(live, &error),
        };
        let mut call = ModelCall::new(self.model.provider(), &request);
        let state = tokio::select! {
            biased;
            state = self.made_to_end(live) => state,
            ended = call.run(self.model.as_ref(), request, |deltas| Self::take(live, deltas)) => {
                Self::state_of(live, ended)
            }
        };
        AskedModel { state, call: Some(call.end(live.log.bytes(), &self.settings.models)) }
    }

    /// Whether the conversation's own model, which was offered when it was chosen, is offered no more.
    fn has_withdrawn_model(&self, begun: &Begun) -> bool {
        let model = &begun.model;
        let withdrawn =
            begun.conversation.model.as_ref() == Some(model) && !self.settings.models.allows(model);
        if withdrawn {
            let id = begun.conversation.id;
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

    /// Appends deltas to the log, for as long as the reply is not too long.
    fn take(live: &LiveTurn, deltas: Vec<Delta>) -> ControlFlow<()> {
        live.log.append(deltas);
        if live.log.bytes() > REPLY_BYTES { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn state_of(live: &LiveTurn, ended: Result<CallEnd, ModelError>) -> EndState {
        match ended {
            // A filter that left nothing is an end of its own; a plain end without a word is none.
            Ok(CallEnd::Finished(FinishReason::Stop | FinishReason::Length)) if live.log.deltas() == 0 => {
                EndState::Failed(FailureKind::Empty.into())
            }
            Ok(CallEnd::Finished(reason)) => EndState::Completed(reason),
            Ok(CallEnd::CutOff) => {
                let turn = live.log.turn;
                tracing::warn!(turn.id = %turn, "the reply of turn {turn} is too long");
                EndState::Failed(FailureKind::Broken.into())
            }
            Err(error) => EndState::Failed(Self::failure(live, &error)),
        }
    }

    fn not_planned(live: &LiveTurn, error: &StoreError) -> AskedModel {
        tracing::warn!(turn.id = %live.log.turn, error = %chain(error), "the history of turn {} could not be read", live.log.turn);
        AskedModel::not_asked(FailureKind::Store)
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
