//! The offline model: it needs no key and no network, and always gives the same answer to the same request.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::message::text_of;
use domain::{Delta, FinishReason, ModelRequest, NanoDollars, ReportedUsage, Role};
use futures_util::{StreamExt, stream};
use ports::{LanguageModel, ModelError, ModelEvent, ModelStream};

/// The settings of the demo model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DemoSettings {
    /// The pause before each word except the first.
    pub delay_between_words: Duration,
}

impl Default for DemoSettings {
    fn default() -> Self {
        Self { delay_between_words: Duration::from_millis(20) }
    }
}

/// The provider `demo`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Demo {
    settings: DemoSettings,
}

impl Demo {
    /// Creates a demo model.
    #[must_use]
    pub fn new(settings: DemoSettings) -> Self {
        Self { settings }
    }
}

#[async_trait]
impl LanguageModel for Demo {
    fn provider(&self) -> &'static str {
        "demo"
    }

    async fn stream(&self, request: Arc<ModelRequest>) -> Result<ModelStream, ModelError> {
        let answer = answer(&request);
        let words: Vec<String> = answer.split_inclusive(char::is_whitespace).map(str::to_owned).collect();
        let room = request.options.sampling.max_tokens;
        let room = room.map_or(usize::MAX, |tokens| tokens.get() as usize);
        let reason = if room < words.len() { FinishReason::Length } else { FinishReason::Stop };
        let written = room.min(words.len());
        let usage = ReportedUsage {
            input: Some(word_count(&request)),
            output: Some(written as u64),
            ..ReportedUsage::default()
        };
        let usage = ModelEvent::Usage { usage, cost: Some(NanoDollars(0)) };
        let end = ModelEvent::Finished { response: None, reason };
        let pause = self.settings.delay_between_words;
        let deltas = words.into_iter().take(written).map(|word| ModelEvent::Delta(Delta::Text(word)));
        let events = stream::iter(deltas).enumerate().then(move |(index, event)| async move {
            if index > 0 && !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
            Ok(event)
        });
        Ok(Box::pin(events.chain(stream::iter([Ok(usage), Ok(end)]))))
    }

    async fn check(&self) -> Result<(), ModelError> {
        Ok(())
    }
}

/// Writes the answer to a request.
fn answer(request: &ModelRequest) -> String {
    let position = request.messages.iter().rposition(|message| message.role == Role::User);
    let question = position.and_then(|position| request.messages.get(position));
    let question = question.map(|message| text_of(&message.parts)).unwrap_or_default();
    let earlier = match position.unwrap_or(request.messages.len()) {
        0 => "no earlier message".to_owned(),
        1 => "1 earlier message".to_owned(),
        count => format!("{count} earlier messages"),
    };
    let question = question.trim();
    format!(
        "This is the demo of OmniChat: no model is asked, so this is no real answer. \
         You asked: \"{question}\". I was given {earlier} of this conversation."
    )
}

fn word_count(request: &ModelRequest) -> u64 {
    let words = |text: &str| text.split_whitespace().count() as u64;
    let in_messages: u64 = request.messages.iter().map(|message| words(&text_of(&message.parts))).sum();
    in_messages + request.instructions.as_deref().map_or(0, words)
}

#[cfg(test)]
mod tests {
    use domain::{ModelMessage, ModelName, Part, RequestOptions, Sampling};
    use tokio::time::Instant;

    use super::*;

    fn request(questions: &[&str], max_tokens: Option<u32>) -> Arc<ModelRequest> {
        let message = |(index, text): (usize, &&str)| ModelMessage {
            role: if index % 2 == 0 { Role::User } else { Role::Assistant },
            parts: [Part::Text((*text).to_owned())].into(),
        };
        let sampling = Sampling::new(None, None, max_tokens).unwrap();
        Arc::new(ModelRequest {
            model: ModelName::parse("gpt-4o").unwrap(),
            instructions: Some("Be brief".to_owned()),
            messages: questions.iter().enumerate().map(message).collect(),
            options: Arc::new(RequestOptions { sampling, default_temperature: None }),
        })
    }

    async fn ask(request: Arc<ModelRequest>) -> (Vec<String>, [ModelEvent; 2]) {
        let events = Demo::default().stream(request).await.unwrap();
        let mut events: Vec<ModelEvent> = events.map(Result::unwrap).collect().await;
        let end = events.split_off(events.len() - 2);
        let word = |event| {
            let ModelEvent::Delta(Delta::Text(word)) = event else { panic!("not a word: {event:?}") };
            word
        };
        (events.into_iter().map(word).collect(), end.try_into().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn the_answer_says_that_it_is_no_real_one_and_quotes_the_question() {
        let (words, end) = ask(request(&["Hi", "Hello!", "What is\n2 + 2?"], None)).await;
        assert_eq!(
            words.concat(),
            "This is the demo of OmniChat: no model is asked, so this is no real answer. \
             You asked: \"What is\n2 + 2?\". I was given 2 earlier messages of this conversation."
        );
        let output = Some(words.len() as u64);
        let usage = ReportedUsage { input: Some(9), output, ..ReportedUsage::default() };
        let usage = ModelEvent::Usage { usage, cost: Some(NanoDollars(0)) };
        assert_eq!(end, [usage, ModelEvent::Finished { response: None, reason: FinishReason::Stop }]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_answer_comes_word_by_word_and_is_always_the_same() {
        let before = Instant::now();
        let first = ask(request(&["Hi"], None)).await;
        assert_eq!(before.elapsed().as_millis(), 20 * (first.0.len() as u128 - 1));
        assert_eq!(ask(request(&["Hi"], None)).await, first);
    }

    #[tokio::test(start_paused = true)]
    async fn the_answer_ends_at_the_limit_of_tokens() {
        let (words, end) = ask(request(&["Hi"], Some(3))).await;
        assert_eq!(words.concat(), "This is the ");
        assert!(matches!(end[1], ModelEvent::Finished { reason: FinishReason::Length, .. }));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_without_messages_is_answered() {
        let (words, _) = ask(request(&[], None)).await;
        assert!(words.concat().ends_with("I was given no earlier message of this conversation."));
    }
}
