//! The task that owns a turn: it begins the turn, calls the model, collects the reply, and stores the end.

use std::ops::ControlFlow;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use domain::limits::REPLY_BYTES;
use domain::text::is_blank;
use domain::{Caller, Contract, Delta, EndState, Failure, FailureKind, FinishReason, Part, Reply, chain};
use futures_util::FutureExt;
use ports::{Begun, ModelError, StoreError};
use tokio::sync::oneshot;

use super::live::LiveTurn;
use super::log::TurnLog;
use super::send::{RunningTurn, SendMessage, TurnInput};
use super::{Inner, SendError};
use crate::model_call::{CallEnd, EndedCall, ModelCall, failure};

/// The result of the model call of a turn.
pub(super) struct CallResult {
    pub(super) state: EndState,
    /// The call; `None` if no call was made.
    pub(super) call: Option<EndedCall>,
}

impl CallResult {
    /// The result of a turn that failed before its model call, or by an error of the service itself.
    fn without_call(kind: FailureKind) -> Self {
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
        let turn = self.setup.ids.turn();
        let (begun, input) = match self.begin(&caller, message, turn).await {
            Ok(begun) => begun,
            Err(error) => {
                // If the caller is gone, there is nothing to do.
                let _ = answer.send(Err(error));
                return;
            }
        };
        // From here on, every log line in the span of the request names the turn.
        tracing::Span::current().record("turn.id", tracing::field::display(turn));
        let log = Arc::new(TurnLog::new(turn, begun.conversation.id));
        let live = Arc::new(LiveTurn::new(caller.user, Arc::clone(&log)));
        self.live.insert(Arc::clone(&live));
        let _ = answer.send(Ok(Self::running(&begun, input.contract, log.listen(0))));

        let title = self.start_title(caller.user, &begun, &input);
        let result = AssertUnwindSafe(self.call_model(&live, &begun, input)).catch_unwind().await;
        let result = result.unwrap_or_else(|_| {
            tracing::error!(turn.id = %turn, "a panic ended the model call of turn {turn}");
            CallResult::without_call(FailureKind::Internal)
        });
        let recorded = AssertUnwindSafe(self.record(&live, &begun, result, title)).catch_unwind().await;
        let outcome = recorded.unwrap_or_else(|_| {
            tracing::error!(turn.id = %turn, "a panic ended the recording of turn {turn}");
            self.not_recorded()
        });
        self.live.remove(turn);
        log.end(outcome);
    }

    async fn call_model(&self, live: &LiveTurn, begun: &Begun, input: TurnInput) -> CallResult {
        if self.has_withdrawn_model(begun) {
            return CallResult::without_call(FailureKind::Rejected);
        }
        let contract = input.contract;
        let request = match self.plan(begun, input).await {
            Ok(request) => request,
            Err(error) => return Self::plan_failed(live, &error),
        };
        let mut call = ModelCall::new(self.setup.model.provider(), &request);
        let state = tokio::select! {
            biased;
            state = self.must_end(live) => state,
            ended = call.run(self.setup.model.as_ref(), request, |deltas| Self::take(live, deltas)) => {
                Self::end_state(live, contract, ended)
            }
        };
        CallResult { state, call: Some(call.end(live.log.bytes(), &self.setup.settings.models)) }
    }

    /// Whether the conversation's own model is no longer offered, though it was when it was chosen.
    fn has_withdrawn_model(&self, begun: &Begun) -> bool {
        let model = &begun.model;
        let withdrawn =
            begun.conversation.model.as_ref() == Some(model) && !self.setup.settings.models.offers(model);
        if withdrawn {
            let id = begun.conversation.id;
            tracing::warn!(conversation.id = %id, %model, "the model of conversation {id} is no longer offered");
        }
        withdrawn
    }

    /// Waits until the turn must end although its model call has not: it was lost or stopped, or the process shuts down.
    async fn must_end(&self, live: &LiveTurn) -> EndState {
        tokio::select! {
            biased;
            () = live.lost.cancelled() => EndState::Interrupted,
            () = live.stop.cancelled() => EndState::Stopped,
            () = self.setup.tasks.closing().cancelled() => EndState::Interrupted,
        }
    }

    /// Appends deltas to the log, until the reply is too long.
    fn take(live: &LiveTurn, deltas: Vec<Delta>) -> ControlFlow<()> {
        live.log.append(deltas);
        if live.log.bytes() > REPLY_BYTES { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn end_state(live: &LiveTurn, contract: Contract, ended: Result<CallEnd, ModelError>) -> EndState {
        match ended {
            Ok(CallEnd::Finished(reason)) => Self::finished(live, contract, reason.presentable()),
            Ok(CallEnd::CutOff) => {
                let turn = live.log.turn;
                tracing::warn!(turn.id = %turn, "the reply of turn {turn} is too long");
                EndState::Failed(FailureKind::Broken.into())
            }
            Err(error) => EndState::Failed(Self::failure(live, &error)),
        }
    }

    /// The state of a turn whose model finished. A reply that answers nothing is a failure, unless a content filter
    /// explains it; a tool call is an answer.
    fn finished(live: &LiveTurn, contract: Contract, reason: FinishReason) -> EndState {
        let turn = live.log.turn;
        if reason != FinishReason::ContentFilter && !live.log.has_answer(contract.shows_reasoning()) {
            let reply = contents(&live.log.reply());
            tracing::warn!(
                turn.id = %turn,
                finish.reason = reason.as_str(),
                "the reply of turn {turn} is empty: the model sent {reply} and ended with \"{}\"",
                reason.as_str()
            );
            return EndState::Failed(FailureKind::Empty.into());
        }
        if let FinishReason::Other(name) = &reason {
            tracing::warn!(turn.id = %turn, finish.reason = name, "the model ended turn {turn} for an unknown reason: \"{name}\"");
        }
        EndState::Completed(reason)
    }

    fn plan_failed(live: &LiveTurn, error: &StoreError) -> CallResult {
        tracing::warn!(turn.id = %live.log.turn, error = %chain(error), "the history of turn {} could not be read", live.log.turn);
        CallResult::without_call(FailureKind::Store)
    }

    fn failure(live: &LiveTurn, error: &ModelError) -> Failure {
        let turn = live.log.turn;
        tracing::warn!(turn.id = %turn, error = %chain(error), "the model call of turn {turn} failed");
        failure(error)
    }
}

/// Describes a reply that answers nothing, for the log.
fn contents(reply: &Reply) -> &'static str {
    let is_thought = |part: &Part| matches!(part, Part::Reasoning(text) if !is_blank(text));
    if reply.is_empty() {
        "nothing"
    } else if reply.parts().iter().any(is_thought) {
        "reasoning alone"
    } else {
        "white space alone"
    }
}
