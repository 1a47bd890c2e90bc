//! The command line.

use clap::{Parser, Subcommand};
use domain::Tier;

/// A self-hosted chat service. Without a command it serves.
#[derive(Debug, Parser)]
#[command(name = "omnichat", version, about)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The name of the command that reads a PDF.
pub const EXTRACT_PDF: &str = "extract-pdf";

/// What the binary can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve (what happens without a command).
    Serve,
    /// Bring the configured database up to date.
    Migrate,
    /// Print a token for a user, who is made if there is none.
    Token {
        /// The user's name or email address.
        #[arg(long)]
        user: String,
    },
    /// Show or change an account.
    User {
        /// The user's name or email address.
        name: String,
        /// What the user pays for: free, pro or enterprise.
        #[arg(long, value_parser = tier)]
        tier: Option<Tier>,
        /// `false` suspends the user within 5 seconds, `true` lets them in again.
        #[arg(long, action = clap::ArgAction::Set)]
        active: Option<bool>,
    },
    /// Read a PDF from standard input: what the service starts for each uploaded file.
    #[command(name = EXTRACT_PDF, hide = true)]
    ExtractPdf,
}

fn tier(name: &str) -> Result<Tier, String> {
    Tier::parse(name).ok_or_else(|| "must be free, pro or enterprise".to_owned())
}
