//! Several processes on one database: each of them gives correct responses.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;
use testkit::PostgresServer;
use testkit::fake_llm::{FakeLlm, InjectedFault, Place, Reply};

use crate::support::{App, User};

/// Two applications on one new database.
pub(crate) async fn two() -> (App, App) {
    two_over(PostgresServer::shared().database().await).await
}

/// Two applications on this database, which is empty.
pub(crate) async fn two_over(url: String) -> (App, App) {
    let llm = Arc::new(FakeLlm::start().await);
    let mut apps = [App::over(Some(url.clone()), Arc::clone(&llm), &[]), App::over(Some(url), llm, &[])];
    // Both migrate it at once.
    apps.iter_mut().for_each(App::spawn);
    for app in &mut apps {
        app.wait_until_ready().await;
    }
    let [first, second] = apps;
    (first, second)
}

pub(crate) async fn stream(user: &User, id: &str) -> reqwest::Response {
    let request = user
        .request(Method::POST, &format!("/conversation/completion/{id}"))
        .json(&json!({"message": "hi", "stream": true}));
    request.send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_is_stopped_from_another_process() {
    let (here, there) = two().await;
    let user = here.user("ann").await;
    let id = user.conversation().await;
    here.llm.script(Reply::text("one two three").with(InjectedFault::HangAfter(Place::Words(1))));
    let mut answer = stream(&user, &id).await;
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "one ");
    let asked = Instant::now();
    let elsewhere = there.welcome(&user);
    elsewhere.say(&id, "at once").await.is_error(409, "conversation_busy");
    elsewhere.post_nothing(&format!("/conversations/{id}/stop")).await.ok();
    here.llm.wait_until_idle().await;
    // The call would hang for a minute.
    assert!(asked.elapsed() < Duration::from_secs(30), "{:?}", asked.elapsed());
    let history = elsewhere.wait_for_history(&id, 2).await;
    assert_eq!(history, ["user: hi", "assistant: one  (stopped)"]);
    elsewhere.say(&id, "next").await.ok();
    assert_eq!(user.history(&id).await.len(), 4);
}

/// F18
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_dies_leaves_its_turn_to_the_others() {
    let (mut here, there) = two().await;
    let user = here.user("ann").await;
    let id = user.conversation().await;
    here.llm.script(Reply::text("one two three").with(InjectedFault::HangAfter(Place::Words(1))));
    let mut answer = stream(&user, &id).await;
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "one ");
    here.wait_for_partial_text().await;
    here.kill();
    let killed = Instant::now();
    let elsewhere = there.welcome(&user);
    let history = elsewhere.wait_for_history(&id, 2).await;
    assert_eq!(history, ["user: hi", "assistant: one  (interrupted)"]);
    elsewhere.say(&id, "next").await.ok();
    // By two looks at its lock, a second apart. Its lease lasts for 15 s at least.
    assert!(killed.elapsed() < Duration::from_secs(10), "{:?}", killed.elapsed());
}

/// Sends to one conversation through both processes at once: one turn runs at a time, in either process.
#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_runs_one_turn_at_a_time_over_both() {
    let (here, there) = two().await;
    let user = here.user("ann").await;
    let users = [user.clone(), there.welcome(&user)];
    let id = user.conversation().await;
    let mut answered = 0;
    for round in 0..4 {
        let sends = (0..32).map(|number| {
            let (user, id) = (users[number % 2].clone(), id.clone());
            tokio::spawn(async move { user.say(&id, &format!("{round}-{number}")).await })
        });
        for send in sends.collect::<Vec<_>>() {
            let answer = send.await.unwrap();
            if answer.status == 200 {
                answered += 1;
            } else {
                answer.is_error(409, "conversation_busy");
            }
        }
    }
    let history = user.history(&id).await;
    assert_eq!(history.len(), 2 * answered);
    for exchange in history.chunks(2) {
        let question = exchange[0].strip_prefix("user: ").expect("a question");
        assert_eq!(exchange[1], format!("assistant: You said: {question}"));
    }
}
