//! What the operator should know.

use std::fmt;

/// Something that works and may not be meant so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// No provider is configured, or the offline one was asked for.
    Demo,
    /// Everything is forgotten when the process ends.
    NothingIsKept,
    /// Tokens can be forged by who guesses the secret.
    WeakSecret {
        /// Where it stands.
        variable: String,
    },
    /// A key looks as if it stood for another.
    PlaceholderKey {
        /// Where it stands.
        variable: String,
    },
    /// A name in `.env` that is no setting.
    UnknownInDotenv {
        /// The name.
        name: String,
    },
    /// A name in `.env` that stands there again, with another value.
    TwiceInDotenv {
        /// The name.
        name: String,
    },
    /// A name that begins like ours, and is no setting.
    AlmostOurs {
        /// The name.
        name: String,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Demo => formatter.write_str(
                "NO MODEL IS ASKED: the provider is `demo`, which makes its replies up. \
                 Set OPENROUTER_API_KEY or OPENAI_API_KEY",
            ),
            Self::NothingIsKept => formatter.write_str(
                "NOTHING IS KEPT: the database is in memory and is gone when the service ends \
                 (DATABASE_ENABLED, DATABASE_URL)",
            ),
            Self::WeakSecret { variable } => write!(
                formatter,
                "THE SECRET IS WEAK: anybody who guesses {variable} signs in as anybody. \
                 Set 32 random bytes or more; production refuses this one"
            ),
            Self::PlaceholderKey { variable } => {
                write!(formatter, "{variable} looks like a placeholder: the provider will refuse it")
            }
            Self::UnknownInDotenv { name } => write!(formatter, "`.env` holds {name}, which is no setting"),
            Self::TwiceInDotenv { name } => {
                write!(formatter, "`.env` holds {name} more than once: the last one counts")
            }
            Self::AlmostOurs { name } => write!(
                formatter,
                "{name} is no setting: section and key are joined by two underscores, as in OMNICHAT_SERVER__PORT"
            ),
        }
    }
}
