//! Where the writer's connection comes from.

use std::ops::{Deref, DerefMut};

use sqlx::pool::PoolConnection;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Sqlite, SqliteConnection, SqlitePool};

/// Where the writer's connection comes from.
pub(crate) enum Source {
    /// A connection of its own, to a file.
    Own {
        /// How to connect again.
        options: Box<SqliteConnectOptions>,
        /// The connection; `None` while it is taken, or after one was discarded.
        connection: Option<SqliteConnection>,
    },
    /// The only connection to a database in memory; readers use it too, in turns.
    Shared(SqlitePool),
}

/// The connection while a group is written.
pub(super) enum Held {
    Own(SqliteConnection),
    Shared(PoolConnection<Sqlite>),
}

impl Source {
    pub(super) async fn take(&mut self) -> sqlx::Result<Held> {
        Ok(match self {
            Self::Own { options, connection } => Held::Own(match connection.take() {
                Some(connection) => connection,
                None => options.connect().await?,
            }),
            Self::Shared(pool) => Held::Shared(pool.acquire().await?),
        })
    }

    pub(super) fn give_back(&mut self, held: Held) {
        match (self, held) {
            (Self::Own { connection, .. }, Held::Own(held)) => *connection = Some(held),
            // Dropping it returns it to its pool.
            (Self::Own { .. } | Self::Shared(_), Held::Own(_) | Held::Shared(_)) => {}
        }
    }

    pub(super) async fn discard(&mut self, held: Held) {
        let closed = match held {
            Held::Own(connection) => connection.close().await,
            Held::Shared(connection) => connection.close().await,
        };
        if let Err(error) = closed {
            tracing::warn!(%error, "a connection to the database could not be closed");
        }
    }

    /// Moves the write-ahead log into the database, and closes the connection.
    pub(super) async fn close(&mut self) {
        let Self::Own { connection, .. } = self else { return };
        let Some(mut connection) = connection.take() else { return };
        if let Err(error) = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await {
            tracing::warn!(%error, "the write-ahead log was not moved into the database; the next start does so");
        }
        self.discard(Held::Own(connection)).await;
    }
}

impl Deref for Held {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        match self {
            Self::Own(connection) => connection,
            Self::Shared(connection) => connection,
        }
    }
}

impl DerefMut for Held {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        match self {
            Self::Own(connection) => connection,
            Self::Shared(connection) => connection,
        }
    }
}
