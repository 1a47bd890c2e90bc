//! The section `database`: the store of conversations.

use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{Checking, ConfigError, Notice, lenient};

/// The store of conversations.
#[derive(Debug, Clone)]
pub struct Database {
    /// Which store.
    pub choice: DatabaseChoice,
    /// Whether the service brings the schema up to date when it starts.
    pub migrate_on_start: bool,
    /// The size of the connection pool for reads and single writes; PostgreSQL only.
    pub max_connections: u32,
    /// How long a call waits for a connection of the pool; PostgreSQL only.
    pub acquire_timeout: Duration,
    /// The time limit of a statement; PostgreSQL only.
    pub statement_timeout: Duration,
}

/// Which store is used.
#[derive(Debug, Clone)]
pub enum DatabaseChoice {
    /// A PostgreSQL server.
    Postgres {
        /// Its address, which holds the password.
        url: SecretString,
    },
    /// An SQLite file.
    SqliteFile {
        /// The path of the file.
        path: PathBuf,
    },
    /// SQLite in memory: everything is lost when the process ends.
    SqliteMemory,
}

const FILE: &str = "omnichat.db";

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Section {
    #[serde(deserialize_with = "lenient::some_secret")]
    url: Option<SecretString>,
    #[serde(deserialize_with = "lenient::flag")]
    enabled: bool,
    #[serde(deserialize_with = "lenient::flag")]
    migrate_on_start: bool,
    #[serde(deserialize_with = "lenient::whole")]
    max_connections: u32,
    #[serde(deserialize_with = "lenient::whole")]
    acquire_timeout_seconds: u32,
    #[serde(deserialize_with = "lenient::whole")]
    statement_timeout_seconds: u32,
}

impl Default for Section {
    fn default() -> Self {
        Self {
            url: None,
            enabled: true,
            migrate_on_start: true,
            max_connections: 16,
            acquire_timeout_seconds: 3,
            statement_timeout_seconds: 5,
        }
    }
}

impl Section {
    pub(super) fn check(self, checking: &mut Checking, data_dir: &Path) -> Result<Database, ConfigError> {
        let choice = match &self.url {
            _ if !self.enabled => DatabaseChoice::SqliteMemory,
            None => DatabaseChoice::SqliteFile { path: data_dir.join(FILE) },
            Some(url) => choose(url).map_err(|problem| checking.error("database.url", problem))?,
        };
        if matches!(choice, DatabaseChoice::SqliteMemory) {
            checking.notices.push(Notice::NothingIsKept);
        }
        checking.at_least_one(&[
            ("database.max_connections", self.max_connections),
            ("database.acquire_timeout_seconds", self.acquire_timeout_seconds),
            ("database.statement_timeout_seconds", self.statement_timeout_seconds),
        ])?;
        Ok(Database {
            choice,
            migrate_on_start: self.migrate_on_start,
            max_connections: self.max_connections,
            acquire_timeout: Duration::from_secs(self.acquire_timeout_seconds.into()),
            statement_timeout: Duration::from_secs(self.statement_timeout_seconds.into()),
        })
    }
}

fn choose(url: &SecretString) -> Result<DatabaseChoice, String> {
    let text = url.expose_secret();
    if ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
        // The parser's errors quote nothing of the address.
        reqwest::Url::parse(text).map_err(|error| format!("is not a well-formed address: {error}"))?;
        return Ok(DatabaseChoice::Postgres { url: url.clone() });
    }
    let path = text.strip_prefix("sqlite://").or_else(|| text.strip_prefix("sqlite:"));
    match path {
        Some("") => Err("names no file after `sqlite:`".to_owned()),
        Some(":memory:") => Ok(DatabaseChoice::SqliteMemory),
        Some(path) if path.contains('?') => Err("takes no parameters after a `sqlite:` file".to_owned()),
        Some(path) => Ok(DatabaseChoice::SqliteFile { path: path.into() }),
        None => Err("must begin with postgresql://, postgres:// or sqlite:".to_owned()),
    }
}
