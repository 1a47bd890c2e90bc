//! The suite that every store passes, with a second store on the same database beside the first.
#![expect(clippy::expect_used, reason = "these are tests")]

use std::sync::Arc;

use omnichat_postgres::{PostgresOptions, PostgresStore};
use testkit::PostgresServer;
use testkit::contract::{KillRunner, Stores};

async fn migrate(url: String) {
    let store =
        PostgresStore::connect_lazy(&url, PostgresOptions::default()).expect("the address is well-formed");
    store.migrate().await.expect("the schema is made");
    store.close().await;
}

async fn stores() -> Stores {
    let server = PostgresServer::shared();
    let url = server.migrated_database(migrate).await;
    // Each case has a database of its own, and all cases share a server.
    let options = PostgresOptions { max_connections: 4, ..PostgresOptions::default() };
    let connect =
        || Arc::new(PostgresStore::connect_lazy(&url, options).expect("the address is well-formed"));
    let (store, elsewhere) = (connect(), connect());
    let kill_runner: KillRunner = Arc::new(move |runner| {
        let url = url.clone();
        Box::pin(async move {
            let late = "UPDATE omnichat.runners SET renewed_at = renewed_at - interval '21 seconds'";
            server.sql(&url, &format!("{late} WHERE id = '{runner}'"));
            // The others have been there for long.
            let long_since = "UPDATE omnichat.runners SET since = since - interval '21 seconds'";
            server.sql(&url, &format!("{long_since} WHERE id <> '{runner}'"));
        })
    });
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
        elsewhere: Some(elsewhere),
    }
}

testkit::store_contract!(stores().await);
