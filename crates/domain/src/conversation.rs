//! Conversations: whose they are, how they are named, what they add up to.

use std::fmt;

use uuid::Uuid;

use crate::limits::{LABEL_CHARS, TITLE_CHARS, TITLE_WORDS};
use crate::text::{self, TextError};
use crate::{
    ConversationId, ConversationNumber, JsonText, ModelName, NanoDollars, PersonaId, Seq, Timestamp, TurnId,
    UserId,
};

/// The contract a request came in by. It decides defaults, never rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Contract {
    /// S0, the LLM Chat API.
    LlmChat,
    /// S1, the Chat API.
    ChatApi,
    /// S2, the Chat Service.
    ChatService,
    /// S3, the `ChatAI` API.
    ChatAi,
    /// S4, the Persona Chat.
    PersonaChat,
    /// The API of `OpenAI`.
    OpenAi,
}

/// A conversation, without its messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// Its id in every contract.
    pub id: ConversationId,
    /// Its number in contracts with integer ids.
    pub number: ConversationNumber,
    /// Whose it is.
    pub owner: UserId,
    /// The caller's own label for it (contract S0 calls it `user_id`).
    pub label: Label,
    /// The project it belongs to (contract S2).
    pub project: Option<ProjectId>,
    /// Whom it is held with (contract S4).
    pub persona: Option<PersonaId>,
    /// The contract that began it.
    pub begun_by: Contract,
    /// Where its messages live; never changes.
    pub home: HistoryLocation,
    /// `None` until somebody or something names it.
    pub title: Option<Title>,
    /// The conversation's own model (set by contract S1 only).
    pub model: Option<ModelName>,
    /// The model of its last reply.
    pub last_model: Option<ModelName>,
    /// A JSON object of the caller's.
    pub metadata: JsonText,
    /// What older messages said, in short.
    pub summary: Option<Summary>,
    /// The application it was begun by (contract S1).
    pub application: Option<i64>,
    /// `false` once it is archived (contract S4).
    pub active: bool,
    /// Exchanges: questions that have a reply.
    pub message_count: u32,
    /// What its turns added up to.
    pub totals: Totals,
    /// The place of the last message that was ever appended; 0 while there is none.
    pub last_seq: Seq,
    /// The turn that runs in it.
    pub running: Option<TurnId>,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What may have changed of a conversation while a turn ran in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationChange {
    /// Its title: an edit or the turn may have given it one.
    pub title: Option<Title>,
    /// Its persona: an edit may have given it another.
    pub persona: Option<PersonaId>,
    /// The model of its last reply.
    pub last_model: Option<ModelName>,
    /// Exchanges: questions that have a reply.
    pub message_count: u32,
    /// What its turns added up to.
    pub totals: Totals,
    /// The position of the last message that was ever appended.
    pub last_seq: Seq,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Conversation {
    /// The conversation as it is after a turn.
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

/// Where the messages of a conversation live.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum HistoryLocation {
    /// In our own store.
    Local,
    /// At `OpenAI`, under this id of its Conversations API.
    OpenAi(String),
}

/// A summary and how far it reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The summary.
    pub text: String,
    /// The exchanges that it covers.
    pub message_count: u32,
    /// When it was made.
    pub updated_at: Timestamp,
}

/// What the turns of a conversation consumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Input tokens.
    pub input: u64,
    /// Output tokens.
    pub output: u64,
    /// The cost.
    pub cost: NanoDollars,
}

/// A conversation to be made. The store numbers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewConversation {
    /// Its id.
    pub id: ConversationId,
    /// Whose it is.
    pub owner: UserId,
    /// The caller's label for it.
    pub label: Label,
    /// Its project.
    pub project: Option<ProjectId>,
    /// Its persona.
    pub persona: Option<PersonaId>,
    /// The contract that begins it.
    pub begun_by: Contract,
    /// Where its messages will live.
    pub home: HistoryLocation,
    /// A title that the caller gave.
    pub title: Option<Title>,
    /// Its own model.
    pub model: Option<ModelName>,
    /// A JSON object of the caller's.
    pub metadata: JsonText,
    /// The application that begins it.
    pub application: Option<i64>,
    /// When it is made.
    pub at: Timestamp,
}

/// What a caller changes of a conversation; what is `None` stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConversationPatch {
    /// A new title.
    pub title: Option<Title>,
    /// Keys to set in the metadata; others stay.
    pub metadata: Option<JsonText>,
    /// The conversation's own model from now on.
    pub model: Option<ModelName>,
    /// Another persona.
    pub persona: Option<PersonaId>,
}

/// How a client names a conversation: every contract takes every form.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ConversationKey {
    /// `conv_<32 hex>` or a UUID.
    Id(ConversationId),
    /// A number.
    Number(ConversationNumber),
    /// An id that the provider gave, `conv_…`.
    Provider(String),
}

impl ConversationKey {
    /// Reads any text form of an id; `None` for what can be none.
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
    /// Reads a title; line ends become spaces.
    pub fn parse(raw: &str) -> Result<Self, TextError> {
        Self::parse_within(raw, TITLE_CHARS)
    }

    /// As [`Title::parse`], for contracts with a tighter limit.
    pub fn parse_within(raw: &str, max_chars: usize) -> Result<Self, TextError> {
        let text = text::clean(raw, max_chars.min(TITLE_CHARS))?;
        Ok(Self(text.trim().replace("\r\n", " ").replace(['\n', '\r', '\t'], " ")))
    }

    /// The first five words of a question; `None` where it has none, as an image has none.
    #[must_use]
    pub fn from_words(question: &str) -> Option<Self> {
        let words: Vec<&str> = question.split_whitespace().take(TITLE_WORDS).collect();
        let title: String = words.join(" ").chars().take(TITLE_CHARS).collect();
        (!title.is_empty()).then_some(Self(title))
    }

    /// The title.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! short_text {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub struct $name(String);

        impl $name {
            /// Reads it: not blank, at most 255 characters.
            pub fn parse(raw: &str) -> Result<Self, TextError> {
                text::clean(raw, LABEL_CHARS).map(Self)
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

short_text! {
    /// A caller's own label for a conversation. Never an identity (C-6).
    Label
}
short_text! {
    /// A caller's own name of a project.
    ProjectId
}

impl Label {
    /// The label of conversations that were given none: the owner's number.
    #[must_use]
    pub fn of_owner(owner: UserId) -> Self {
        Self(owner.to_string())
    }
}

impl fmt::Display for Title {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_is_known_by_every_form_of_its_id() {
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
    fn what_can_be_no_id_is_none() {
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
