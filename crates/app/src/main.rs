//! The binary `omnichat`.

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use omnichat::cli::{Cli, Command};
use omnichat::config::Config;
use omnichat::{commands, serve, telemetry};
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    let done = match Cli::parse().command.unwrap_or(Command::Serve) {
        // A process that reads a hostile file holds no settings, and nothing else runs in it.
        Command::ExtractPdf => return pdf::child_main(),
        Command::Serve => run(async |config| {
            let log = telemetry::install(config.telemetry)?;
            serve::run(config, log.dropped()).await
        }),
        Command::Migrate => run(async |config| commands::migrate(&config).await),
        Command::Token { user } => run(async |config| commands::token(&config, &user).await),
        Command::User { name, tier, active } => {
            run(async |config| commands::user(&config, &name, tier, active).await)
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("omnichat: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Does a command's work, on a runtime of all processors.
fn run(work: impl AsyncFnOnce(Config) -> anyhow::Result<()>) -> anyhow::Result<()> {
    // The first provider that is installed counts; nothing before this uses TLS.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = Config::load()?;
    Runtime::new().context("the threads cannot be started")?.block_on(work(config))
}
