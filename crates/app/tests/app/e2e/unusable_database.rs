//! Databases that the service cannot use: it runs and is not ready, refuses all calls with 503, says why in one line of
//! the log, and goes on by itself once the reason is gone.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use testkit::{FakeLlm, PgBouncer, PoolMode, PostgresServer};

use crate::support::{App, Store, User, sql, wait_within};

/// What the log says once, with the reason beside it.
const LINE: &str = "the database cannot be used";

fn start(url: &str, llm: &Arc<FakeLlm>) -> App {
    let mut app = App::over(Some(url.to_owned()), Arc::clone(llm), &[]);
    app.spawn();
    app
}

async fn wait_for(app: &App, path: &str, status: u16) {
    let url = format!("{}{path}", app.url);
    wait_within(Duration::from_secs(10), &format!("{path} answers {status}"), async || {
        app.http.get(&url).send().await.is_ok_and(|answer| answer.status() == status)
    })
    .await;
}

/// Checks that the service is alive, not ready, and says why, and that a call that needs no token gets 503.
async fn is_refused(app: &App, reason: &str) {
    wait_for(app, "/health/live", 200).await;
    wait_within(Duration::from_secs(10), &format!("the log says {reason:?}"), async || {
        let log = app.log();
        log.lines().any(|line| line.contains(LINE) && line.contains(reason))
    })
    .await;
    assert_eq!(app.probe("/health/ready").await.status, 503, "{reason}");
    let refused = app.post("/auth/register", json!({"username": "eve", "password": "password123"})).await;
    refused.is_error(503, "database_unavailable");
    assert!(refused.header("retry-after").parse::<u32>().unwrap() >= 1);
}

fn lines_with(app: &App, text: &str) -> usize {
    app.log().lines().filter(|line| line.contains(text)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_prevents_the_use_of_the_database_is_said() {
    let server = PostgresServer::shared();
    let database = server.database().await;
    server.sql(&database, "CREATE ROLE guarded SUPERUSER LOGIN PASSWORD 'right'");
    server.sql(
        "postgres",
        "CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
    );
    let wrong_password = database.replacen("omnichat@", "guarded:canary-5d2e@", 1);
    let llm = Arc::new(FakeLlm::start().await);
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let http = http_server();
    let cases = [
        (wrong_password, "password authentication failed"),
        (server.url("no_such_database"), "does not exist"),
        (database.replacen("omnichat@", "no_such_role@", 1), "does not exist"),
        (server.url("latin"), "the encoding of the database is LATIN1"),
        (format!("postgres://x@{}/x", silent.local_addr().unwrap()), "no answer within"),
        (format!("postgres://x@{http}/x"), "unexpected response"),
    ];
    let apps: Vec<App> = cases.iter().map(|(url, _)| start(url, &llm)).collect();
    for (app, (_, reason)) in apps.iter().zip(&cases) {
        is_refused(app, reason).await;
    }
    // It goes on once the operator has set it right.
    let mended = &apps[0];
    assert!(!mended.log().contains("canary-5d2e"));
    server.sql(&database, "ALTER ROLE guarded PASSWORD 'canary-5d2e'");
    wait_for(mended, "/health/ready", 200).await;
    mended.user("ann").await;
    mended.wait_for_log("the database can be used again").await;
}

/// An HTTP server; its address.
fn http_server() -> std::net::SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let _ = client.read(&mut [0; 4096]);
            let _ = client.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        }
    });
    address
}

/// pgbouncer in transaction mode, as Debian has it. Then an operator sets the mode.
#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_that_shares_sessions_is_refused_until_it_pools_sessions() {
    let direct = App::start(Store::Postgres).await;
    let ann = direct.user("ann").await;
    let id = ann.conversation().await;
    ann.say(&id, "one").await.ok();
    let rows = "SELECT (SELECT count(*) FROM omnichat.messages) + (SELECT count(*) FROM omnichat.runners)
                     + (SELECT count(*) FROM omnichat.users) + (SELECT count(*) FROM omnichat.turns)";
    let before = sql(&direct, rows);

    let pooler = PgBouncer::start(PostgresServer::shared(), PoolMode::Transaction, "");
    let app = start(&pooler.url(direct.database_url.as_ref().unwrap()), &direct.llm);
    is_refused(&app, "pool_mode = session").await;
    let ann: User = app.welcome(&ann);
    for refused in [
        ann.get(&format!("/conversations/{id}")).await,
        ann.get("/auth/me").await,
        ann.post("/chat", json!({"input": "two", "conversation_id": id})).await,
        ann.post("/chat", json!({"input": "two"})).await,
        ann.post("/personas/", json!({"name": "Alex", "relation_type": "friend"})).await,
    ] {
        assert_eq!(refused.status, 503, "{}", refused.text);
    }
    for _ in 0..20 {
        assert_eq!(app.probe("/health/ready").await.status, 503);
    }
    assert_eq!(lines_with(&app, LINE), 1, "{}", app.log());
    assert_eq!(sql(&direct, rows), before);

    pooler.reload(PoolMode::Session, "");
    wait_for(&app, "/health/ready", 200).await;
    ann.say(&id, "two").await.ok();
    assert_eq!(ann.history(&id).await.len(), 4);
}
