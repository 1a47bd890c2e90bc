//! The binary `omnichat`.

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use omnichat::cli::{Cli, Command};
use omnichat::config::Config;
use omnichat::{commands, serve, telemetry};
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    let result = match Cli::parse().command.unwrap_or(Command::Serve) {
        // This process reads a file that may be hostile, so it loads no settings and runs nothing else.
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
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("omnichat: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Loads the settings and runs a command with them, on a multi-threaded runtime.
fn run(work: impl AsyncFnOnce(Config) -> anyhow::Result<()>) -> anyhow::Result<()> {
    // rustls needs one cryptography provider for the process. The call fails only if there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = Config::load()?;
    Runtime::new().context("the runtime's threads cannot be started")?.block_on(work(config))
}
