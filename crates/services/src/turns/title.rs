//! Makes the title of a conversation, while its first turn runs. A failed title never fails the turn.

mod answer;
mod json;
mod line;
mod thoughts;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use domain::message::text_of;
use domain::{
    ConversationId, FinishReason, ModelMessage, ModelRequest, Part, Purpose, Reply, RequestOptions, Title,
    UserId, chain,
};
use ports::{Begun, ModelError};
use tokio::task::JoinHandle;

use super::Inner;
use super::send::TurnInput;
use crate::model_call::{CallEnd, ModelCall};

/// How long the end of a turn waits for the title.
const WAIT_AT_END: Duration = Duration::from_secs(2);
/// The longest duration of a title call.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// The most bytes that are read of the answer. Thinking models write much before the title.
const ANSWER_BYTES: usize = 64 * 1024;
/// The most characters of the question that the title model is given.
const QUESTION_CHARS: usize = 2_000;
/// The title of a conversation whose first question has no words, such as an image alone (C-25).
const UNTITLED: &str = "New conversation";
const INSTRUCTIONS: &str = "Write a title for a conversation that begins with the following message: two to six \
                            words, no quotation marks, no full stop, in the language of the message. Answer with \
                            the title alone.";

/// A title that is being made.
pub(super) struct TitleCall {
    /// The title if the model writes none; `None` if the conversation has a title already.
    first_words: Option<Title>,
    call: Option<JoinHandle<Option<Title>>>,
}

impl TitleCall {
    /// Returns the model's title if it is ready in time, else the first words.
    pub(super) async fn finish(self) -> Option<Title> {
        let made = match self.call {
            Some(call) => tokio::time::timeout(WAIT_AT_END, call).await.ok().and_then(Result::ok).flatten(),
            None => None,
        };
        made.or(self.first_words)
    }
}

/// Makes a title of the first words of a question.
fn first_words(question: &ModelMessage) -> Option<Title> {
    let words: Vec<&str> = question.parts.iter().filter_map(Part::as_text).collect();
    Title::from_words(&words.join("\n")).or_else(|| Title::parse(UNTITLED).ok())
}

impl Inner {
    /// Starts to make a title if the conversation needs one. A call of a model runs in a task of its own, so that it is
    /// always counted.
    pub(super) fn start_title(self: &Arc<Self>, user: UserId, begun: &Begun, input: &TurnInput) -> TitleCall {
        let conversation = &begun.conversation;
        if conversation.title.is_some() {
            return TitleCall { first_words: None, call: None };
        }
        let question = &input.first_question;
        let first_words = first_words(question);
        let from_model = self.setup.settings.titled_by_model.contains(&conversation.begun_by);
        if !from_model || conversation.message_count > 0 {
            return TitleCall { first_words, call: None };
        }
        let text: String = text_of(&question.parts).chars().take(QUESTION_CHARS).collect();
        let conversation = conversation.id;
        let inner = Arc::clone(self);
        let call = async move {
            inner.title(user, conversation, text).await.unwrap_or_else(|error| {
                tracing::warn!(conversation.id = %conversation, error = %chain(&error), "no title was made for conversation {conversation}");
                None
            })
        };
        TitleCall { first_words, call: Some(self.setup.tasks.spawn(call)) }
    }

    async fn title(
        &self,
        user: UserId,
        conversation: ConversationId,
        question: String,
    ) -> Result<Option<Title>, ModelError> {
        let request = ModelRequest {
            model: self.setup.settings.title_model.clone(),
            instructions: Some(INSTRUCTIONS.to_owned()),
            messages: vec![ModelMessage::from_user(vec![Part::Text(question)])],
            options: Arc::new(RequestOptions::default()),
        };
        let mut answer = Reply::default();
        let mut call = ModelCall::new(self.setup.model.provider(), &request);
        let running = call.run(self.setup.model.as_ref(), request, |deltas| {
            for delta in deltas {
                answer.push(delta);
            }
            if answer.bytes() > ANSWER_BYTES { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let ended = tokio::time::timeout(CALL_TIMEOUT, running).await.unwrap_or(Err(ModelError::TimedOut));
        let call = call.end(answer.bytes(), &self.setup.settings.models);
        let now = self.setup.clock.now();
        if let Some(entry) = call.ledger_entry(Purpose::Title, user, Some(conversation), None, now)
            && let Err(error) = self.setup.ledger.append(entry).await
        {
            tracing::error!(conversation.id = %conversation, error = %chain(&error), "a title call of conversation {conversation} is missing in the ledger");
        }
        Ok(match ended? {
            // The answer is not whole, so it may end before the title or within it.
            CallEnd::CutOff | CallEnd::Finished(FinishReason::Length | FinishReason::ContentFilter) => None,
            CallEnd::Finished(FinishReason::Stop | FinishReason::ToolCalls | FinishReason::Other(_)) => {
                // Without refusals, which are no titles.
                let texts: Vec<&str> = answer.parts().iter().filter_map(Part::as_text).collect();
                answer::title(&texts.concat())
            }
        })
    }
}
