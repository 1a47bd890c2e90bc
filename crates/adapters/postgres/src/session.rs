//! How connections are made, and the settings of their sessions.

use std::fmt::Write as _;
use std::str::FromStr;
use std::sync::Arc;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, PgConnection};

use crate::error::DbError;

/// The address of the database, and the settings of each session.
///
/// A statement makes the settings. In the first message of a connection, as `options`, pgbouncer would refuse them, or
/// drop them where `ignore_startup_parameters` names `options`.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    address: PgConnectOptions,
    /// `SET` statements.
    settings: Arc<str>,
}

impl Session {
    /// Sessions of the database at this address, without any settings.
    pub(crate) fn parse(url: &str) -> Result<Self, DbError> {
        let address = without_brackets(PgConnectOptions::from_str(url).map_err(DbError::refused)?);
        let address = match address.get_application_name() {
            Some(_) => address,
            None => address.application_name("omnichat"),
        };
        // pgbouncer refuses this parameter, and only floating-point numbers as text would need it.
        let address = address.extra_float_digits(None);
        Ok(Self { address, settings: Arc::default() })
    }

    /// The same with further settings. Values are numbers or words.
    pub(crate) fn with<V: AsRef<str>>(&self, settings: impl IntoIterator<Item = (&'static str, V)>) -> Self {
        let mut all = self.settings.to_string();
        for (name, value) in settings {
            let _ = write!(all, "SET {name} = '{}';", value.as_ref());
        }
        Self { address: self.address.clone(), settings: all.into() }
    }

    /// For pools, which make connections by themselves and then have [`begin`](Self::begin) called.
    pub(crate) fn address(&self) -> &PgConnectOptions {
        &self.address
    }

    /// Makes the settings on a new connection.
    pub(crate) async fn begin(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        connection.execute(AssertSqlSafe(Arc::clone(&self.settings))).await?;
        Ok(())
    }

    /// A connection with the settings.
    pub(crate) async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        let mut connection = self.address.connect().await?;
        self.begin(&mut connection).await?;
        Ok(connection)
    }
}

/// The options with the brackets around an IPv6 address (RFC 3986, section 3.2.2) taken off. sqlx keeps them, and would
/// look them up as a name.
fn without_brackets(options: PgConnectOptions) -> PgConnectOptions {
    let host = options.get_host();
    match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).map(str::to_owned) {
        Some(address) => options.host(&address),
        None => options,
    }
}
