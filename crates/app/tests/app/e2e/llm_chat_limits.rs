//! Contract S0: rate limits of `POST /chat`.

use serde_json::json;

use super::llm_chat::{answer_titles, chat};
use crate::support::{App, Store, on_sqlite_alone, wait_until};

on_sqlite_alone!(a_label_can_make_ten_calls_a_minute, tiers_limit_all_model_calls_of_a_user);

/// S0-58, S0-73, C-13
async fn a_label_can_make_ten_calls_a_minute(store: Store) {
    let app = App::start_with(store, &[("RATE_LIMIT_PER_MINUTE", "10")]).await;
    answer_titles(&app);
    let user = app.user("ann").await;
    let calls = (0..50).map(|_| {
        let user = user.clone();
        tokio::spawn(async move { chat(&user, json!({"input": "hi", "user_id": "user1"})).await })
    });
    let mut passed = 0;
    for call in calls.collect::<Vec<_>>() {
        let answer = call.await.unwrap();
        if answer.status == 200 {
            passed += 1;
        } else {
            answer.is_error(429, "rate_limit_exceeded");
            let wait: u64 = answer.header("retry-after").parse().unwrap();
            assert!((1..=60).contains(&wait), "{wait}");
            assert_eq!(answer.header("ratelimit-remaining"), "0");
        }
    }
    assert_eq!(passed, 10);
    chat(&user, json!({"input": "hi", "user_id": "user2"})).await.ok();
    // A request that is refused for another reason is not counted.
    for _ in 0..12 {
        let body = json!({"input": "hi", "user_id": "user3", "conversation_id": "conv_x"});
        chat(&user, body).await.is_error(404, "conversation_not_found");
    }
    chat(&user, json!({"input": "hi", "user_id": "user3"})).await.ok();
    // This limit does not apply to other contracts.
    let id = user.conversation().await;
    user.say(&id, "hi").await.ok();
}

/// C-13
async fn tiers_limit_all_model_calls_of_a_user(store: Store) {
    let app = App::start_with(store, &[("RATE_LIMIT_TIERS", "free=3,pro=300,enterprise=1200")]).await;
    answer_titles(&app);
    let user = app.user("ann").await;
    let id = user.conversation().await;
    for _ in 0..3 {
        user.say(&id, "hi").await.ok();
    }
    user.say(&id, "hi").await.is_error(429, "rate_limit_exceeded");
    chat(&user, json!({"input": "hi"})).await.is_error(429, "rate_limit_exceeded");
    user.get("/conversation").await.ok();
    let raised = app.command().args(["user", "ann", "--tier", "pro"]).output().unwrap();
    assert!(raised.status.success(), "{raised:?}");
    // Accounts are cached for five seconds.
    wait_until("the new tier is known", async || {
        let answer = user.say(&id, "hi").await;
        if answer.status != 200 {
            answer.is_error(429, "rate_limit_exceeded");
        }
        answer.status == 200
    })
    .await;
}
