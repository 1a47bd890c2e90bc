//! The binary `omnichat`.

use std::process::ExitCode;

use clap::Parser;
use omnichat::cli::{Cli, Command};
use omnichat::config::Config;
use omnichat::{commands, serve, telemetry};

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli.command.unwrap_or(Command::Serve)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("omnichat: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<()> {
    // The first provider that is installed counts; nothing before this uses TLS.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = Config::load()?;
    match command {
        Command::Serve => {
            let _lines = telemetry::install(config.telemetry)?;
            serve::run(config).await
        }
        Command::Migrate => commands::migrate(&config).await,
        Command::Token { user } => commands::token(&config, &user).await,
        Command::User { name, tier, active } => commands::user(&config, &name, tier, active).await,
    }
}
