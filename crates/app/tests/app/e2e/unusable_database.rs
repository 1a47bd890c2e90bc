//! Databases that the service cannot use: it runs and is not ready, refuses all calls with 503, says why in one line of
//! the log, and goes on by itself once the reason is gone.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;

use serde_json::json;
use testkit::{FakeLlm, PostgresServer};

use crate::support::{App, wait_until};

/// What the log says once, with the reason beside it.
pub(super) const LINE: &str = "the database cannot be used";

pub(super) fn start(url: &str, llm: &Arc<FakeLlm>) -> App {
    let mut app = App::over(Some(url.to_owned()), Arc::clone(llm), &[]);
    app.spawn();
    app
}

pub(super) async fn wait_for(app: &App, path: &str, status: u16) {
    let url = format!("{}{path}", app.url);
    wait_until(&format!("{path} answers {status}"), async || {
        app.http.get(&url).send().await.is_ok_and(|answer| answer.status() == status)
    })
    .await;
}

/// Checks that the service is alive, not ready, and says why, and that a call that needs no token gets 503.
pub(super) async fn is_refused(app: &App, reason: &str) {
    wait_for(app, "/health/live", 200).await;
    wait_until(&format!("the log says {reason:?}"), async || {
        let log = app.log();
        log.lines().any(|line| line.contains(LINE) && line.contains(reason))
    })
    .await;
    assert_eq!(app.probe("/health/ready").await.status, 503, "{reason}");
    let refused = app.post("/auth/register", json!({"username": "eve", "password": "password123"})).await;
    refused.is_error(503, "database_unavailable");
    assert!(refused.header("retry-after").parse::<u32>().unwrap() >= 1);
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
