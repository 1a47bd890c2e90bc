//! The section `context_management`: how much of a conversation is sent to a model.

use serde::Deserialize;

use super::{Checking, ConfigError, lenient};

/// How much of a conversation is sent to a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContextManagement {
    /// The whole history, or a summary and the last messages.
    pub mode: ContextMode,
    /// How many exchanges are sent beside the summary.
    pub window_size: u32,
    /// After how many exchanges the first summary is made.
    pub summarize_after_messages: u32,
    /// After how many further exchanges the summary is renewed.
    pub summary_update_interval: u32,
}

/// What is sent to a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContextMode {
    /// As much of the history as fits into the model's window.
    Full,
    /// A summary and the last messages.
    SummaryWindow,
}

impl ContextMode {
    /// The name of the mode in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::SummaryWindow => "summary_window",
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Section {
    #[serde(deserialize_with = "lenient::text")]
    mode: String,
    #[serde(deserialize_with = "lenient::whole")]
    window_size: u32,
    #[serde(deserialize_with = "lenient::whole")]
    summarize_after_messages: u32,
    #[serde(deserialize_with = "lenient::whole")]
    summary_update_interval: u32,
}

impl Default for Section {
    fn default() -> Self {
        Self {
            mode: ContextMode::Full.as_str().to_owned(),
            window_size: 5,
            summarize_after_messages: 10,
            summary_update_interval: 5,
        }
    }
}

impl Section {
    pub(super) fn check(self, checking: &Checking) -> Result<ContextManagement, ConfigError> {
        let Self { mode, window_size, summarize_after_messages, summary_update_interval } = self;
        let modes = [ContextMode::Full, ContextMode::SummaryWindow];
        let mode = modes.into_iter().find(|known| known.as_str() == mode);
        let mode =
            mode.ok_or_else(|| checking.error("context_management.mode", "must be full or summary_window"))?;
        checking.at_least_one(&[
            ("context_management.window_size", window_size),
            ("context_management.summarize_after_messages", summarize_after_messages),
            ("context_management.summary_update_interval", summary_update_interval),
        ])?;
        Ok(ContextManagement { mode, window_size, summarize_after_messages, summary_update_interval })
    }
}
