//! The log: lines on standard error, as text or as JSON. No line holds a prompt, a reply or a key.

mod writer;

use std::io::{IsTerminal, stderr};

use tracing::{Level, Subscriber};
use tracing_appender::non_blocking::NonBlocking;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

pub use writer::{DroppedLines, LogWriter};

use crate::config::{LogFormat, Telemetry};

/// The prefix of the names of our own crates.
const OURS: &str = "omnichat";

/// Starts the log. The caller keeps the returned writer until the process ends: dropping it writes the remaining lines.
///
/// # Errors
/// If a log was started before.
pub fn install(telemetry: Telemetry) -> Result<LogWriter, TryInitError> {
    let (writer, lines) = LogWriter::start(stderr());
    subscriber(telemetry, lines, stderr().is_terminal()).try_init()?;
    Ok(writer)
}

fn subscriber(telemetry: Telemetry, lines: NonBlocking, colours: bool) -> Box<dyn Subscriber + Send + Sync> {
    let registry = tracing_subscriber::registry().with(filter(telemetry.level));
    let layer = fmt::layer().with_writer(lines);
    match telemetry.format {
        LogFormat::Pretty => Box::new(registry.with(layer.with_ansi(colours))),
        LogFormat::Json => Box::new(registry.with(layer.json().flatten_event(true))),
    }
}

/// Lines of our own crates are written at this level and above. Lines of other crates are written too, but only
/// warnings and errors.
fn filter(level: Level) -> Targets {
    Targets::new().with_default(level.min(Level::WARN)).with_target(OURS, level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_crates_log_at_the_level_and_other_crates_log_warnings_at_most() {
        let debug = filter(Level::DEBUG);
        for ours in ["omnichat", "omnichat::config", "omnichat_services::turns"] {
            assert!(debug.would_enable(ours, &Level::DEBUG), "{ours}");
            assert!(!debug.would_enable(ours, &Level::TRACE), "{ours}");
        }
        assert!(debug.would_enable("sqlx::query", &Level::WARN));
        assert!(!debug.would_enable("sqlx::query", &Level::INFO));
        let error = filter(Level::ERROR);
        assert!(!error.would_enable("sqlx::query", &Level::WARN));
        assert!(!error.would_enable("omnichat_services", &Level::WARN));
    }
}
