//! The section `telemetry`: level and format of the log.

use serde::Deserialize;
use tracing::Level;

use super::{Checking, ConfigError, lenient};

/// Level and format of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Telemetry {
    /// The least level of the lines that our own crates write.
    pub level: Level,
    /// The format of a line.
    pub format: LogFormat,
}

/// The format of a line of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Text for people.
    Pretty,
    /// One JSON object for each line.
    Json,
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Section {
    #[serde(deserialize_with = "lenient::text")]
    level: String,
    #[serde(deserialize_with = "lenient::text")]
    format: String,
}

impl Default for Section {
    fn default() -> Self {
        Self { level: "INFO".to_owned(), format: "pretty".to_owned() }
    }
}

impl Section {
    pub(super) fn check(self, checking: &Checking) -> Result<Telemetry, ConfigError> {
        let level = match self.level.to_ascii_lowercase().as_str() {
            "trace" => Level::TRACE,
            "debug" => Level::DEBUG,
            "info" => Level::INFO,
            "warn" | "warning" => Level::WARN,
            "error" | "critical" => Level::ERROR,
            _ => {
                return Err(checking.error("telemetry.level", "must be TRACE, DEBUG, INFO, WARNING or ERROR"));
            }
        };
        let format = match self.format.to_ascii_lowercase().as_str() {
            "pretty" => LogFormat::Pretty,
            "json" => LogFormat::Json,
            _ => return Err(checking.error("telemetry.format", "must be pretty or json")),
        };
        Ok(Telemetry { level, format })
    }
}
