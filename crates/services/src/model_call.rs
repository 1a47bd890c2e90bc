//! A call of a model for any purpose: its deltas, its usage and cost, and its entry in the ledger.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use domain::usage::estimate_tokens;
use domain::{
    ConversationId, Delta, Failure, FinishReason, LedgerEntry, ModelName, ModelRequest, NanoDollars, Purpose,
    ReportedUsage, ResponseId, Timestamp, TurnId, Usage, UserId,
};
use futures_util::StreamExt;
use ports::{LanguageModel, ModelError, ModelEvent, Retry};
use tokio::time::Instant;

use crate::ModelSettings;

/// The most events that are passed on together.
const EVENTS_AT_ONCE: usize = 256;

/// A running call. It may be cancelled at any event, and [`ModelCall::end`] counts it all the same.
#[derive(Debug)]
pub(crate) struct ModelCall {
    model: ModelName,
    /// An estimate of the input tokens, for providers that send no usage.
    request_tokens: u32,
    provider: &'static str,
    /// Whether the provider may have been sent the request.
    sent: bool,
    /// Whether the provider accepted the request; only then does it cost anything.
    accepted: bool,
    response: Option<ResponseId>,
    usage: ReportedUsage,
    cost: Option<NanoDollars>,
    started: Instant,
}

/// How a call ended, if it did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CallEnd {
    /// The model finished its answer.
    Finished(FinishReason),
    /// The receiver of the deltas wanted no more.
    CutOff,
}

/// A call that has ended, with its usage and cost.
#[derive(Debug)]
pub(crate) struct EndedCall {
    model: ModelName,
    accepted: bool,
    /// The provider that answered, or else the first one.
    pub(crate) provider: &'static str,
    /// The provider's id of the response, if it sent one.
    pub(crate) response: Option<ResponseId>,
    /// The provider's figures, else an estimate, because an accepted request is most likely paid for.
    pub(crate) usage: Usage,
    /// The provider's figure, else by the price list; 0 for a request that was not accepted.
    pub(crate) cost: NanoDollars,
    /// The time from the request to the end of the answer, in milliseconds.
    pub(crate) response_time_ms: u32,
}

impl ModelCall {
    /// Prepares a call.
    pub(crate) fn new(provider: &'static str, request: &ModelRequest) -> Self {
        Self {
            model: request.model.clone(),
            request_tokens: request.token_count(),
            provider,
            sent: false,
            accepted: false,
            response: None,
            usage: ReportedUsage::default(),
            cost: None,
            started: Instant::now(),
        }
    }

    /// Makes the call and passes on its deltas, those that arrived together at once, until it ends.
    ///
    /// # Errors
    /// The failure of the provider. The deltas before it were passed on.
    pub(crate) async fn run(
        &mut self,
        model: &dyn LanguageModel,
        request: ModelRequest,
        mut take: impl FnMut(Vec<Delta>) -> ControlFlow<()>,
    ) -> Result<CallEnd, ModelError> {
        self.sent = true;
        let events = model.stream(Arc::new(request)).await?;
        self.accepted = true;
        let mut batches = events.ready_chunks(EVENTS_AT_ONCE);
        while let Some(batch) = batches.next().await {
            let mut deltas = Vec::with_capacity(batch.len());
            let mut ended = None;
            for event in batch {
                match event {
                    Ok(ModelEvent::Delta(delta)) => deltas.push(delta),
                    Ok(ModelEvent::ServedBy(provider)) => self.provider = provider,
                    Ok(ModelEvent::Usage { usage, cost }) => (self.usage, self.cost) = (usage, cost),
                    Ok(ModelEvent::Finished { response, reason }) => {
                        self.response = response;
                        ended = Some(Ok(CallEnd::Finished(reason)));
                        break;
                    }
                    Err(error) => {
                        ended = Some(Err(error));
                        break;
                    }
                }
            }
            if !deltas.is_empty() && take(deltas).is_break() {
                return Ok(CallEnd::CutOff);
            }
            if let Some(ended) = ended {
                return ended;
            }
        }
        Err(ModelError::Truncated)
    }

    /// Notes that the caller has dropped the run of the call. A request that was sent is most likely paid for, also if the
    /// provider had not begun to answer.
    pub(crate) fn break_off(&mut self) {
        self.accepted |= self.sent;
    }

    /// Ends the call and counts it. `reply_bytes` is the size of all that was received: text, reasoning and tool calls.
    pub(crate) fn end(self, reply_bytes: usize, models: &ModelSettings) -> EndedCall {
        let usage = if self.accepted {
            self.usage.or_estimated(self.request_tokens.into(), estimate_tokens(reply_bytes).into())
        } else {
            Usage::default()
        };
        // Zeros that are sent instead of figures say nothing about the cost either.
        let has_counts = self.usage != ReportedUsage::default();
        let is_placeholder = usage.estimated && has_counts && self.usage.is_zero();
        let cost = match self.cost {
            _ if !self.accepted => NanoDollars(0),
            Some(cost) if !(is_placeholder && cost == NanoDollars(0)) => cost,
            Some(_) | None => models.price(&self.model).cost(&usage),
        };
        let response_time_ms = u32::try_from(self.started.elapsed().as_millis()).unwrap_or(u32::MAX);
        EndedCall {
            model: self.model,
            accepted: self.accepted,
            provider: self.provider,
            response: self.response,
            usage,
            cost,
            response_time_ms,
        }
    }
}

/// Returns a provider's failure as clients may see it.
pub(crate) fn failure(error: &ModelError) -> Failure {
    let retry_after = match error.retry() {
        Retry::After(pause) => Some(pause.max(Duration::from_secs(1))),
        Retry::Soon | Retry::Never => None,
    };
    Failure { kind: error.failure(), retry_after }
}

impl EndedCall {
    /// Returns the entry in the ledger; `None` for a request that no provider accepted.
    pub(crate) fn ledger_entry(
        &self,
        purpose: Purpose,
        user: UserId,
        conversation: Option<ConversationId>,
        turn: Option<TurnId>,
        at: Timestamp,
    ) -> Option<LedgerEntry> {
        self.accepted.then(|| LedgerEntry {
            user,
            conversation,
            turn,
            purpose,
            provider: self.provider.to_owned(),
            model: self.model.clone(),
            usage: self.usage,
            cost: self.cost,
            at,
        })
    }
}
