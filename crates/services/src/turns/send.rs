//! Sends a message. The caller gets a running turn, or an error ([`SendError`]).

use std::sync::Arc;

use domain::{
    Caller, Contract, Conversation, ConversationKey, Ending, ModelMessage, ModelName, NewMessage, Reply,
    RequestOptions, ResponseId, Role, TurnId,
};
use ports::{AppendedMessage, Begin, Begun, Target, Window};
use tokio::sync::oneshot;

use super::log::Listener;
use super::transcript::Placed;
use super::{Inner, SendError, TurnFailure, Turns};
use crate::NewConversationRequest;

/// A message to send, with the settings that its contract decides.
#[derive(Debug, Clone, PartialEq)]
pub struct SendMessage {
    /// The conversation.
    pub target: SendTarget,
    /// The contract of the request.
    pub contract: Contract,
    /// Messages to append before the question, oldest first.
    pub earlier: Vec<ModelMessage>,
    /// The question.
    pub question: ModelMessage,
    /// Whether messages that are stored already may be among these (C-19). They are found, and not stored again.
    pub may_repeat: bool,
    /// The model for this turn only, if any.
    pub model: Option<ModelName>,
    /// The model if neither the turn nor the conversation has one (C-17).
    pub default_model: ModelName,
    /// Becomes the conversation's own model if it has none.
    pub own_model: Option<ModelName>,
    /// Instructions for this turn only, if any. They are not stored.
    pub instructions: Option<String>,
    /// The options of the model for this turn only.
    pub options: Arc<RequestOptions>,
    /// The most messages of history in the request; `None` means all that fit.
    pub history_limit: Option<usize>,
}

impl SendMessage {
    /// Makes a message with default settings: the default model, no instructions.
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
            earlier: Vec::new(),
            question,
            may_repeat: false,
            model: None,
            default_model,
            own_model: None,
            instructions: None,
            options: Arc::default(),
            history_limit: None,
        }
    }
}

/// The conversation that a message is sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendTarget {
    /// An existing conversation.
    Existing(ConversationKey),
    /// An existing conversation with a persona. Without one it counts as absent.
    WithPersona(ConversationKey),
    /// A new conversation, which is created with the message.
    New(Box<NewConversationRequest>),
}

/// A running turn. Dropping it does not stop the turn.
#[derive(Debug)]
pub struct RunningTurn {
    /// The conversation, including the question.
    pub conversation: Conversation,
    /// The stored question.
    pub question: Option<AppendedMessage>,
    /// The model of the turn.
    pub model: ModelName,
    contract: Contract,
    listener: Listener,
}

/// A turn that ended without a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompletedTurn {
    /// The turn.
    pub turn: TurnId,
    /// The stored question.
    pub question: Option<AppendedMessage>,
    /// The model of the turn.
    pub model: ModelName,
    /// The reply: complete, or the part before the turn was stopped.
    pub reply: Reply,
    /// The provider's id of the response, else one of ours.
    pub response: ResponseId,
    /// How the turn ended.
    pub ending: Ending,
    /// The conversation after the turn.
    pub conversation: Conversation,
}

impl RunningTurn {
    /// Returns the turn.
    #[must_use]
    pub fn turn(&self) -> TurnId {
        self.listener.turn()
    }

    /// Waits up to `grace` for the first event that the contract shows. After that time the turn counts as begun.
    ///
    /// # Errors
    /// If the turn fails within that time, and there is nothing to show of its reply.
    pub async fn first_event(&mut self, grace: std::time::Duration) -> Result<(), TurnFailure> {
        let shows_reasoning = self.contract.shows_reasoning();
        let _ = tokio::time::timeout(grace, self.listener.begun(shows_reasoning)).await;
        match self.listener.outcome().and_then(|outcome| outcome.failure()) {
            Some(failure) if !self.listener.has_answer(shows_reasoning) => Err(failure),
            Some(_) | None => Ok(()),
        }
    }

    /// Returns a listener to all events of the turn.
    #[must_use]
    pub fn into_listener(self) -> Listener {
        self.listener
    }

    /// Waits until the turn has ended.
    ///
    /// # Errors
    /// If the turn failed or was interrupted. Its text is stored all the same.
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
    /// Stores the message and starts a turn that answers it. The turn continues if this call is cancelled.
    ///
    /// # Errors
    /// See [`SendError`].
    pub async fn send(&self, caller: &Caller, message: SendMessage) -> Result<RunningTurn, SendError> {
        let inner = Arc::clone(&self.inner);
        if inner.setup.tasks.closing().is_cancelled() {
            return Err(SendError::ShuttingDown);
        }
        let (answer, answered) = oneshot::channel();
        let caller = caller.clone();
        self.inner.setup.tasks.spawn(async move { inner.run(caller, message, answer).await });
        // The task answers before it ends, unless it panics.
        answered.await.unwrap_or(Err(SendError::ShuttingDown))
    }
}

/// The input of a turn that has begun, for its request to the model.
pub(super) struct TurnInput {
    /// The contract of the request. It decides what of the reply is shown.
    pub(super) contract: Contract,
    /// The first question of the request, for the title.
    pub(super) first_question: ModelMessage,
    /// The messages that were appended before the question.
    pub(super) earlier: Vec<ModelMessage>,
    pub(super) question: ModelMessage,
    /// The newest messages before all of these.
    pub(super) window: Window,
    pub(super) instructions: Option<String>,
    pub(super) options: Arc<RequestOptions>,
    pub(super) history_limit: Option<usize>,
}

impl Inner {
    /// Begins the turn in the store. Its window is moved to [`TurnInput`].
    pub(super) async fn begin(
        &self,
        caller: &Caller,
        message: SendMessage,
        turn: TurnId,
    ) -> Result<(Begun, TurnInput), SendError> {
        let named = [message.model.as_ref(), message.own_model.as_ref()];
        if named.into_iter().flatten().any(|model| !self.setup.settings.models.offers(model)) {
            return Err(SendError::ModelNotAllowed);
        }
        let (mut begun, placed) = match self.begin_once(caller, &message, turn).await {
            // The conversation has changed since it was read.
            Err(SendError::Moved) => self.begin_once(caller, &message, turn).await?,
            result => result?,
        };
        let SendMessage { contract, earlier, question, instructions, options, history_limit, .. } = message;
        let first_question = earlier.into_iter().find(|message| message.role == Role::User);
        let input = TurnInput {
            contract,
            first_question: first_question.unwrap_or(question),
            earlier: placed.earlier,
            question: placed.question,
            window: std::mem::take(&mut begun.window),
            instructions,
            options,
            history_limit,
        };
        Ok((begun, input))
    }

    async fn begin_once(
        &self,
        caller: &Caller,
        message: &SendMessage,
        turn: TurnId,
    ) -> Result<(Begun, Placed), SendError> {
        let placed = self.place(caller.user, message).await?;
        let append = |message: &ModelMessage| NewMessage {
            id: self.setup.ids.message(),
            role: message.role,
            parts: Arc::clone(&message.parts),
        };
        let command = Begin {
            caller: caller.user,
            target: self.target(caller, message.target.clone()),
            branch: placed.branch,
            messages: placed.new_messages().map(append).collect(),
            turn,
            runner: self.runner,
            contract: message.contract,
            model: message.model.clone(),
            default_model: message.default_model.clone(),
            own_model: message.own_model.clone(),
            at: self.setup.clock.now(),
        };
        Ok((self.setup.turns.begin(command).await?, placed))
    }

    fn target(&self, caller: &Caller, target: SendTarget) -> Target {
        match target {
            SendTarget::New(request) => {
                let new = request.into_new(caller, self.setup.ids.conversation(), self.setup.clock.now());
                Target::New(Box::new(new))
            }
            SendTarget::Existing(key) => Target::existing(key),
            SendTarget::WithPersona(key) => Target::Existing { key, only_with_persona: true },
        }
    }

    /// Returns the running turn for the caller.
    pub(super) fn running(begun: &Begun, contract: Contract, listener: Listener) -> RunningTurn {
        RunningTurn {
            conversation: begun.conversation.clone(),
            question: begun.appended.last().copied(),
            model: begun.model.clone(),
            contract,
            listener,
        }
    }
}
