//! Personas: whom a conversation is held with (contract S4).

use crate::PersonaId;

/// How the persona stands to the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relation {
    /// A parent.
    Parent,
    /// A spouse.
    Spouse,
    /// A child.
    Child,
    /// A brother or sister.
    Sibling,
    /// A friend.
    Friend,
    /// A colleague.
    Colleague,
    /// None of these.
    Other,
}

impl Relation {
    /// All relations with their names.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::Parent, "parent"),
        (Self::Spouse, "spouse"),
        (Self::Child, "child"),
        (Self::Sibling, "sibling"),
        (Self::Friend, "friend"),
        (Self::Colleague, "colleague"),
        (Self::Other, "other"),
    ];

    /// Reads a name, in any case.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(relation, _)| *relation)
    }

    /// The name, in lower case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Parent => "parent",
            Self::Spouse => "spouse",
            Self::Child => "child",
            Self::Sibling => "sibling",
            Self::Friend => "friend",
            Self::Colleague => "colleague",
            Self::Other => "other",
        }
    }
}

/// What the model is told about a persona.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Persona {
    /// Its number.
    pub id: PersonaId,
    /// Its name.
    pub name: String,
    /// What it is like.
    pub description: Option<String>,
    /// How it stands to the user.
    pub relation: Relation,
}
