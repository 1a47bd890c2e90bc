//! Has a model make a conversation's title, beside the answer. A failed title never fails the turn.

use std::sync::Arc;
use std::time::Duration;

use domain::message::{text_of, token_count};
use domain::usage::estimate_tokens;
use domain::{
    Contract, Conversation, ConversationId, LedgerEntry, Part, Prompt, PromptMessage, Purpose, Role,
    Sampling, Title, Usage, UserId, chain,
};
use futures_util::StreamExt;
use ports::{ModelError, ModelEvent};
use tokio::task::JoinHandle;

use super::Inner;
use super::send::{Opened, SendMessage};

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

/// A title on its way.
pub(super) struct TitleCall(Option<JoinHandle<Option<Title>>>);

impl TitleCall {
    /// The title, if it comes in time.
    pub(super) async fn in_time(self) -> Option<Title> {
        tokio::time::timeout(PATIENCE, self.0?).await.ok()?.ok()?
    }
}

/// The first words of the first question: the title of every conversation that no model titles.
pub(super) fn first_words(opened: &Opened, message: &SendMessage) -> Option<Title> {
    if opened.begun.conversation.title.is_some() {
        return None;
    }
    let question = message.messages.last()?;
    let words: Vec<Part> =
        question.parts.iter().filter(|part| matches!(part, Part::Text(_))).cloned().collect();
    Title::from_words(&text_of(&words)).or_else(|| Title::parse(UNTITLED).ok())
}

/// A model titles a conversation that S0 began without a title, once.
fn wants_model(conversation: &Conversation) -> bool {
    conversation.begun_by == Contract::LlmChat
        && conversation.title.is_none()
        && conversation.message_count == 0
}

impl Inner {
    /// Asks for a title where one is due. The call runs to its end by itself, so that it is always counted.
    pub(super) fn ask_for_title(
        self: &Arc<Self>,
        user: UserId,
        opened: &Opened,
        message: &SendMessage,
    ) -> TitleCall {
        if !wants_model(&opened.begun.conversation) {
            return TitleCall(None);
        }
        let Some(question) = message.messages.last() else { return TitleCall(None) };
        let text: String = text_of(&question.parts).chars().take(QUESTION_CHARS).collect();
        let conversation = opened.begun.conversation.id;
        let inner = Arc::clone(self);
        let call = async move {
            let title = tokio::time::timeout(LONGEST, inner.title(user, conversation, text)).await;
            title.unwrap_or(Err(ModelError::TimedOut)).unwrap_or_else(|error| {
                tracing::warn!(conversation.id = %conversation, error = %chain(&error), "no title was made");
                None
            })
        };
        TitleCall(Some(self.tasks.spawn(call)))
    }

    async fn title(
        &self,
        user: UserId,
        conversation: ConversationId,
        question: String,
    ) -> Result<Option<Title>, ModelError> {
        let messages = vec![PromptMessage { role: Role::User, parts: vec![Part::Text(question)] }];
        let prompt_tokens = estimate_tokens(INSTRUCTIONS.len()) + token_count_of(&messages);
        let model = self.settings.defaults.title.clone();
        let prompt = Prompt {
            model: model.clone(),
            instructions: Some(INSTRUCTIONS.to_owned()),
            messages,
            sampling: Sampling::default(),
        };
        let mut events = self.model.stream(prompt).await?;
        let mut text = domain::Reply::default();
        let mut provider = self.model.provider();
        let mut reported = (None, None);
        let mut failure = None;
        while let Some(event) = events.next().await {
            match event {
                Ok(ModelEvent::Delta(delta)) => text.push(delta),
                Ok(ModelEvent::ServedBy(other)) => provider = other,
                Ok(ModelEvent::Finished { usage, cost, .. }) => reported = (usage, cost),
                Err(error) => failure = Some(error),
            }
            if failure.is_some() || text.bytes() > TITLE_BYTES {
                break;
            }
        }
        let usage = reported.0.unwrap_or(Usage {
            input: u64::from(prompt_tokens),
            output: u64::from(estimate_tokens(text.bytes())),
            estimated: true,
            ..Usage::default()
        });
        let cost = reported.1.unwrap_or_else(|| self.settings.models.price(&model).cost(&usage));
        let entry = LedgerEntry {
            user,
            conversation: Some(conversation),
            turn: None,
            purpose: Purpose::Title,
            provider: provider.to_owned(),
            model,
            usage,
            cost,
            at: self.clock.now(),
        };
        if let Err(error) = self.ledger.append(entry).await {
            tracing::error!(conversation.id = %conversation, error = %chain(&error), "a title call is missing in the ledger");
        }
        failure.map_or(Ok(tidy(&text.text())), Err)
    }
}

fn token_count_of(messages: &[PromptMessage]) -> u32 {
    messages.iter().map(|message| token_count(&message.parts)).sum()
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
