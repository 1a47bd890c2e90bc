//! Records how a turn ended: the reply, its usage and cost, the conversation's title.

use std::time::Duration;

use domain::usage::estimate_tokens;
use domain::{
    EndState, Ending, Failure, FailureKind, LedgerEntry, NanoDollars, Purpose, Reply, Title, Usage, chain,
};
use ports::{Finish, Finished, StoreError};
use tokio::time::Instant;

use super::Inner;
use super::live::LiveTurn;
use super::log::Outcome;
use super::run::Call;
use super::send::{Opened, SendMessage};
use super::title::{TitleCall, first_words};

/// The first pause between two tries to reach a store that is away; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

impl Inner {
    /// Closes the turn in the store. Only after that may listeners see its last event.
    pub(super) async fn record(
        &self,
        live: &LiveTurn,
        opened: &Opened,
        message: &SendMessage,
        call: Call,
        title: TitleCall,
    ) -> Outcome {
        let title = title.in_time().await.or_else(|| first_words(opened, message));
        let response = call.response.clone();
        let finish = self.finish_of(live, opened, title, call);
        // Waits for a checkpoint that is on its way: it must not write behind the end.
        let _kept = live.kept.lock().await;
        match self.finish_with_patience(finish.clone()).await {
            Ok(Finished::Done { ending, change }) => Outcome { ending, change: Some(*change), response },
            Ok(Finished::Lost) => {
                self.count_lost(live, finish.ledger).await;
                Self::lost(live, &finish.ending)
            }
            Err(error) => {
                let turn = live.log.turn;
                tracing::error!(turn.id = %turn, error = %chain(&error), "the reply of turn {turn} could not be stored");
                let kind = match error {
                    StoreError::Unavailable(_) => FailureKind::Store,
                    StoreError::Corrupt { .. } | StoreError::Refused(_) => FailureKind::Internal,
                };
                let state = EndState::Failed(Failure::from(kind));
                Outcome { ending: Ending { state, ..finish.ending }, change: None, response: None }
            }
        }
    }

    /// What listeners are told where nobody knows what was stored.
    pub(super) fn not_recorded(&self) -> Outcome {
        let ending = Ending {
            state: EndState::Failed(FailureKind::Internal.into()),
            reply: None,
            usage: Usage::default(),
            cost: NanoDollars(0),
            response_time_ms: 0,
            at: self.clock.now(),
        };
        Outcome { ending, change: None, response: None }
    }

    async fn finish_with_patience(&self, finish: Finish) -> Result<Finished, StoreError> {
        let deadline = Instant::now() + self.settings.finish_patience;
        let mut pause = FIRST_PAUSE;
        loop {
            match self.store.finish(finish.clone()).await {
                Err(StoreError::Unavailable(_)) if Instant::now() + pause < deadline => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                result => return result,
            }
        }
    }

    /// The ledger outlives what it counts: the call is paid for, whatever became of its turn.
    async fn count_lost(&self, live: &LiveTurn, entry: Option<LedgerEntry>) {
        let Some(entry) = entry else { return };
        if let Err(error) = self.ledger.append(entry).await {
            let turn = live.log.turn;
            tracing::error!(turn.id = %turn, error = %chain(&error), "the call of turn {turn} is missing in the ledger");
        }
    }

    /// Somebody else ended the turn: a purge, which is a stop, or another process.
    fn lost(live: &LiveTurn, ending: &Ending) -> Outcome {
        let turn = live.log.turn;
        tracing::info!(turn.id = %turn, "turn {turn} is no longer ours to finish");
        let state = if live.stop.is_cancelled() { EndState::Stopped } else { EndState::Interrupted };
        Outcome { ending: Ending { state, reply: None, ..ending.clone() }, change: None, response: None }
    }

    fn finish_of(&self, live: &LiveTurn, opened: &Opened, title: Option<Title>, call: Call) -> Finish {
        let begun = &opened.begun;
        let reply = live.log.reply();
        let usage = Self::usage_of(&call, &reply);
        let cost = call.cost.unwrap_or_else(|| self.settings.models.price(&begun.model).cost(&usage));
        let at = self.clock.now();
        let cost = if call.accepted { cost } else { NanoDollars(0) };
        let ledger = call.accepted.then(|| LedgerEntry {
            user: live.owner,
            conversation: Some(begun.conversation.id),
            turn: Some(live.log.turn),
            purpose: Purpose::Turn,
            provider: call.provider.unwrap_or_else(|| self.model.provider()).to_owned(),
            model: begun.model.clone(),
            usage,
            cost,
            at,
        });
        self.log_end(live, opened, &call, usage);
        Finish {
            turn: live.log.turn,
            runner: self.runner,
            conversation: begun.conversation.id,
            ending: Ending {
                state: call.state,
                reply: None,
                usage,
                cost,
                response_time_ms: call.response_time_ms,
                at,
            },
            reply: (!reply.is_empty()).then(|| (self.ids.message(), reply)),
            title,
            ledger,
        }
    }

    /// The provider's figures, else an estimate: what was sent was most likely read and is paid for.
    fn usage_of(call: &Call, reply: &Reply) -> Usage {
        match call.usage {
            Some(usage) => usage,
            None if call.accepted => Usage {
                input: u64::from(call.prompt_tokens),
                output: u64::from(estimate_tokens(reply.bytes())),
                estimated: true,
                ..Usage::default()
            },
            None => Usage::default(),
        }
    }

    fn log_end(&self, live: &LiveTurn, opened: &Opened, call: &Call, usage: Usage) {
        let turn = live.log.turn;
        tracing::info!(
            turn.id = %turn,
            conversation.id = %opened.begun.conversation.id,
            provider.name = self.model.provider(),
            model.name = %opened.begun.model,
            turn.state = ?call.state,
            tokens.input = usage.input,
            tokens.output = usage.output,
            model_ms = call.response_time_ms,
            "turn {turn} ended"
        );
    }
}
