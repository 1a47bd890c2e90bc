//! Messages: a tree of parts, read along its active path.

use std::sync::Arc;

use crate::usage::estimate_tokens;
use crate::{ConversationId, JsonText, MessageId, MessageNumber, ModelName, Seq, Timestamp, TurnId, Usage};

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The operator or the application.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
    /// A tool that the model called.
    Tool,
}

impl Role {
    /// The name on every wire and in both stores.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
        }
    }

    /// Reads a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "system" => Some(Self::System),
            "user" => Some(Self::User),
            "assistant" => Some(Self::Assistant),
            "tool" => Some(Self::Tool),
            _ => None,
        }
    }
}

/// A piece of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text.
    Text(String),
    /// An image by its URL: `https:` or `data:`. Never fetched by us.
    Image {
        /// The URL as the client gave it.
        url: String,
    },
    /// A file by what it says.
    File {
        /// The name that the client gave it.
        name: String,
        /// The text in it.
        text: String,
    },
    /// The model calls a tool.
    ToolCall {
        /// The provider's key of the call.
        call: String,
        /// The tool's name.
        name: String,
        /// The arguments, as the model wrote them.
        arguments: JsonText,
    },
    /// What a tool answered.
    ToolResult {
        /// The key of the call that it answers.
        call: String,
        /// The answer.
        output: String,
    },
    /// The model declines, in its own words.
    Refusal(String),
    /// The model thinks aloud; never shown as the answer.
    Reasoning(String),
}

impl Part {
    /// The size in bytes of what the part says.
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

/// How a reply ended. Questions are always `Completed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MessageState {
    /// It is whole.
    #[default]
    Completed,
    /// The provider failed in the middle of it.
    Failed,
    /// Its reader stopped it.
    Stopped,
    /// The process that wrote it ended.
    Interrupted,
}

impl MessageState {
    /// The name in answers and in both stores.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::Interrupted => "interrupted",
        }
    }

    /// Reads a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "completed" => Some(Self::Completed),
            "failed" => Some(Self::Failed),
            "stopped" => Some(Self::Stopped),
            "interrupted" => Some(Self::Interrupted),
            _ => None,
        }
    }
}

/// A message as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id in every contract.
    pub id: MessageId,
    /// Its number in contracts with integer ids.
    pub number: MessageNumber,
    /// Where it stands.
    pub conversation: ConversationId,
    /// Its place there.
    pub seq: Seq,
    /// The message it follows in the tree.
    pub parent: Option<Seq>,
    /// The turn it came with.
    pub turn: Option<TurnId>,
    /// Who speaks.
    pub role: Role,
    /// What it says.
    pub parts: Vec<Part>,
    /// How it ended.
    pub state: MessageState,
    /// Facts of the model call, for replies.
    pub reply: Option<ReplyFacts>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What is known of the model call behind a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyFacts {
    /// The model as it was asked for.
    pub model: ModelName,
    /// What the call consumed.
    pub usage: Usage,
    /// How long the model call took, in milliseconds.
    pub response_time_ms: u32,
}

/// A message to be appended. The store gives it its number and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// Its id.
    pub id: MessageId,
    /// The author's role.
    pub role: Role,
    /// Its content, shared with the request to the model.
    pub parts: Arc<[Part]>,
}

impl NewMessage {
    /// An estimate of its tokens, for the planner.
    #[must_use]
    pub fn token_count(&self) -> u32 {
        token_count(&self.parts)
    }
}

impl Message {
    /// What a person would read of it.
    #[must_use]
    pub fn text(&self) -> String {
        text_of(&self.parts)
    }
}

/// The readable text of parts: one line end between parts, `[Image]` for an image, nothing of reasoning and tools.
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

/// Tokens that an image counts for in the planner's estimate: a large tile count at `OpenAI`'s high detail.
const IMAGE_TOKENS: u32 = 1_100;

/// An estimate of the tokens that parts will take in a prompt; reasoning is never sent back.
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
