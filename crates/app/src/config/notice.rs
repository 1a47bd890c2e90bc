//! Warnings about a configuration that is valid but may not be intended.

use std::fmt;

/// A warning, which is logged at the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The provider is `demo`, chosen or by default.
    Demo,
    /// The database is in memory.
    NothingIsKept,
    /// The secret that signs tokens is easy to guess.
    WeakSecret {
        /// The name of its variable, and the source that set it.
        variable: String,
    },
    /// A provider's key looks like a placeholder from an example.
    PlaceholderKey {
        /// The name of its variable, and the source that set it.
        variable: String,
    },
    /// A name in `.env` that is not a setting.
    UnknownInDotenv {
        /// The name.
        name: String,
    },
    /// A name that is in `.env` twice, with different values.
    TwiceInDotenv {
        /// The name.
        name: String,
    },
    /// A variable that begins with `OMNICHAT_` and is not a setting.
    AlmostOurs {
        /// The name.
        name: String,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Demo => formatter.write_str(
                "NO REAL MODEL: the provider is `demo`, which needs no key and makes up its replies. \
                 Set OPENROUTER_API_KEY or OPENAI_API_KEY to use a real model",
            ),
            Self::NothingIsKept => formatter.write_str(
                "NOTHING IS KEPT: the database is in memory and is lost when the service ends \
                 (DATABASE_ENABLED, DATABASE_URL)",
            ),
            Self::WeakSecret { variable } => write!(
                formatter,
                "THE SECRET IS WEAK: an attacker who guesses {variable} can sign in as any user. \
                 Set 32 random bytes or more; production does not start with this one"
            ),
            Self::PlaceholderKey { variable } => {
                write!(formatter, "{variable} looks like a placeholder: the provider will refuse it")
            }
            Self::UnknownInDotenv { name } => write!(formatter, "`.env` sets {name}, which is not a setting"),
            Self::TwiceInDotenv { name } => {
                write!(formatter, "`.env` sets {name} more than once: the last value is used")
            }
            Self::AlmostOurs { name } => write!(
                formatter,
                "{name} is not a setting: section and key are joined by two underscores, as in OMNICHAT_SERVER__PORT"
            ),
        }
    }
}
