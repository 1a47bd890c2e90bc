//! The log: lines on standard error, for people or for machines. Never prompts, replies or keys.

mod lines;

use std::io::{IsTerminal, stderr};

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

pub use lines::Lines;

use crate::config::{LogFormat, Telemetry};

/// What the names of our crates begin with.
const OURS: &str = "omnichat";

/// Starts the log. What it answers is to be held until the process ends: dropping it writes what is left.
///
/// # Errors
/// Where there is a log already.
pub fn install(telemetry: Telemetry) -> Result<Lines, TryInitError> {
    let lines = Lines::start(stderr());
    let registry = tracing_subscriber::registry().with(filter(telemetry.level));
    let layer = fmt::layer().with_writer(lines.writer());
    match telemetry.format {
        LogFormat::Pretty => registry.with(layer.with_ansi(stderr().is_terminal())).try_init()?,
        LogFormat::Json => registry.with(layer.json().flatten_event(true)).try_init()?,
    }
    Ok(lines)
}

/// Ours from the level on; of other crates what is wrong.
fn filter(level: Level) -> Targets {
    Targets::new().with_default(level.min(Level::WARN)).with_target(OURS, level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_crates_are_heard_at_the_level_and_others_when_something_is_wrong() {
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
