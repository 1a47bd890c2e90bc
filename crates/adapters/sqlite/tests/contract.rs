//! The suite that every store passes: in memory, where all share one connection, and on a file, where readers go on
//! while the writer writes.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "these are tests, and they make their own directories"
)]

use std::sync::Arc;

use omnichat_sqlite::SqliteStore;
use ports::RunnerStore as _;
use testkit::contract::{KillRunner, Stores};

fn stores_of(store: SqliteStore, kill_runner: KillRunner) -> Stores {
    let store = Arc::new(store);
    Stores {
        conversations: store.clone(),
        turns: store.clone(),
        runners: store.clone(),
        users: store.clone(),
        personas: store.clone(),
        messages: store.clone(),
        files: store.clone(),
        ledger: store,
        kill_runner,
        elsewhere: None,
    }
}

mod in_memory {
    use super::*;

    async fn stores() -> Stores {
        let store = SqliteStore::in_memory().await.expect("there is memory");
        let runners = store.clone();
        // A process that the store does not know is dead, like one that is late.
        let kill_runner: KillRunner = Arc::new(move |runner| {
            let runners = runners.clone();
            Box::pin(async move { runners.retire(runner).await.unwrap() })
        });
        stores_of(store, kill_runner)
    }

    testkit::store_contract!(stores().await);
}

mod on_a_file {
    use sqlx::ConnectOptions as _;
    use sqlx::sqlite::SqliteConnectOptions;
    use uuid::Uuid;

    use super::*;

    /// A directory that goes with its test.
    struct Scratch(std::path::PathBuf);

    impl Drop for Scratch {
        fn drop(&mut self) {
            // What is left of it is in the directory for temporary files.
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    async fn stores() -> Stores {
        let name = format!("omnichat-sqlite-contract-{}", Uuid::now_v7().simple());
        let scratch = Scratch(std::env::temp_dir().join(name));
        let file = scratch.0.join("omnichat.db");
        let store = SqliteStore::open(&file).await.expect("the file is opened");
        store.migrate().await.expect("the tables are made");
        let scratch = Arc::new(scratch);
        let kill_runner: KillRunner = Arc::new(move |runner| {
            let scratch = Arc::clone(&scratch);
            Box::pin(async move {
                let file = SqliteConnectOptions::new().filename(scratch.0.join("omnichat.db"));
                let mut connection = file.connect().await.unwrap();
                let late = "UPDATE runners SET renewed_at = renewed_at - 21000000 WHERE id = ?";
                sqlx::query(late).bind(runner.0).execute(&mut connection).await.unwrap();
            })
        });
        stores_of(store, kill_runner)
    }

    testkit::store_contract!(stores().await);
}
