//! A PostgreSQL server that stops and starts again.

use std::sync::Arc;

use serde_json::json;
use testkit::fake_llm::{Gate, Reply};
use testkit::{FakeLlm, PostgresServer};

use crate::support::{App, wait_until};

async fn wait_for(app: &App, path: &str, status: u16) {
    let url = format!("{}{path}", app.url);
    wait_until(&format!("{path} answers {status}"), async || {
        // At first, no server listens.
        app.http.get(&url).send().await.is_ok_and(|answer| answer.status() == status)
    })
    .await;
}

/// S0-44, S0-74, F23, F24
#[tokio::test(flavor = "multi_thread")]
async fn the_service_survives_an_outage_of_its_database() {
    let server = PostgresServer::options().start();
    let url = server.database().await;
    server.stop_hard();

    // The application starts without its database, and reports that.
    let mut app = App::over(Some(url), Arc::new(FakeLlm::start().await), &[]);
    app.spawn();
    wait_for(&app, "/health/live", 200).await;
    assert_eq!(app.probe("/health/ready").await.status, 503);
    assert_eq!(app.probe("/health").await.json()["status"], "unhealthy");
    server.start_again();
    wait_for(&app, "/health/ready", 200).await;

    let user = app.user("ann").await;
    let id = user.conversation().await;
    user.say(&id, "one").await.ok();

    // The database stops in the middle of a turn; the reply is kept nevertheless.
    let gate = Gate::closed();
    app.llm.script(Reply::text("one two three").waiting_after_words(1, &gate));
    let asking = tokio::spawn({
        let (user, id) = (user.clone(), id.clone());
        async move { user.say(&id, "two").await }
    });
    app.llm.wait_for_calls(2).await;
    server.stop_hard();
    let refused = user.get(&format!("/conversations/{id}")).await;
    assert_eq!(refused.status, 503, "{}", refused.text);
    assert!(refused.header("retry-after").parse::<u32>().unwrap() >= 1);
    let refused = user.post("/chat", json!({"input": "hi"})).await;
    refused.is_error(503, "database_unavailable");
    assert!(refused.header("retry-after").parse::<u32>().unwrap() >= 1);
    assert_eq!(app.probe("/health/live").await.status, 200);
    wait_for(&app, "/health/ready", 503).await;
    gate.open();
    // The provider has sent everything while the database is still away.
    app.llm.wait_until_idle().await;
    server.start_again();
    let answer = asking.await.unwrap().ok();
    assert_eq!(answer["response"], "one two three");
    wait_for(&app, "/health/ready", 200).await;
    assert_eq!(user.history(&id).await.len(), 4);
    user.say(&id, "three").await.ok();
}
