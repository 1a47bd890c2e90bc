//! The command line.

use clap::{Parser, Subcommand};
use domain::Tier;

/// A self-hosted chat service. Without a command, it starts the service.
#[derive(Debug, Parser)]
#[command(name = "omnichat", version, about)]
pub struct Cli {
    /// The command; `serve` if there is none.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The name of the command that reads a PDF.
pub const EXTRACT_PDF: &str = "extract-pdf";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the service (the default).
    Serve,
    /// Bring the schema of the configured database up to date.
    Migrate,
    /// Print an access token for a user, creating the user if there is none.
    Token {
        /// The user's name or email address.
        #[arg(long)]
        user: String,
    },
    /// Show a user's account, or change it.
    User {
        /// The user's name or email address.
        name: String,
        /// The tier, which decides the user's rate limit: free, pro or enterprise.
        #[arg(long, value_parser = tier)]
        tier: Option<Tier>,
        /// `false` suspends the user within 5 seconds, `true` lets the user in again.
        #[arg(long, action = clap::ArgAction::Set)]
        active: Option<bool>,
    },
    /// Read a PDF from standard input. The service starts this for each uploaded file.
    #[command(name = EXTRACT_PDF, hide = true)]
    ExtractPdf,
}

fn tier(name: &str) -> Result<Tier, String> {
    Tier::parse(name).ok_or_else(|| "must be free, pro or enterprise".to_owned())
}
