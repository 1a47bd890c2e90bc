//! What the command line does beside serving.

use std::io::Write;

use anyhow::{Context, bail};
use domain::{Tier, User};
use ports::UserChange;
use services::Tasks;
use tokio::runtime::Handle;

use crate::adapters;
use crate::config::Config;
use crate::stores::Stores;

/// Brings the database up to date.
///
/// # Errors
/// Where the database is away, or a migration fails.
pub async fn migrate(config: &Config) -> anyhow::Result<()> {
    let stores = Stores::open(&config.database).await?;
    stores.migrate().await.context("the database could not be brought up to date")?;
    stores.close().await;
    say(&format!("{} is up to date", config.database.choice.describe()))
}

/// Prints a token for a user, who is made if there is none.
///
/// # Errors
/// Where the store or the keys cannot be used.
pub async fn token(config: &Config, name: &str) -> anyhow::Result<()> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > domain::limits::NAME_CHARS {
        bail!("--user must be a name or an email address");
    }
    let stores = Stores::open(&config.database).await?;
    if config.database.migrate_on_start {
        stores.migrate().await.context("the database could not be brought up to date")?;
    }
    let sign_in = adapters::sign_in(&config.auth, &stores, Tasks::new(Handle::current()))?;
    let signed_in = sign_in.token_for(name).await?;
    stores.close().await;
    say(&signed_in.token.token)
}

/// Shows or changes an account.
///
/// # Errors
/// Where there is none, or the store cannot be used.
pub async fn user(
    config: &Config,
    name: &str,
    tier: Option<Tier>,
    active: Option<bool>,
) -> anyhow::Result<()> {
    let stores = Stores::open(&config.database).await?;
    let record = stores.users.find_for_sign_in(name.trim().to_lowercase()).await?;
    let Some(record) = record else { bail!("there is no user {name}") };
    let change = UserChange { tier, active };
    let changed = stores.users.change(record.user.id, change).await?;
    stores.close().await;
    say(&describe(&changed.unwrap_or(record.user)))
}

fn describe(user: &User) -> String {
    let name = user.username.as_deref().or(user.email.as_deref()).unwrap_or("(outside)");
    format!("{} {name} tier={} active={}", user.id, user.tier.as_str(), user.active)
}

fn say(line: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{line}").context("standard output is closed")
}
