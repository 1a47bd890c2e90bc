//! Identifiers. Mixing two of them is a compile error.

use std::fmt;

use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }
    };
}

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }
    };
}

uuid_id! {
    /// A conversation, in every contract (`UUIDv7`).
    ConversationId
}
uuid_id! {
    /// A message, in every contract (`UUIDv7`).
    MessageId
}
uuid_id! {
    /// A turn: one question and what the model made of it (`UUIDv7`).
    TurnId
}
uuid_id! {
    /// A process that runs turns (`UUIDv7`, new at each start).
    RunnerId
}
uuid_id! {
    /// A stored object (`UUIDv7`).
    BlobId
}
number_id! {
    /// A user account.
    UserId
}
number_id! {
    /// The global number of a conversation: 1, 2, … on a fresh database. Contracts with integer ids show it.
    ConversationNumber
}
number_id! {
    /// The global number of a message: 1, 2, … on a fresh database.
    MessageNumber
}
number_id! {
    /// A persona.
    PersonaId
}
number_id! {
    /// A file: 1, 2, … on a fresh database.
    FileNumber
}
number_id! {
    /// The place of a message in its conversation: 1 is the first one ever appended.
    Seq
}

impl ConversationId {
    /// The text form `conv_<32 hex>`.
    #[must_use]
    pub fn prefixed(self) -> String {
        format!("conv_{}", self.0.simple())
    }
}

impl MessageId {
    /// The text form `msg_<32 hex>`.
    #[must_use]
    pub fn prefixed(self) -> String {
        format!("msg_{}", self.0.simple())
    }
}
