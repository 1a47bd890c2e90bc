//! Ids, each with a type of its own, so that mixing two of them is a compile error.

use std::fmt;

use uuid::Uuid;

use crate::names::text_type;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($value:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub $value);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }
    };
}

id! {
    /// The id of a conversation in every contract (`UUIDv7`).
    ConversationId(Uuid)
}
id! {
    /// The id of a message in every contract (`UUIDv7`).
    MessageId(Uuid)
}
id! {
    /// The id of a turn: one question and the reply of the model (`UUIDv7`).
    TurnId(Uuid)
}
id! {
    /// The id of a process that runs turns (`UUIDv7`, new at each start).
    RunnerId(Uuid)
}
id! {
    /// The id of a stored object (`UUIDv7`).
    BlobId(Uuid)
}
id! {
    /// The number of a user account.
    UserId(i64)
}
id! {
    /// The number of a conversation, for contracts with integer ids: 1, 2, … on a fresh database.
    ConversationNumber(i64)
}
id! {
    /// The number of a message, for contracts with integer ids: 1, 2, … on a fresh database.
    MessageNumber(i64)
}
id! {
    /// The number of a persona.
    PersonaId(i64)
}
id! {
    /// The number of a prompt: 1, 2, … on a fresh database.
    PromptId(i64)
}
id! {
    /// The number of a file: 1, 2, … on a fresh database.
    FileNumber(i64)
}
id! {
    /// The position of a message in its conversation: the first one has 1.
    Seq(i64)
}

impl ConversationId {
    /// Returns the text form `conv_<32 hex>`.
    #[must_use]
    pub fn prefixed(self) -> String {
        format!("conv_{}", self.0.simple())
    }
}

impl MessageId {
    /// Returns the text form `msg_<32 hex>`.
    #[must_use]
    pub fn prefixed(self) -> String {
        format!("msg_{}", self.0.simple())
    }
}

/// The id of a provider's response, `resp_…`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ResponseId(String);

impl ResponseId {
    const PREFIX: &str = "resp_";
    const LONGEST: usize = 128;

    /// Parses an id, which clients are shown. Returns `None` for text of any other form.
    #[must_use]
    pub fn parse(id: String) -> Option<Self> {
        let is_plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-');
        let is_one = id.starts_with(Self::PREFIX) && id.len() <= Self::LONGEST && id.bytes().all(is_plain);
        is_one.then_some(Self(id))
    }

    /// Makes an id for a response whose provider sent none.
    #[must_use]
    pub fn of_turn(turn: TurnId) -> Self {
        Self(format!("{}{}", Self::PREFIX, turn.0.simple()))
    }
}

text_type!(ResponseId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_id_is_plain_and_short() {
        let known = |id: &str| ResponseId::parse(id.to_owned()).is_some();
        assert!(known("resp_67ccd2bed1ec8190b14f964abc0542670bb6a6b452d3795b"));
        for other in ["chatcmpl-1", "resp_<script>", "resp_a b", &format!("resp_{}", "a".repeat(124))] {
            assert!(!known(other), "{other}");
        }
        let made = ResponseId::of_turn(TurnId(Uuid::from_u128(7)));
        assert_eq!(made.as_str(), "resp_00000000000000000000000000000007");
    }
}
