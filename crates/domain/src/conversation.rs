//! Conversations: their owners, ids, titles and totals.

use uuid::Uuid;

use crate::limits::{LABEL_CHARS, TITLE_CHARS, TITLE_WORDS};
use crate::names::text_type;
use crate::text::{self, TextError};
use crate::{
    ConversationId, ConversationNumber, JsonText, ModelName, NanoDollars, PersonaId, Seq, Timestamp, TurnId,
    UserId,
};

/// The contract of a request. It decides defaults, never permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Contract {
    /// S0, the LLM Chat API.
    LlmChat,
    /// S1, the Chat API.
    ChatApi,
    /// S2, the Chat Service API.
    ChatService,
    /// S3, the `ChatAI` API.
    ChatAi,
    /// S4, the Persona Chat API.
    PersonaChat,
    /// The API of `OpenAI`.
    OpenAi,
}

impl Contract {
    /// All contracts.
    pub const ALL: [Self; 6] =
        [Self::LlmChat, Self::ChatApi, Self::ChatService, Self::ChatAi, Self::PersonaChat, Self::OpenAi];

    /// Whether its replies show the model's reasoning. If not, a reply of reasoning alone is an empty one.
    #[must_use]
    pub const fn shows_reasoning(self) -> bool {
        match self {
            Self::LlmChat | Self::ChatApi | Self::ChatService | Self::ChatAi | Self::PersonaChat => false,
            Self::OpenAi => true,
        }
    }
}

/// A conversation, without its messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// The id, the same in every contract.
    pub id: ConversationId,
    /// The id in contracts with integer ids.
    pub number: ConversationNumber,
    /// The user that it belongs to.
    pub owner: UserId,
    /// The caller's own label (`user_id` in contract S0).
    pub label: Label,
    /// The project, if any (contract S2).
    pub project: Option<ProjectId>,
    /// The persona of the conversation, if any (contract S4).
    pub persona: Option<PersonaId>,
    /// The contract that created it.
    pub begun_by: Contract,
    /// Where its messages are stored; never changes.
    pub home: HistoryLocation,
    /// The title; `None` until a caller or a turn sets one.
    pub title: Option<Title>,
    /// The conversation's own model, if one was chosen (contract S1 only).
    pub model: Option<ModelName>,
    /// The model of the last reply.
    pub last_model: Option<ModelName>,
    /// A JSON object that the caller may set.
    pub metadata: JsonText,
    /// A summary of older messages, if one was made.
    pub summary: Option<Summary>,
    /// The application that created it (contract S1).
    pub application: Option<i64>,
    /// Whether it is active; an archived conversation is not (contract S4).
    pub active: bool,
    /// The number of exchanges: questions that have a reply.
    pub message_count: u32,
    /// The tokens and the cost of all its turns.
    pub totals: Totals,
    /// The position of the last message that was ever appended; 0 before the first one.
    pub last_seq: Seq,
    /// The running turn, if any.
    pub running: Option<TurnId>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// The fields of a conversation that may have changed during a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationChange {
    /// The title, which an edit or the turn may have set.
    pub title: Option<Title>,
    /// The persona, which an edit may have changed.
    pub persona: Option<PersonaId>,
    /// The model of the last reply.
    pub last_model: Option<ModelName>,
    /// The number of exchanges: questions that have a reply.
    pub message_count: u32,
    /// The tokens and the cost of all its turns.
    pub totals: Totals,
    /// The position of the last message that was ever appended.
    pub last_seq: Seq,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Conversation {
    /// Returns the conversation as it is after a turn.
    #[must_use]
    pub fn after(self, change: ConversationChange) -> Self {
        let ConversationChange { title, persona, last_model, message_count, totals, last_seq, updated_at } =
            change;
        Self {
            title,
            persona,
            last_model,
            message_count,
            totals,
            last_seq,
            running: None,
            updated_at,
            ..self
        }
    }
}

/// Where the messages of a conversation are stored.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum HistoryLocation {
    /// In our own store.
    Local,
    /// At `OpenAI`, under this id of its Conversations API.
    OpenAi(String),
}

/// A summary of the oldest exchanges of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The text.
    pub text: String,
    /// The number of exchanges that it covers.
    pub message_count: u32,
    /// When it was made.
    pub updated_at: Timestamp,
}

/// The tokens and the cost of the turns of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Input tokens.
    pub input: u64,
    /// Output tokens.
    pub output: u64,
    /// The cost.
    pub cost: NanoDollars,
}

/// A conversation to create. The store assigns its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewConversation {
    /// The id.
    pub id: ConversationId,
    /// The user that it belongs to.
    pub owner: UserId,
    /// The caller's own label.
    pub label: Label,
    /// The project, if any.
    pub project: Option<ProjectId>,
    /// The persona, if any.
    pub persona: Option<PersonaId>,
    /// The contract that creates it.
    pub begun_by: Contract,
    /// Where its messages will be stored.
    pub home: HistoryLocation,
    /// The title, if the caller gave one.
    pub title: Option<Title>,
    /// The conversation's own model, if one was chosen.
    pub model: Option<ModelName>,
    /// A JSON object that the caller may set.
    pub metadata: JsonText,
    /// The application that creates it, if any.
    pub application: Option<i64>,
    /// The time of creation.
    pub at: Timestamp,
}

/// Changes to a conversation; fields that are `None` stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConversationPatch {
    /// A new title.
    pub title: Option<Title>,
    /// Keys to set in the metadata; other keys stay.
    pub metadata: Option<JsonText>,
    /// A new model for the conversation.
    pub model: Option<ModelName>,
    /// A new persona.
    pub persona: Option<PersonaId>,
}

/// The id of a conversation as a client writes it. Every contract accepts every form.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ConversationKey {
    /// `conv_<32 hex>` or a UUID.
    Id(ConversationId),
    /// A number.
    Number(ConversationNumber),
    /// An id that the provider assigned, `conv_…`.
    Provider(String),
}

impl ConversationKey {
    /// Parses any text form of an id. Returns `None` for text that cannot be an id.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_number = !text.is_empty() && text.len() < 19 && text.bytes().all(|b| b.is_ascii_digit());
        if is_number {
            return text.parse().ok().map(|number| Self::Number(ConversationNumber(number)));
        }
        if let Some(rest) = text.strip_prefix("conv_") {
            if rest.len() == 32
                && let Ok(id) = Uuid::try_parse(rest)
            {
                return Some(Self::Id(ConversationId(id)));
            }
            let well_formed = !rest.is_empty()
                && text.len() <= LABEL_CHARS
                && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
            return well_formed.then(|| Self::Provider(text.to_owned()));
        }
        (text.len() == 36 || text.len() == 32)
            .then(|| Uuid::try_parse(text).ok())
            .flatten()
            .map(|id| Self::Id(ConversationId(id)))
    }
}

impl From<ConversationId> for ConversationKey {
    fn from(id: ConversationId) -> Self {
        Self::Id(id)
    }
}

impl From<ConversationNumber> for ConversationKey {
    fn from(number: ConversationNumber) -> Self {
        Self::Number(number)
    }
}

/// A title: not blank, one line, at most 500 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Title(String);

impl Title {
    /// Parses a title; line breaks and tabs become spaces.
    pub fn parse(raw: &str) -> Result<Self, TextError> {
        Self::parse_within(raw, TITLE_CHARS)
    }

    /// Like [`Title::parse`], for contracts with a tighter limit.
    pub fn parse_within(raw: &str, max_chars: usize) -> Result<Self, TextError> {
        let text = text::clean(raw, max_chars.min(TITLE_CHARS))?;
        Ok(Self(text.trim().replace("\r\n", " ").replace(['\n', '\r', '\t'], " ")))
    }

    /// Makes a title of the first five words of a question. Returns `None` if there are none.
    #[must_use]
    pub fn from_words(question: &str) -> Option<Self> {
        let words: Vec<&str> = question.split_whitespace().take(TITLE_WORDS).collect();
        let title: String = words.join(" ").chars().take(TITLE_CHARS).collect();
        (!title.is_empty()).then_some(Self(title))
    }
}

macro_rules! short_text {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub struct $name(String);

        impl $name {
            /// Parses a text that is not blank and has at most 255 characters.
            pub fn parse(raw: &str) -> Result<Self, TextError> {
                text::clean(raw, LABEL_CHARS).map(Self)
            }
        }
    };
}

short_text! {
    /// A caller's own label for a conversation. It never identifies a user (C-6).
    Label
}
short_text! {
    /// A caller's own name for a project.
    ProjectId
}

text_type!(Title, Label, ProjectId);

impl Label {
    /// Returns the label of a conversation that was given none: the number of its owner.
    #[must_use]
    pub fn of_owner(owner: UserId) -> Self {
        Self(owner.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_an_id_is_parsed() {
        let id = ConversationId(Uuid::from_u128(0x0193_4a5b_6c7d_7e8f_9012_3456_789a_bcde));
        for form in [id.prefixed(), id.to_string(), id.0.simple().to_string()] {
            assert_eq!(ConversationKey::parse(&form), Some(ConversationKey::Id(id)), "{form}");
        }
        assert_eq!(ConversationKey::parse("12"), Some(ConversationNumber(12).into()));
        assert_eq!(
            ConversationKey::parse("conv_68a1"),
            Some(ConversationKey::Provider("conv_68a1".to_owned()))
        );
    }

    #[test]
    fn text_that_cannot_be_an_id_is_none() {
        for text in ["", "conv_", "conv_a b", "-1", "99999999999999999999", "xyz", "../1", "conv_%00"] {
            assert_eq!(ConversationKey::parse(text), None, "{text}");
        }
    }

    #[test]
    fn first_words_make_a_title() {
        let title = Title::from_words("  What is\nthe airspeed velocity of a swallow? ");
        assert_eq!(title.as_ref().map(Title::as_str), Some("What is the airspeed velocity"));
        assert_eq!(Title::from_words(" \n"), None);
    }
}
