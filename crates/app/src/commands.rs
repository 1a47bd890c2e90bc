//! The commands other than `serve` and `extract-pdf`.

use std::io::Write;

use anyhow::{Context, bail};
use domain::{Tier, User};
use ports::UserChange;
use services::{Accounts, Tasks};
use tokio::runtime::Handle;

use crate::adapters;
use crate::config::Config;
use crate::stores;

/// Brings the database schema up to date.
///
/// # Errors
/// If the database cannot be reached, or a migration fails.
pub async fn migrate(config: &Config) -> anyhow::Result<()> {
    let store = stores::open(&config.database).await?;
    store.migrate().await.context("the database could not be brought up to date")?;
    store.close().await;
    print_line(&format!("{} is up to date", config.database.choice.describe()))
}

/// Prints an access token for a user, creating the account if there is none.
///
/// # Errors
/// If the name is not valid, or the store or the signing key cannot be used.
pub async fn token(config: &Config, name: &str) -> anyhow::Result<()> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > domain::limits::NAME_CHARS {
        bail!("--user must be a name or an email address");
    }
    let store = stores::open(&config.database).await?;
    if config.database.migrate_on_start {
        store.migrate().await.context("the database could not be brought up to date")?;
    }
    let sign_in = adapters::sign_in(&config.auth, store.clone(), Tasks::new(Handle::current()))?;
    let signed_in = sign_in.token_for(name).await?;
    store.close().await;
    print_line(&signed_in.token.token)
}

/// Changes an account if a tier or a state is given, and prints it.
///
/// # Errors
/// If there is no such account, or the store cannot be used.
pub async fn user(
    config: &Config,
    name: &str,
    tier: Option<Tier>,
    active: Option<bool>,
) -> anyhow::Result<()> {
    let store = stores::open(&config.database).await?;
    let accounts = Accounts::new(store.clone(), Tasks::new(Handle::current()));
    let user = accounts.change(name, UserChange { tier, active }).await?;
    store.close().await;
    let Some(user) = user else { bail!("there is no user {name}") };
    print_line(&describe(&user))
}

fn describe(user: &User) -> String {
    let name = user.username.as_deref().or(user.email.as_deref()).unwrap_or("(outside)");
    format!("{} {name} tier={} active={}", user.id, user.tier.as_str(), user.active)
}

fn print_line(line: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{line}").context("standard output is closed")
}
