//! The database goes away and comes back.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use sqlx::{Connection, Executor, PgConnection};

use super::*;

async fn retried<T, E: std::fmt::Debug, F: Future<Output = Result<T, E>>>(call: impl Fn() -> F) -> T {
    let start = Instant::now();
    loop {
        match call().await {
            Ok(done) => return done,
            Err(error) => assert!(start.elapsed() < PATIENCE, "{error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_outlives_its_database() {
    let server = tokio::task::spawn_blocking(|| PostgresServer::options().start()).await.unwrap();
    let url = server.database().await;
    let store = connect(&url);
    store.migrate().await.unwrap();
    let scene = Scene::new(&store).await;
    let id = scene.conversation(&store).await;
    let open = scene.start(&store).await;
    is_ready(&store).await;

    for _ in 0..2 {
        server.stop_hard();
        let start = Instant::now();
        let begins = join_all((0..100).map(|_| store.begin(scene.begin_new("q")))).await;
        for result in begins {
            assert!(matches!(result, Err(BeginError::Store(StoreError::Unavailable(_)))), "{result:?}");
        }
        assert!(is_unavailable(&conversation_of(&store, &scene, id).await));
        assert!(is_unavailable(&store.finish(scene.finish(&open, "a")).await));
        assert!(is_unavailable(&store.check().await));
        // The read waits for a connection for 3 s, and the check has a second of its own. One begin after the other
        // would take minutes.
        assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());

        server.start_again();
        retried(|| store.check()).await;
        retried(|| store.begin(scene.begin_new("q"))).await;
        retried(|| conversation_of(&store, &scene, id)).await;
    }
    // A turn that was open before is closed after.
    scene.answer(&store, &open, "late").await;
    store.close().await;
    assert!(is_unavailable(&conversation_of(&store, &scene, id).await));
    assert!(matches!(
        store.begin(scene.begin_new("q")).await,
        Err(BeginError::Store(StoreError::Unavailable(_)))
    ));
}

/// Connections that are cut while they are idle are replaced, and no call fails.
#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_may_be_cut() {
    let (store, url) = fresh().await;
    let scene = Scene::new(&store).await;
    let id = scene.conversation(&store).await;
    PostgresServer::shared().sql(
        &url,
        "SELECT pg_terminate_backend(pid, 20000) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    conversation_of(&store, &scene, id).await.unwrap();
    let begun = store.begin(scene.begin_in(id, "q")).await.unwrap();
    scene.answer(&store, &begun, "a").await;
}

/// A database that accepts connections and never replies.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_does_not_reply_is_unavailable() {
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("postgres://x@{}/x", silent.local_addr().unwrap());
    let options =
        PostgresOptions { acquire_timeout: Duration::from_millis(300), ..PostgresOptions::default() };
    let store = PostgresStore::connect_lazy(&url, options).unwrap();
    let scene = Scene { owner: UserId(1), runner: RunnerId(Uuid::now_v7()) };
    let start = Instant::now();
    let begins = (0..200).map(|_| store.begin(scene.begin_new("q")));
    for result in join_all(begins).await {
        assert!(matches!(result, Err(BeginError::Store(StoreError::Unavailable(_)))), "{result:?}");
    }
    assert!(is_unavailable(&store.renew(scene.runner).await));
    assert!(is_unavailable(&store.check().await));
    // One begin after the other would take a minute.
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_malformed_address_is_refused() {
    let store = PostgresStore::connect_lazy("postgres://[", PostgresOptions::default());
    assert!(matches!(store, Err(StoreError::Refused(_))));
}

/// A statement that takes too long is ended, and its connection can be used again.
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_takes_too_long_is_ended() {
    let (store, url) = fresh().await;
    let scene = Scene::new(&store).await;
    let hasty =
        PostgresOptions { statement_timeout: Duration::from_millis(200), ..PostgresOptions::default() };
    let hasty = PostgresStore::connect_lazy(&url, hasty).unwrap();
    let id = scene.conversation(&store).await;
    let mut holder = PgConnection::connect(&url).await.unwrap();
    holder.execute("BEGIN; LOCK TABLE omnichat.conversations").await.unwrap();
    assert!(is_unavailable(&conversation_of(&hasty, &scene, id).await));
    let begun = hasty.begin(scene.begin_in(id, "q")).await;
    assert!(matches!(begun, Err(BeginError::Store(StoreError::Unavailable(_)))), "{begun:?}");
    holder.execute("COMMIT").await.unwrap();
    let begun = retried(|| hasty.begin(scene.begin_in(id, "q"))).await;
    scene.answer(&store, &begun, "a").await;
}
