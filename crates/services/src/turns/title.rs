//! Has a model make a conversation's title, beside the answer. A failed title never fails the turn.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use domain::message::text_of;
use domain::{
    ConversationId, ModelMessage, ModelRequest, Part, Purpose, Reply, RequestOptions, Title, UserId, chain,
};
use ports::{Begun, ModelError};
use tokio::task::JoinHandle;

use super::Inner;
use super::send::Asked;
use crate::model_call::{CallPurpose, ModelCall};

/// How long a title is waited for past the end of the answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a title may take in all.
const LONGEST: Duration = Duration::from_secs(30);
/// The most that is read of a title.
const TITLE_BYTES: usize = 4_000;
/// The most of a question that a title is made of, in characters.
const QUESTION_CHARS: usize = 2_000;
/// The title of a conversation that begins without words, as with an image alone (C-25).
const UNTITLED: &str = "New conversation";
const INSTRUCTIONS: &str = "Write a title for a conversation that begins with the following message: two to six \
                            words, no quotation marks, no full stop, in the language of the message. Answer with \
                            the title alone.";

/// Where the title of a conversation without one comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TitlePolicy {
    /// From the first words of the question.
    FirstWords,
    /// From a model, once, in a conversation that the same contract began; otherwise from the first words.
    Model,
}

/// A title on its way.
pub(super) struct TitleCall {
    /// The title of every conversation that no model titles; none where there is a title.
    first_words: Option<Title>,
    call: Option<JoinHandle<Option<Title>>>,
}

impl TitleCall {
    /// The model's title, if it comes in time, else the first words.
    pub(super) async fn in_time(self) -> Option<Title> {
        let made = match self.call {
            Some(call) => tokio::time::timeout(PATIENCE, call).await.ok().and_then(Result::ok).flatten(),
            None => None,
        };
        made.or(self.first_words)
    }
}

/// The first words of a question.
fn first_words(question: &ModelMessage) -> Option<Title> {
    let words: Vec<&str> = question
        .parts
        .iter()
        .filter_map(|part| if let Part::Text(text) = part { Some(text.as_str()) } else { None })
        .collect();
    Title::from_words(&words.join("\n")).or_else(|| Title::parse(UNTITLED).ok())
}

impl Inner {
    /// Asks for a title where one is due. The call runs to its end by itself, so that it is always counted.
    pub(super) fn ask_for_title(self: &Arc<Self>, user: UserId, begun: &Begun, asked: &Asked) -> TitleCall {
        let conversation = &begun.conversation;
        let (None, Some(question)) = (&conversation.title, asked.messages.last()) else {
            return TitleCall { first_words: None, call: None };
        };
        let first_words = first_words(question);
        let from_model = match asked.title {
            TitlePolicy::FirstWords => false,
            TitlePolicy::Model => conversation.begun_by == asked.contract && conversation.message_count == 0,
        };
        if !from_model {
            return TitleCall { first_words, call: None };
        }
        let text: String = text_of(&question.parts).chars().take(QUESTION_CHARS).collect();
        let conversation = conversation.id;
        let inner = Arc::clone(self);
        let call = async move {
            inner.title(user, conversation, text).await.unwrap_or_else(|error| {
                tracing::warn!(conversation.id = %conversation, error = %chain(&error), "no title was made");
                None
            })
        };
        TitleCall { first_words, call: Some(self.tasks.spawn(call)) }
    }

    async fn title(
        &self,
        user: UserId,
        conversation: ConversationId,
        question: String,
    ) -> Result<Option<Title>, ModelError> {
        let request = ModelRequest {
            model: self.settings.title_model.clone(),
            instructions: Some(INSTRUCTIONS.to_owned()),
            messages: vec![ModelMessage::from_user(vec![Part::Text(question)])],
            options: Arc::new(RequestOptions::default()),
        };
        let mut said = Reply::default();
        let mut call = ModelCall::new(self.model.provider(), &request);
        let running = call.run(self.model.as_ref(), request, |deltas| {
            for delta in deltas {
                said.push(delta);
            }
            if said.bytes() > TITLE_BYTES { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let ended = tokio::time::timeout(LONGEST, running).await.unwrap_or(Err(ModelError::TimedOut));
        let call = call.end(said.bytes(), &self.settings.models);
        let made_for =
            CallPurpose { user, conversation: Some(conversation), turn: None, purpose: Purpose::Title };
        if let Some(entry) = call.ledger_entry(made_for, self.clock.now())
            && let Err(error) = self.ledger.append(entry).await
        {
            tracing::error!(conversation.id = %conversation, error = %chain(&error), "a title call is missing in the ledger");
        }
        ended.map(|_| tidy(&said.text()))
    }
}

/// A model's title on one line, without the quotation marks that models like.
fn tidy(raw: &str) -> Option<Title> {
    let line = raw.trim().lines().next()?.trim();
    let bare = line.trim_matches(|c: char| "\"'“”„«»`*#".contains(c)).trim();
    let cut: String = bare.chars().take(domain::limits::TITLE_CHARS).collect();
    Title::parse(&cut).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_lose_their_quotation_marks() {
        let title = tidy("  \"Friendly Greeting\"\nMore words").unwrap();
        assert_eq!(title.as_str(), "Friendly Greeting");
        assert_eq!(tidy("\n\" \""), None);
    }
}
