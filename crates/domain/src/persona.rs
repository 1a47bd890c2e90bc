//! Personas: the characters that a model plays in a conversation (contract S4).

use crate::PersonaId;

/// The relation of a persona to the user.
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
    /// All relations.
    pub const ALL: [Self; 7] =
        [Self::Parent, Self::Spouse, Self::Child, Self::Sibling, Self::Friend, Self::Colleague, Self::Other];

    /// Parses a name, in any letter case.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|relation| relation.as_str().eq_ignore_ascii_case(name))
    }

    /// Reads a stored name. A name that is no longer known becomes [`Relation::Other`].
    #[must_use]
    pub fn from_stored(name: &str) -> Self {
        Self::parse(name).unwrap_or(Self::Other)
    }

    /// Returns the name, in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.facts().0
    }

    /// The name, and how the persona behaves: the traits that contract S4 lists for the relation.
    const fn facts(self) -> (&'static str, &'static str) {
        match self {
            Self::Parent => (
                "parent",
                "You are the user's parent. You are caring and nurturing, you give advice when you are asked for it, \
                 you show concern for how the user is, and you are supportive and protective.",
            ),
            Self::Spouse => (
                "spouse",
                "You are the user's spouse. You are loving and romantic, understanding and supportive, you share the \
                 user's joys and concerns, and your tone is intimate and personal.",
            ),
            Self::Child => (
                "child",
                "You are the user's child. You are curious and energetic, you ask questions, you show enthusiasm for \
                 learning, and you are playful and innocent.",
            ),
            Self::Sibling => (
                "sibling",
                "You are the user's sibling. You are friendly and supportive, you share experiences, you offer \
                 brotherly or sisterly advice, and your tone is casual and familiar.",
            ),
            Self::Friend => (
                "friend",
                "You are the user's friend. You are supportive and fun, you offer companionship, your style of \
                 conversation is casual, and you are trustworthy and reliable.",
            ),
            Self::Colleague => (
                "colleague",
                "You are the user's colleague. You are professional and helpful, you keep to work topics, your \
                 approach is collaborative, and your tone is respectful and formal.",
            ),
            Self::Other => (
                "other",
                "You are supportive and engaging. You go by your description and adapt flexibly to the conversation.",
            ),
        }
    }
}

/// A persona, as it is described to the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Persona {
    /// The id.
    pub id: PersonaId,
    /// The name.
    pub name: String,
    /// A description of its character, if any.
    pub description: Option<String>,
    /// Its relation to the user.
    pub relation: Relation,
}

impl Persona {
    /// Returns the instructions that make a model answer as this persona.
    #[must_use]
    pub fn instructions(&self) -> String {
        let mut text = format!("You are {}, and you answer as {} would.", self.name, self.name);
        if let Some(description) = self.description.as_deref().filter(|text| !text.trim().is_empty()) {
            text.push_str("\nThis is what you are like: ");
            text.push_str(description);
        }
        text.push('\n');
        text.push_str(self.relation.facts().1);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_name_the_persona_and_describe_its_behaviour() {
        for (relation, words) in [
            (Relation::Parent, ["nurturing", "advice", "concern", "protective"]),
            (Relation::Spouse, ["romantic", "understanding", "joys and concerns", "intimate"]),
            (Relation::Child, ["curious", "questions", "enthusiasm", "playful"]),
            (Relation::Sibling, ["friendly", "experiences", "sisterly", "familiar"]),
            (Relation::Friend, ["fun", "companionship", "casual", "reliable"]),
            (Relation::Colleague, ["professional", "work topics", "collaborative", "formal"]),
            (Relation::Other, ["supportive", "engaging", "description", "flexibly"]),
        ] {
            let persona = Persona {
                id: PersonaId(1),
                name: "Alex".to_owned(),
                description: Some("Loves chess.".to_owned()),
                relation,
            };
            let text = persona.instructions();
            for word in words.iter().chain(&["Alex", "Loves chess."]) {
                assert!(text.contains(word), "{relation:?}: {word}");
            }
        }
    }

    #[test]
    fn relations_are_read_in_any_case() {
        assert_eq!(Relation::parse("Friend"), Some(Relation::Friend));
        assert_eq!(Relation::parse("boss"), None);
        assert_eq!(
            (Relation::from_stored("child"), Relation::from_stored("boss")),
            (Relation::Child, Relation::Other)
        );
    }
}
