//! A pgbouncer between the store and its database.

use std::time::{Duration, Instant};

use sqlx::{ConnectOptions, Executor, PgConnection};
use testkit::{PgBouncer, PoolMode};

use super::*;
use crate::session::Session;

async fn start(mode: PoolMode, settings: &'static str) -> PgBouncer {
    let start = move || PgBouncer::start(PostgresServer::shared(), mode, settings);
    tokio::task::spawn_blocking(start).await.unwrap()
}

/// Calls wait for a connection for a short time only.
fn hasty() -> PostgresOptions {
    PostgresOptions { acquire_timeout: Duration::from_millis(300), ..PostgresOptions::default() }
}

/// Another client of a pooler.
async fn client(url: &str) -> Result<PgConnection, sqlx::Error> {
    Session::parse(url).unwrap().address().connect().await
}

/// With pgbouncer's own default settings.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_works_behind_session_pooling() {
    let pooler = start(PoolMode::Session, "").await;
    let url = pooler.url(&PostgresServer::shared().database().await);
    let store = connect(&url);
    store.migrate().await.unwrap();
    is_ready(&store).await;
    let scene = Scene::new(&store).await;
    let id = scene.conversation(&store).await;
    let begun = store.begin(scene.begin_in(id, "q")).await.unwrap();
    scene.answer(&store, &begun, "a").await;
    assert_eq!(conversation_of(&store, &scene, id).await.unwrap().message_count, 2);
    store.close().await;

    // The time limit of statements holds as well.
    let hasty =
        PostgresOptions { statement_timeout: Duration::from_millis(200), ..PostgresOptions::default() };
    let hasty = PostgresStore::connect_lazy(&url, hasty).unwrap();
    let mut holder = client(&url).await.unwrap();
    holder.execute("BEGIN; LOCK TABLE omnichat.conversations").await.unwrap();
    let found = conversation_of(&hasty, &scene, id).await;
    let Err(StoreError::Unavailable(why)) = found else { panic!("{found:?}") };
    assert!(why.to_string().contains("statement timeout"), "{why}");
}

/// Nothing is changed behind such a pooler, and no lock is left there.
#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_that_shares_sessions_is_refused() {
    for (mode, settings, reason) in [
        (PoolMode::Transaction, "", "pool_mode = session"),
        (PoolMode::Transaction, "server_round_robin = 1", "pool_mode = session"),
        (PoolMode::Transaction, "default_pool_size = 2", "pool_mode = session"),
        (PoolMode::Statement, "", "statement pooling mode"),
    ] {
        let pooler = start(mode, settings).await;
        let database = PostgresServer::shared().database().await;
        let store = connect(&pooler.url(&database));
        assert!(is_unavailable(&store.migrate().await));
        let why = not_ready(&store).await;
        assert!(why.contains(reason), "{mode:?} {settings}: {why}");
        refuses_all_calls(&store).await;
        let untouched = "SELECT (SELECT count(*) FROM pg_namespace WHERE nspname = 'omnichat')
                            + (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
                               AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";
        assert_eq!(PostgresServer::shared().sql(&database, untouched), "0");
    }
}

/// Other clients of the pooler take and give back its sessions all the time.
#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_that_shares_sessions_is_found_out_under_load() {
    let pooler = start(PoolMode::Transaction, "").await;
    let url = pooler.url(&PostgresServer::shared().database().await);
    let clients: Vec<_> = (0..6)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move {
                let mut client = client(&url).await.unwrap();
                loop {
                    client.execute("SELECT 1").await.unwrap();
                }
            })
        })
        .collect();
    for _ in 0..20 {
        let store = connect(&url);
        let why = not_ready(&store).await;
        assert!(why.contains("pool_mode = session"), "{why}");
    }
    for client in clients {
        assert!(!client.is_finished());
        client.abort();
    }
}

/// An operator changes the mode while the store is used, and changes it back.
#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_that_begins_to_share_sessions_is_found_out() {
    let pooler = start(PoolMode::Session, "").await;
    let store = connect(&pooler.url(&PostgresServer::shared().database().await));
    store.migrate().await.unwrap();
    let scene = Scene::new(&store).await;
    let id = scene.conversation(&store).await;
    is_ready(&store).await;

    pooler.reload(PoolMode::Transaction, "");
    wait_for("it is refused", async || {
        let found = conversation_of(&store, &scene, id).await;
        assert!(found.is_ok() || is_unavailable(&found), "{found:?}");
        store.check().await.is_err()
    })
    .await;
    assert!(not_ready(&store).await.contains("pool_mode = session"));
    refuses_all_calls(&store).await;

    pooler.reload(PoolMode::Session, "");
    wait_for("it is used again", async || store.check().await.is_ok()).await;
    wait_for("calls pass", async || conversation_of(&store, &scene, id).await.is_ok()).await;
}

/// The database stops and starts again behind its pooler.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_outlives_its_database_behind_a_pooler() {
    let start = || Box::leak(Box::new(PostgresServer::options().start()));
    let server: &'static PostgresServer = tokio::task::spawn_blocking(start).await.unwrap();
    // Otherwise it refuses for 15 seconds after a failure.
    let start = move || PgBouncer::start(server, PoolMode::Session, "server_login_retry = 1");
    let pooler = tokio::task::spawn_blocking(start).await.unwrap();
    let url = pooler.url(&server.database().await);
    let patient = connect(&url);
    patient.migrate().await.unwrap();
    let scene = Scene::new(&patient).await;
    let id = scene.conversation(&patient).await;
    let store = PostgresStore::connect_lazy(&url, hasty()).unwrap();
    wait_for("it is ready", async || store.check().await.is_ok()).await;

    server.stop_hard();
    let start = Instant::now();
    not_ready(&store).await;
    refuses_all_calls(&store).await;
    // The pooler itself makes its clients wait for two minutes.
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    server.start_again();
    wait_for("it is ready", async || store.check().await.is_ok()).await;
    for store in [&store, &patient] {
        wait_for("calls pass", async || conversation_of(store, &scene, id).await.is_ok()).await;
    }
    let begun = patient.begin(scene.begin_in(id, "q")).await.unwrap();
    scene.answer(&patient, &begun, "a").await;
}

/// The pooler has fewer connections than the store opens, and makes its clients wait for two minutes.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_gets_no_connection_of_a_pooler_fails_in_time() {
    let pooler = start(PoolMode::Session, "default_pool_size = 2").await;
    let url = pooler.url(&PostgresServer::shared().database().await);
    let patient = connect(&url);
    patient.migrate().await.unwrap();
    patient.close().await;
    let store = PostgresStore::connect_lazy(&url, hasty()).unwrap();
    let holder = client(&url).await.unwrap();
    let scene = Scene { owner: UserId(1), runner: RunnerId(Uuid::now_v7()) };
    let start = Instant::now();
    for _ in 0..5 {
        let renewed = store.renew(scene.runner).await;
        assert!(renewed.is_ok() || is_unavailable(&renewed), "{renewed:?}");
        let begun = store.begin(scene.begin_new("q")).await;
        assert!(
            begun.is_ok() || matches!(begun, Err(BeginError::Store(StoreError::Unavailable(_)))),
            "{begun:?}"
        );
    }
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    drop(holder);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_that_does_not_reset_sessions_is_refused() {
    let pooler = start(PoolMode::Session, "server_reset_query =").await;
    let url = pooler.url(&PostgresServer::shared().database().await);
    let before = connect(&url);
    before.migrate().await.unwrap();
    is_ready(&before).await;
    before.close().await;
    let store = connect(&url);
    let why = not_ready(&store).await;
    assert!(why.contains("server_reset_query = DISCARD ALL"), "{why}");
    refuses_all_calls(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_pooler_refuses_is_said() {
    let pooler = start(PoolMode::Session, "default_pool_size = 1\nmax_client_conn = 10").await;
    let database = PostgresServer::shared().database().await;
    for (parameters, reason) in
        [("", "too few connections"), ("?options=-c%20jit%3Doff", "unsupported startup parameter")]
    {
        let url = pooler.url(&database) + parameters;
        let store = PostgresStore::connect_lazy(&url, hasty()).unwrap();
        let why = not_ready(&store).await;
        assert!(why.contains(reason), "{parameters}: {why}");
        refuses_all_calls(&store).await;
    }
    let admin = PostgresStore::connect_lazy(&pooler.url("/pgbouncer"), hasty()).unwrap();
    not_ready(&admin).await;
    refuses_all_calls(&admin).await;
    let mut clients = Vec::new();
    for _ in 0..10 {
        clients.extend(client(&pooler.url(&database)).await);
    }
    let why = not_ready(&PostgresStore::connect_lazy(&pooler.url(&database), hasty()).unwrap()).await;
    assert!(why.contains("no more connections allowed"), "{why}");
}

async fn wait_for(what: &str, holds: impl AsyncFn() -> bool) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < PATIENCE, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
