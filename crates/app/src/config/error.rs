//! Errors in the configuration.

use std::fmt;

/// An error in a setting, because of which the service does not start. It never quotes a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The setting's name as the operator wrote it, and the source that set it.
    pub setting: String,
    /// What is wrong with it, as the rest of a sentence that begins with the name.
    pub problem: String,
}

impl ConfigError {
    pub(super) fn new(setting: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { setting: setting.into(), problem: problem.into() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.setting, self.problem)
    }
}

impl std::error::Error for ConfigError {}
