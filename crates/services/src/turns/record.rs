//! Stores the end of a turn: the reply, its usage and cost, and the title of the conversation.

use std::time::Duration;

use domain::{
    EndState, Ending, Failure, FailureKind, LedgerEntry, NanoDollars, Purpose, Title, Usage, chain,
};
use ports::{Begun, Finish, Finished, StoreError};
use tokio::time::Instant;

use super::Inner;
use super::live::LiveTurn;
use super::log::Outcome;
use super::run::CallResult;
use super::title::TitleCall;

/// The first pause before another try to store the end; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

impl Inner {
    /// Ends the turn in the store. Only after that may listeners see its last event.
    pub(super) async fn record(
        &self,
        live: &LiveTurn,
        begun: &Begun,
        result: CallResult,
        title: TitleCall,
    ) -> Outcome {
        let title = title.finish().await;
        let response = result.call.as_ref().and_then(|call| call.response.clone());
        let provider = result.call.as_ref().map_or_else(|| self.setup.model.provider(), |call| call.provider);
        let finish = self.finish_command(live, begun, title, result);
        let (ending, ledger) = (finish.ending.clone(), finish.ledger.clone());
        // Waits for a running checkpoint, which must not write after the end.
        let _kept = live.kept.lock().await;
        let outcome = match self.finish_with_retries(finish).await {
            Ok(Finished::Done { ending, change }) => {
                Outcome { ending, change: change.map(|change| *change), response }
            }
            Ok(Finished::Lost) => {
                self.count_lost(live, ledger).await;
                Self::lost(live, &ending)
            }
            Err(error) => {
                let turn = live.log.turn;
                tracing::error!(turn.id = %turn, error = %chain(&error), "the reply of turn {turn} could not be stored");
                let kind = match error {
                    StoreError::Unavailable(_) => FailureKind::Store,
                    StoreError::Corrupt { .. } | StoreError::Refused(_) => FailureKind::Internal,
                };
                let state = EndState::Failed(Failure::from(kind));
                Outcome { ending: Ending { state, ..ending }, change: None, response: None }
            }
        };
        Self::log_end(live, begun, provider, &outcome.ending);
        outcome
    }

    /// Returns the outcome for listeners if it is not known what was stored.
    pub(super) fn not_recorded(&self) -> Outcome {
        let state = EndState::Failed(FailureKind::Internal.into());
        let ending = Ending { state, ..Ending::interrupted(Usage::default(), self.setup.clock.now()) };
        Outcome { ending, change: None, response: None }
    }

    async fn finish_with_retries(&self, finish: Finish) -> Result<Finished, StoreError> {
        let deadline = Instant::now() + self.setup.settings.finish_patience;
        let mut pause = FIRST_PAUSE;
        loop {
            match self.setup.turns.finish(finish.clone()).await {
                Err(StoreError::Unavailable(_)) if Instant::now() + pause < deadline => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                result => return result,
            }
        }
    }

    /// Counts the call of a turn that another process has ended: it has to be paid for all the same.
    async fn count_lost(&self, live: &LiveTurn, entry: Option<LedgerEntry>) {
        let Some(entry) = entry else { return };
        if let Err(error) = self.setup.ledger.append(entry).await {
            let turn = live.log.turn;
            tracing::error!(turn.id = %turn, error = %chain(&error), "the call of turn {turn} is missing in the ledger");
        }
    }

    /// Returns the outcome of a turn that was deleted with its conversation, which stops it, or that another process ended.
    fn lost(live: &LiveTurn, ending: &Ending) -> Outcome {
        let turn = live.log.turn;
        tracing::info!(turn.id = %turn, "turn {turn} no longer belongs to this process");
        let state = if live.stop.is_cancelled() { EndState::Stopped } else { EndState::Interrupted };
        Outcome { ending: Ending { state, reply: None, ..ending.clone() }, change: None, response: None }
    }

    fn finish_command(
        &self,
        live: &LiveTurn,
        begun: &Begun,
        title: Option<Title>,
        result: CallResult,
    ) -> Finish {
        let reply = live.log.reply();
        let at = self.setup.clock.now();
        let CallResult { state, call } = result;
        let (turn, conversation) = (live.log.turn, begun.conversation.id);
        Finish {
            turn,
            runner: self.runner,
            conversation,
            ending: Ending {
                state,
                reply: None,
                usage: call.as_ref().map_or_else(Usage::default, |call| call.usage),
                cost: call.as_ref().map_or(NanoDollars(0), |call| call.cost),
                response_time_ms: call.as_ref().map_or(0, |call| call.response_time_ms),
                at,
            },
            reply: (!reply.is_empty()).then(|| (self.setup.ids.message(), reply)),
            title,
            ledger: call.and_then(|call| {
                call.ledger_entry(Purpose::Turn, live.owner, Some(conversation), Some(turn), at)
            }),
        }
    }

    fn log_end(live: &LiveTurn, begun: &Begun, provider: &str, ending: &Ending) {
        let turn = live.log.turn;
        tracing::info!(
            turn.id = %turn,
            conversation.id = %begun.conversation.id,
            provider.name = provider,
            model.name = %begun.model,
            turn.state = ?ending.state,
            tokens.input = ending.usage.input,
            tokens.output = ending.usage.output,
            tokens.estimated = ending.usage.estimated,
            model_ms = ending.response_time_ms,
            turn_ms = u64::try_from(live.since.elapsed().as_millis()).unwrap_or(u64::MAX),
            "turn {turn} ended"
        );
    }
}
