//! The environment that the service runs in: development or production.

use super::ConfigError;

/// The environment: `development`, or any other name, which counts as production (S0-58).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    name: String,
}

const DEVELOPMENT: &str = "development";

impl Environment {
    pub(super) const VARIABLE: &str = "ENVIRONMENT";

    /// Reads the name; the default is `development`. It is used as a file name, so only plain characters are allowed.
    pub(super) fn parse(name: Option<&str>) -> Result<Self, ConfigError> {
        let name = name.unwrap_or(DEVELOPMENT).to_ascii_lowercase();
        let known = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || name.len() > 64 || !name.chars().all(known) {
            return Err(ConfigError::new(Self::VARIABLE, "must be a name of letters, digits, `-` and `_`"));
        }
        Ok(Self { name })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether this is `development`.
    #[must_use]
    pub fn is_development(&self) -> bool {
        self.name == DEVELOPMENT
    }
}
