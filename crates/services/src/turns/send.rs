//! Sends a message: the caller gets a running turn, or a refusal that kept nothing.

use std::sync::Arc;

use domain::{
    Caller, Contract, Conversation, ConversationKey, EndState, Ending, ModelMessage, ModelName, NewMessage,
    Reply, RequestOptions, ResponseId, TurnId,
};
use ports::{AppendedMessage, Begin, Begun, Branch, Target, Window};
use tokio::sync::oneshot;

use super::log::Listener;
use super::title::TitlePolicy;
use super::{Inner, SendError, TurnFailure, Turns};
use crate::NewConversationRequest;

/// A message to send, with what its contract decides about the turn.
#[derive(Debug, Clone, PartialEq)]
pub struct SendMessage {
    /// The conversation.
    pub target: SendTarget,
    /// The contract that the request came in by.
    pub contract: Contract,
    /// The messages to append; the last one is the question.
    pub messages: Vec<ModelMessage>,
    /// Where they branch off; `None` appends them.
    pub branch: Option<Branch>,
    /// The model for this turn only.
    pub model: Option<ModelName>,
    /// The model where neither the conversation nor this turn names one (C-17).
    pub default_model: ModelName,
    /// Becomes the conversation's own model where it has none.
    pub own_model: Option<ModelName>,
    /// What the model is told for this turn only; not stored.
    pub instructions: Option<String>,
    /// How the model is to write, this turn only.
    pub options: Arc<RequestOptions>,
    /// At most so many messages of history; `None` is all that fit.
    pub history_limit: Option<usize>,
    /// Where the title of a conversation without one comes from.
    pub title: TitlePolicy,
}

impl SendMessage {
    /// A plain message: the contract's default model, no instructions, the first words as the title.
    #[must_use]
    pub fn plain(
        target: SendTarget,
        contract: Contract,
        default_model: ModelName,
        question: ModelMessage,
    ) -> Self {
        Self {
            target,
            contract,
            messages: vec![question],
            branch: None,
            model: None,
            default_model,
            own_model: None,
            instructions: None,
            options: Arc::default(),
            history_limit: None,
            title: TitlePolicy::FirstWords,
        }
    }
}

/// Where a message goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendTarget {
    /// To a conversation that exists.
    Existing(ConversationKey),
    /// To one that exists and has a persona; without one it counts as absent.
    WithPersona(ConversationKey),
    /// To one that is made with it.
    New(Box<NewConversationRequest>),
}

/// A turn that runs. Dropping it stops nothing.
#[derive(Debug)]
pub struct RunningTurn {
    /// The conversation, with the question counted in.
    pub conversation: Conversation,
    /// The question's row.
    pub question: Option<AppendedMessage>,
    /// The model that is asked.
    pub model: ModelName,
    listener: Listener,
}

/// What came of a turn that did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompletedTurn {
    /// The turn.
    pub turn: TurnId,
    /// The question's row.
    pub question: Option<AppendedMessage>,
    /// The model that was asked.
    pub model: ModelName,
    /// The reply: whole, or what there was of it when it was stopped.
    pub reply: Reply,
    /// The provider's id of it, or else one of ours.
    pub response: ResponseId,
    /// How the turn ended.
    pub ending: Ending,
    /// The conversation after it.
    pub conversation: Conversation,
}

impl CompletedTurn {
    /// Whether the reply was stopped before its end.
    #[must_use]
    pub fn stopped(&self) -> bool {
        matches!(self.ending.state, EndState::Stopped)
    }
}

impl RunningTurn {
    /// The turn.
    #[must_use]
    pub fn turn(&self) -> TurnId {
        self.listener.turn()
    }

    /// Waits for the first event, for as long as a streamed answer may; after that the turn is as good as begun.
    ///
    /// # Errors
    /// A turn that fails within that time without a word.
    pub async fn first_event(&mut self, grace: std::time::Duration) -> Result<(), TurnFailure> {
        let _ = tokio::time::timeout(grace, self.listener.begun()).await;
        match self.listener.outcome().and_then(|outcome| outcome.failure()) {
            Some(failure) if self.listener.reply().is_empty() => Err(failure),
            Some(_) | None => Ok(()),
        }
    }

    /// The events, from the first one on.
    #[must_use]
    pub fn into_listener(self) -> Listener {
        self.listener
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// A turn that failed or was interrupted. Its text is kept all the same.
    pub async fn whole(mut self) -> Result<CompletedTurn, TurnFailure> {
        let outcome = self.listener.ended().await.ok_or(TurnFailure::Interrupted)?;
        if let Some(failure) = outcome.failure() {
            return Err(failure);
        }
        let turn = self.listener.turn();
        Ok(CompletedTurn {
            turn,
            question: self.question,
            model: self.model,
            reply: self.listener.reply(),
            response: outcome.response.unwrap_or_else(|| ResponseId::of_turn(turn)),
            ending: outcome.ending,
            conversation: match outcome.change {
                Some(change) => self.conversation.after(change),
                None => self.conversation,
            },
        })
    }
}

impl Turns {
    /// Keeps the message and has the model answer it. The turn runs on whatever becomes of this call.
    ///
    /// # Errors
    /// As [`SendError`] says; then nothing was kept.
    pub async fn send(&self, caller: &Caller, message: SendMessage) -> Result<RunningTurn, SendError> {
        let inner = Arc::clone(&self.inner);
        if inner.tasks.closing().is_cancelled() {
            return Err(SendError::ShuttingDown);
        }
        let (answer, answered) = oneshot::channel();
        let caller = caller.clone();
        self.inner.tasks.spawn(async move { inner.run(caller, message, answer).await });
        // The task answers before it ends, unless it panics.
        answered.await.unwrap_or(Err(SendError::ShuttingDown))
    }
}

/// What the model is to be asked in an open turn.
pub(super) struct Asked {
    pub(super) messages: Vec<ModelMessage>,
    /// The newest messages before them.
    pub(super) window: Window,
    pub(super) instructions: Option<String>,
    pub(super) options: Arc<RequestOptions>,
    pub(super) history_limit: Option<usize>,
    pub(super) contract: Contract,
    pub(super) title: TitlePolicy,
}

impl Inner {
    /// Opens the turn in the store. Its window goes to [`Asked`].
    pub(super) async fn open(
        &self,
        caller: &Caller,
        message: SendMessage,
        turn: TurnId,
    ) -> Result<(Begun, Asked), SendError> {
        let SendMessage {
            target,
            contract,
            messages,
            branch,
            model,
            default_model,
            own_model,
            instructions,
            options,
            history_limit,
            title,
        } = message;
        let named = [model.as_ref(), own_model.as_ref()];
        if named.into_iter().flatten().any(|model| !self.settings.models.allows(model)) {
            return Err(SendError::ModelNotAllowed);
        }
        let append = |message: &ModelMessage| NewMessage {
            id: self.ids.message(),
            role: message.role,
            parts: Arc::clone(&message.parts),
        };
        let opening = Begin {
            caller: caller.user,
            target: self.target(caller, target),
            branch,
            messages: messages.iter().map(append).collect(),
            turn,
            runner: self.runner,
            contract,
            model,
            default_model,
            own_model,
            at: self.clock.now(),
        };
        let mut begun = self.store.begin(opening).await?;
        let window = std::mem::take(&mut begun.window);
        let asked = Asked { messages, window, instructions, options, history_limit, contract, title };
        Ok((begun, asked))
    }

    fn target(&self, caller: &Caller, target: SendTarget) -> Target {
        match target {
            SendTarget::New(request) => {
                let new = request.into_new(caller, self.ids.conversation(), self.clock.now());
                Target::New(Box::new(new))
            }
            SendTarget::Existing(key) => Target::existing(key),
            SendTarget::WithPersona(key) => Target::Existing { key, only_with_persona: true },
        }
    }

    /// A running turn for the caller to listen to.
    pub(super) fn running(begun: &Begun, listener: Listener) -> RunningTurn {
        RunningTurn {
            conversation: begun.conversation.clone(),
            question: begun.appended.last().copied(),
            model: begun.model.clone(),
            listener,
        }
    }
}
