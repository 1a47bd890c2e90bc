//! pgbouncer between the service and PostgreSQL; all contracts pass it in `walk.rs`.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use testkit::fake_llm::{Gate, Reply};
use testkit::{FakeLlm, PgBouncer, PoolMode, PostgresServer};

use super::unusable_database::{LINE, is_refused, start, wait_for};
use crate::support::{App, Store, User, sql, wait_within};

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
    let log = app.log();
    assert_eq!(log.lines().filter(|line| line.contains(LINE)).count(), 1, "{log}");
    assert_eq!(sql(&direct, rows), before);

    pooler.reload(PoolMode::Session, "");
    wait_for(&app, "/health/ready", 200).await;
    ann.say(&id, "two").await.ok();
    assert_eq!(ann.history(&id).await.len(), 4);
}

/// The lock of a process is given back when pgbouncer loses the connection of the process.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_is_known_dead_behind_session_pooling() {
    let server = PostgresServer::shared();
    let pooler = PgBouncer::start(server, PoolMode::Session, "");
    let mut app = start(&pooler.url(&server.database().await), &Arc::new(FakeLlm::start().await));
    app.wait_until_ready().await;
    app.wait_for_log("a lock shows that this process is alive").await;
    let user = app.user("ann").await;
    let id = user.conversation().await;
    let gate = Gate::closed();
    app.llm.script(Reply::text("one two three").waiting_after_words(1, &gate));
    let question = json!({"input": "hi", "conversation_id": id});
    let asking = tokio::spawn(user.request(Method::POST, "/chat").json(&question).send());
    app.wait_for_partial_text().await;
    app.kill();
    gate.open();
    assert!(asking.await.unwrap().is_err(), "the connection did not break");
    app.start_again().await;
    // The lease of the killed process lasts for 15 s at least.
    wait_within(Duration::from_secs(10), "the conversation is free again", async || {
        user.post("/chat", json!({"input": "next", "conversation_id": id})).await.status == 200
    })
    .await;
}
