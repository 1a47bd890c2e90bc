//! The schema is made once, however many processes start.

use std::str::FromStr;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use sqlx::ConnectOptions;
use sqlx::migrate::Migrate;
use sqlx::postgres::PgConnectOptions;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn many_processes_may_migrate_an_empty_database_at_once() {
    for _ in 0..5 {
        let url = PostgresServer::shared().database().await;
        let stores: Vec<PostgresStore> = (0..8).map(|_| connect(&url)).collect();
        for result in join_all(stores.iter().map(PostgresStore::migrate)).await {
            result.unwrap();
        }
        let applied = "SELECT count(*) FROM omnichat._sqlx_migrations WHERE success";
        let files = std::fs::read_dir("../../../migrations/postgres").unwrap().count();
        assert_eq!(PostgresServer::shared().sql(&url, applied).parse(), Ok(files));
        Scene::new(&stores[0]).await.conversation(&stores[1]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_ready_once_its_schema_is_there() {
    let url = PostgresServer::shared().database().await;
    let store = connect(&url);
    assert!(!store.is_migrated().await.unwrap());
    assert!(is_unavailable(&store.check().await));
    store.migrate().await.unwrap();
    assert!(store.is_migrated().await.unwrap());
    is_ready(&store).await;
    // A second time, there is nothing to do.
    store.migrate().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_another_process_to_migrate_may_take_longer_than_a_statement() {
    let url = PostgresServer::shared().database().await;
    let hasty =
        PostgresOptions { statement_timeout: Duration::from_millis(50), ..PostgresOptions::default() };
    let store = PostgresStore::connect_lazy(&url, hasty).unwrap();
    let mut other = PgConnectOptions::from_str(&url).unwrap().connect().await.unwrap();
    other.lock().await.unwrap();
    let migration = tokio::spawn({
        let store = store.clone();
        async move { store.migrate().await }
    });
    // It waits for longer than twice the time that a statement may take.
    let waits = "SELECT count(*) FROM pg_stat_activity
                 WHERE datname = current_database() AND wait_event = 'advisory' AND now() - query_start > interval '100 ms'";
    let start = Instant::now();
    while PostgresServer::shared().sql(&url, waits) != "1" {
        assert!(start.elapsed() < PATIENCE, "the migration does not wait");
        assert!(!migration.is_finished());
    }
    let patient = connect(&url);
    assert!(!patient.is_migrated().await.unwrap());
    other.unlock().await.unwrap();
    migration.await.unwrap().unwrap();
    assert!(patient.is_migrated().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn names_from_before_they_were_compared_in_one_form_are_brought_into_it() {
    let (store, url) = fresh().await;
    let server = PostgresServer::shared();
    // Form C, form D, a mixture as Vietnamese keyboards of Windows write it, and plain names.
    for name in ["zo\u{eb}", "zoe\u{308}", "rene\u{301}", "vi\u{ea}\u{323}t", "ada"] {
        let user = "INSERT INTO omnichat.users (username, created_at) VALUES ('old', now()) RETURNING id";
        let id = server.sql(&url, user);
        server.sql(&url, &format!("INSERT INTO omnichat.sign_in_names VALUES ('{name}', {id})"));
    }
    server.sql(&url, "DELETE FROM omnichat._sqlx_migrations WHERE description = 'sign in names in nfc'");
    store.migrate().await.unwrap();
    let found = async |name: &str| {
        store.find_for_sign_in(name.to_owned()).await.unwrap().map(|record| record.user.id.0)
    };
    for (forms, id) in [
        (["ren\u{e9}", "RENE\u{301}"], 3),
        (["vi\u{1ec7}t", "vie\u{323}\u{302}t"], 4),
        (["vi\u{ea}\u{323}t", "VI\u{1ec6}T"], 4),
        (["ada", "Ada"], 5),
    ] {
        for name in forms {
            assert_eq!(found(name).await, Some(id), "{name:?}");
        }
    }
    // Of two names that are the same now, each is found in its own form.
    assert_eq!((found("zo\u{eb}").await, found("zoe\u{308}").await), (Some(1), Some(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_another_version_is_refused() {
    let (store, url) = fresh().await;
    PostgresServer::shared().sql(&url, "UPDATE omnichat._sqlx_migrations SET checksum = ''");
    let Err(StoreError::Refused(why)) = store.migrate().await else { panic!("it is refused") };
    assert_eq!(
        why.to_string(),
        "migration 1 was previously applied but has been modified: another version of this program has made the \
         database"
    );
}
