//! Databases that cannot be used, for reasons that an operator must mend: callers may try again, and the log says why.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use testkit::Network;

use super::*;

/// Creates an account.
fn account(url: &str, name: &str, options: &str) {
    PostgresServer::shared().sql(url, &format!("CREATE ROLE {name} LOGIN {options}"));
}

/// The address with another account, and a password where one follows the name.
fn signed_in_as(account: &str, url: &str) -> String {
    url.replacen("omnichat@", &format!("{account}@"), 1)
}

async fn is_refused(url: &str, reason: &str) -> PostgresStore {
    let store = connect(url);
    let why = not_ready(&store).await;
    assert!(why.contains(reason), "{url}: {why}");
    assert!(is_unavailable(&store.migrate().await));
    refuses_all_calls(&store).await;
    store
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_sign_in_is_said_and_can_be_mended() {
    let (store, url) = fresh().await;
    is_ready(&store).await;
    let server = PostgresServer::shared();
    account(&url, "guarded", "SUPERUSER PASSWORD 'right'");
    account(&url, "rejected", "");
    account(&url, "full", "CONNECTION LIMIT 0");
    is_refused(&signed_in_as("rejected", &url), "pg_hba.conf").await;
    is_refused(&signed_in_as("full", &url), "too many connections").await;
    is_refused(&signed_in_as("nobody_at_all", &url), "role \"nobody_at_all\" does not exist").await;
    is_refused(&signed_in_as("guarded", &url), "password").await;
    is_refused(&format!("{url}?sslmode=require"), "server does not support TLS").await;
    is_refused(&format!("{url}?sslmode=verify-full&sslrootcert=/nowhere/ca.pem"), "TLS").await;
    let store = is_refused(&signed_in_as("guarded:wrong", &url), "password authentication failed").await;
    server.sql(&url, "ALTER ROLE guarded PASSWORD 'wrong'");
    is_mended(&store).await;
    // The password changes while the store is used: its connections stay good, and new ones are refused.
    server.sql(&url, "ALTER ROLE guarded PASSWORD 'new'");
    is_ready(&store).await;
    cut_connections(&url);
    assert!(not_ready(&store).await.contains("password authentication failed"));
    refuses_all_calls(&store).await;
    server.sql(&url, "ALTER ROLE guarded PASSWORD 'wrong'");
    is_mended(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_there_is_said_and_can_be_mended() {
    let server = PostgresServer::shared();
    let url = server.url("made_later");
    let store = is_refused(&url, "database \"made_later\" does not exist").await;
    server.sql("postgres", "CREATE DATABASE made_later");
    assert!(not_ready(&store).await.contains("its schema is missing"));
    refuses_all_calls(&store).await;
    store.migrate().await.unwrap();
    is_mended(&store).await;
    // It is closed, and then dropped, while it is used.
    server.sql("postgres", "ALTER DATABASE made_later ALLOW_CONNECTIONS false");
    cut_connections("postgres");
    let scene = Scene { owner: UserId(1), runner: RunnerId(Uuid::now_v7()) };
    assert!(not_ready(&store).await.contains("not currently accepting connections"));
    assert!(is_unavailable(&store.renew(scene.runner).await));
    server.sql("postgres", "DROP DATABASE made_later");
    assert!(not_ready(&store).await.contains("does not exist"));
    refuses_all_calls(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_may_not_be_used_is_said_and_can_be_mended() {
    let (_, url) = fresh().await;
    let server = PostgresServer::shared();
    account(&url, "reader", "");
    let reader = signed_in_as("reader", &url);
    is_refused(&reader, "permission denied for schema omnichat").await;
    server.sql(&url, "GRANT USAGE ON SCHEMA omnichat TO reader");
    is_refused(&reader, "permission denied for table _sqlx_migrations").await;
    server.sql(&url, "GRANT SELECT ON ALL TABLES IN SCHEMA omnichat TO reader");
    let store = connect(&reader);
    let why = not_ready(&store).await;
    assert!(why.contains("may not read and write these tables: conversations, files, ledger"), "{why}");
    refuses_all_writes(&store).await;
    server.sql(&url, "GRANT INSERT ON ALL TABLES IN SCHEMA omnichat TO reader");
    assert!(!not_ready(&store).await.contains("ledger"));
    server.sql(&url, "GRANT UPDATE, DELETE ON ALL TABLES IN SCHEMA omnichat TO reader");
    server.sql(&url, "REVOKE UPDATE, DELETE ON omnichat.ledger FROM reader");
    is_ready(&store).await;
    // It may not change the schema, and need not.
    store.migrate().await.unwrap();
    let scene = Scene::new(&store).await;
    scene.conversation(&store).await;
    server.sql(&url, "REVOKE INSERT ON omnichat.turns FROM reader");
    let begun = store.begin(scene.begin_new("q")).await;
    assert!(matches!(begun, Err(BeginError::Store(StoreError::Unavailable(_)))), "{begun:?}");
}

/// Sessions keep such a setting until they end.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_takes_no_writes_is_said_and_can_be_mended() {
    let (store, url) = fresh().await;
    is_ready(&store).await;
    let server = PostgresServer::shared();
    let alter =
        format!("ALTER DATABASE {} SET default_transaction_read_only", url.rsplit('/').next().unwrap());
    server.sql("postgres", &format!("{alter} = on"));
    let later = is_refused(&url, "the database takes no writes").await;
    cut_connections(&url);
    assert!(not_ready(&store).await.contains("the database takes no writes"));
    refuses_all_calls(&store).await;
    server.sql("postgres", &format!("{alter} = off"));
    is_mended(&store).await;
    is_mended(&later).await;
}

/// Here a session of the pool takes no writes, while that of the checks does.
#[tokio::test(flavor = "multi_thread")]
async fn one_session_that_takes_no_writes_is_given_up() {
    let (store, _) = fresh().await;
    let scene = Scene::new(&store).await;
    is_ready(&store).await;
    let spoil = |pool| sqlx::query("SET default_transaction_read_only = on").execute(pool);
    // On a busy machine, an examination may be under way, and its end renews all connections before one is used.
    for _ in 0..10 {
        store.steady.run(spoil).await.unwrap();
        // Another connection of the pool may be taken first.
        let mut renewals = Vec::new();
        for _ in 0..6 {
            renewals.push(store.renew(scene.runner).await);
        }
        let given_up = renewals.iter().filter(|renewal| is_unavailable(renewal)).count();
        assert!(given_up < 2 && renewals[5].is_ok(), "{renewals:?}");
        is_ready(&store).await;
        if given_up == 1 {
            return;
        }
    }
    panic!("no call met the session that takes no writes");
}

/// An examination takes longer than a check waits.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_far_away_is_found_usable_again() {
    let (_, url) = fresh().await;
    let server = PostgresServer::shared().address();
    let network = Network::to(server).await.slowed_by(Duration::from_millis(12));
    let store = connect(&url.replace(&server.to_string(), &network.address().to_string()));
    for _ in 0..2 {
        let start = Instant::now();
        while store.check().await.is_err() {
            assert!(start.elapsed() < PATIENCE, "never ready");
        }
        assert!(start.elapsed() > Duration::from_secs(1), "the examination took {:?}", start.elapsed());
        cut_connections(&url);
    }
}

async fn refuses_all_writes(store: &PostgresStore) {
    let scene = Scene { owner: UserId(1), runner: RunnerId(Uuid::now_v7()) };
    let begun = store.begin(scene.begin_new("q")).await;
    assert!(matches!(begun, Err(BeginError::Store(StoreError::Unavailable(_)))), "{begun:?}");
    assert!(is_unavailable(&store.renew(scene.runner).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_is_dropped_or_changed_while_it_is_used_is_said() {
    let server = PostgresServer::shared();
    for (damage, reason) in [
        ("DROP SCHEMA omnichat CASCADE", "does not exist"),
        (
            "ALTER TABLE omnichat.runners RENAME TO others; ALTER TABLE omnichat.turns RENAME TO more",
            "does not exist",
        ),
    ] {
        let (store, url) = fresh().await;
        Scene::new(&store).await.conversation(&store).await;
        is_ready(&store).await;
        server.sql(&url, damage);
        let why = not_ready(&store).await;
        assert!(why.contains(reason), "{why}");
        let scene = Scene { owner: UserId(1), runner: RunnerId(Uuid::now_v7()) };
        assert!(is_unavailable(&store.renew(scene.runner).await));
        let begun = store.begin(scene.begin_new("q")).await;
        assert!(matches!(begun, Err(BeginError::Store(StoreError::Unavailable(_)))), "{begun:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encoding_that_would_lose_text_is_refused() {
    let server = PostgresServer::shared();
    for encoding in ["LATIN1", "SQL_ASCII"] {
        let name = format!("in_{}", encoding.to_lowercase());
        let create = format!(
            "CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
        );
        server.sql("postgres", &create);
        is_refused(&server.url(&name), &format!("the encoding of the database is {encoding}")).await;
    }
}

/// A server that answers each message of a client with what `answer` makes of it.
fn server(answer: impl Fn(&mut TcpStream, &[u8]) -> std::io::Result<()> + Send + Clone + 'static) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("postgres://x@{}/x", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let answer = answer.clone();
            std::thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = client.read(&mut buffer) {
                    if answer(&mut client, &buffer[..count]).is_err() {
                        return;
                    }
                }
            });
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_suitable_server_is_refused_in_time() {
    const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
    let http = server(|client, _| client.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"));
    let closes = server(|_, _| Err(std::io::ErrorKind::Other.into()));
    let echoes = server(Write::write_all);
    // PostgreSQL 9.6, as far as its first messages.
    let old = server(|client, message| {
        if message == SSL_REQUEST {
            return client.write_all(b"N");
        }
        client.write_all(b"R\0\0\0\x08\0\0\0\0S\0\0\0\x1aserver_version\x009.6.24\0Z\0\0\0\x05I")
    });
    let nobody = format!("postgres://x@127.0.0.1:{}/x", testkit::free_port());
    for (url, reason) in [
        (http.as_str(), "unexpected response"),
        (&closes, ""),
        (&echoes, ""),
        (&old, "the database is PostgreSQL 9, and 14 or newer is needed"),
        (&nobody, "refused"),
        ("postgres://x@no-such-host.invalid/x", ""),
    ] {
        let start = Instant::now();
        is_refused(url, reason).await;
        assert!(start.elapsed() < PATIENCE, "{url}: {:?}", start.elapsed());
    }
}

fn cut_connections(url: &str) {
    PostgresServer::shared().sql(
        url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE pid <> pg_backend_pid() AND application_name = 'omnichat' AND datname IN (current_database(), 'made_later')",
    );
}

/// Waits until the store is ready, and takes calls.
async fn is_mended(store: &PostgresStore) {
    let start = Instant::now();
    while store.check().await.is_err() || store.renew(RunnerId(Uuid::now_v7())).await.is_err() {
        assert!(start.elapsed() < PATIENCE, "not mended");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
