//! Messages: a tree in each conversation, read along its active path.

use std::sync::Arc;

use uuid::Uuid;

use crate::names::names;
use crate::text::is_blank;
use crate::usage::estimate_tokens;
use crate::{ConversationId, JsonText, MessageId, MessageNumber, ModelName, Seq, Timestamp, TurnId, Usage};

/// The author of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The operator or the application.
    System,
    /// The user.
    User,
    /// The model.
    Assistant,
    /// A tool that the model called.
    Tool,
}

names!(Role: System => "system", User => "user", Assistant => "assistant", Tool => "tool");

/// A part of the content of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text.
    Text(String),
    /// An image, by an `https:` or `data:` URL. The service never fetches it.
    Image {
        /// The URL as the client gave it.
        url: String,
    },
    /// A file, by its text.
    File {
        /// The name that the client gave it.
        name: String,
        /// Its text.
        text: String,
    },
    /// A call of a tool by the model.
    ToolCall {
        /// The id that the provider gave the call.
        call: String,
        /// The name of the tool.
        name: String,
        /// The arguments, as the model wrote them.
        arguments: JsonText,
    },
    /// The result of a tool call.
    ToolResult {
        /// The id of the call.
        call: String,
        /// The output of the tool.
        output: String,
    },
    /// A refusal, in the model's own words.
    Refusal(String),
    /// Reasoning of the model; never shown as the answer.
    Reasoning(String),
}

impl Part {
    /// Returns the text of a part that is text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// Returns the size of the content in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Text(text) | Self::Refusal(text) | Self::Reasoning(text) => text.len(),
            Self::Image { url } => url.len(),
            Self::File { name, text } => name.len() + text.len(),
            Self::ToolCall { call, name, arguments } => call.len() + name.len() + arguments.as_str().len(),
            Self::ToolResult { call, output } => call.len() + output.len(),
        }
    }
}

/// The state of a message. Questions are always `Completed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MessageState {
    /// It is complete.
    #[default]
    Completed,
    /// The provider failed before it was complete.
    Failed,
    /// The user stopped it.
    Stopped,
    /// The process that ran the turn ended.
    Interrupted,
}

names!(
    MessageState:
    Completed => "completed", Failed => "failed", Stopped => "stopped", Interrupted => "interrupted"
);

/// A stored message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The id, the same in every contract.
    pub id: MessageId,
    /// The id in contracts with integer ids.
    pub number: MessageNumber,
    /// The conversation that it belongs to.
    pub conversation: ConversationId,
    /// Its position in the conversation.
    pub seq: Seq,
    /// The position of the message that it follows in the tree.
    pub parent: Option<Seq>,
    /// The turn that appended it.
    pub turn: Option<TurnId>,
    /// The author's role.
    pub role: Role,
    /// The content.
    pub parts: Vec<Part>,
    /// The state.
    pub state: MessageState,
    /// Details of the model call, for replies.
    pub reply: Option<ReplyFacts>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// Details of the model call that wrote a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyFacts {
    /// The model, by the name in the request.
    pub model: ModelName,
    /// The tokens of the call.
    pub usage: Usage,
    /// The duration of the call, in milliseconds.
    pub response_time_ms: u32,
}

/// How a request names a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageKey {
    /// The id.
    Id(MessageId),
    /// The number.
    Number(MessageNumber),
}

impl MessageKey {
    /// Parses any text form of an id: `msg_<32 hex>`, a UUID, or a number. Returns `None` for other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_number = !text.is_empty() && text.len() < 19 && text.bytes().all(|b| b.is_ascii_digit());
        if is_number {
            return text.parse().ok().map(|number| Self::Number(MessageNumber(number)));
        }
        let (hex, lengths) = match text.strip_prefix("msg_") {
            Some(hex) => (hex, &[32][..]),
            None => (text, &[32, 36][..]),
        };
        let id = lengths.contains(&hex.len()).then(|| Uuid::try_parse(hex).ok()).flatten();
        id.map(|id| Self::Id(MessageId(id)))
    }
}

impl From<MessageId> for MessageKey {
    fn from(id: MessageId) -> Self {
        Self::Id(id)
    }
}

impl From<MessageNumber> for MessageKey {
    fn from(number: MessageNumber) -> Self {
        Self::Number(number)
    }
}

/// A message to append. The store assigns its number and its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// The id.
    pub id: MessageId,
    /// The author's role.
    pub role: Role,
    /// The content, shared with the request to the model.
    pub parts: Arc<[Part]>,
}

impl NewMessage {
    /// Estimates the tokens, for the history planner.
    #[must_use]
    pub fn token_count(&self) -> u32 {
        token_count(&self.parts)
    }
}

impl Message {
    /// Returns the readable text, see [`text_of`].
    #[must_use]
    pub fn text(&self) -> String {
        text_of(&self.parts)
    }
}

/// Returns the readable text of parts, one part per line: `[Image]` for an image, the name of a file, nothing of
/// reasoning and tool calls.
#[must_use]
pub fn text_of(parts: &[Part]) -> String {
    let mut pieces: Vec<&str> = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Part::Text(text) | Part::Refusal(text) => pieces.push(text),
            Part::Image { .. } => pieces.push("[Image]"),
            Part::File { name, .. } => pieces.push(name),
            Part::ToolCall { .. } | Part::ToolResult { .. } | Part::Reasoning(_) => {}
        }
    }
    pieces.join("\n")
}

/// Whether parts of a reply answer anything: text or a refusal that is not blank, or a call of a tool. Reasoning answers
/// only if it is shown.
#[must_use]
pub fn has_answer(parts: &[Part], shows_reasoning: bool) -> bool {
    parts.iter().any(|part| match part {
        Part::Text(text) | Part::Refusal(text) => !is_blank(text),
        Part::Reasoning(text) => shows_reasoning && !is_blank(text),
        Part::Image { .. } | Part::File { .. } | Part::ToolCall { .. } | Part::ToolResult { .. } => true,
    })
}

/// The estimated tokens of an image: a large tile count at `OpenAI`'s high detail.
const IMAGE_TOKENS: u32 = 1_100;

/// Estimates the tokens of parts in a request. Reasoning counts 0, because it is never sent back.
#[must_use]
pub fn token_count(parts: &[Part]) -> u32 {
    let tokens = |part: &Part| match part {
        Part::Image { .. } => IMAGE_TOKENS,
        Part::Reasoning(_) => 0,
        Part::Text(_)
        | Part::File { .. }
        | Part::ToolCall { .. }
        | Part::ToolResult { .. }
        | Part::Refusal(_) => estimate_tokens(part.bytes()),
    };
    parts.iter().map(tokens).fold(0, u32::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_named_in_every_form() {
        let id = MessageId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_00ab));
        for form in [id.prefixed(), id.to_string(), id.0.simple().to_string(), id.to_string().to_uppercase()]
        {
            assert_eq!(MessageKey::parse(&form), Some(id.into()), "{form}");
        }
        assert_eq!(MessageKey::parse("12"), Some(MessageNumber(12).into()));
        let others =
            ["", "-1", "1.0", "msg_", "msg_12", "1234567890123456789", "conv_0190", " 1", "msg_msg_1"];
        let hyphenated = format!("msg_{id}");
        for text in others.into_iter().chain([hyphenated.as_str()]) {
            assert_eq!(MessageKey::parse(text), None, "{text}");
        }
    }
}
