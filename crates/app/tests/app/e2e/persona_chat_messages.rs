//! Contract S4, row by row: messages, replies and their costs.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::fake_llm::{Gate, InjectedFault, Place, Reply};

use crate::support::persona_chat::{conversation, each, held, send};
use crate::support::{App, Store, on_both_stores, on_sqlite_alone};

on_both_stores!(
    the_figures_of_a_reply_are_kept,
    a_conversation_has_one_turn_at_a_time,
    a_deleted_message_keeps_its_cost,
    deleted_messages_are_not_counted_in_the_statistics,
    a_failed_turn_keeps_what_there_is,
    a_long_history_is_paged,
);
on_sqlite_alone!(a_model_is_called_by_its_configured_name);

/// S4-6, S4-17, S4-18, S4-19, S4-20, S4-21, S4-59, C-9
async fn the_figures_of_a_reply_are_kept(store: Store) {
    let app = App::start(store).await;
    let user = held(&app).await;
    app.llm.script(Reply::text("one two three").slowly(Duration::from_millis(100)));
    let answer = send(&user, 1, "Hello!").await;
    let sent = answer.ok();
    let (question, reply) = (&sent["user_message"], &sent["assistant_message"]);
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(question), ["content", "conversation_id", "created_at", "id", "role"]);
    assert!(reply["response_time_ms"].as_u64().unwrap() >= 300, "{reply}");
    let figures = app.llm.calls()[0].figures.unwrap();
    assert_eq!(reply["tokens_used"], figures.input + figures.output);
    // The list has the same values as the response.
    assert_eq!(user.get("/chat/conversations/1/messages").await.ok(), json!([question, reply]));
    assert_eq!(user.get("/chat/conversations/1").await.ok(), sent["conversation"]);
    let conversation = &sent["conversation"];
    for time in [
        &conversation["created_at"],
        &conversation["updated_at"],
        &question["created_at"],
        &reply["created_at"],
    ] {
        let time = time.as_str().unwrap();
        assert!(
            time.len() == 27 && &time[10..11] == "T" && &time[19..20] == "." && time.ends_with('Z'),
            "{time}"
        );
    }
    let created = conversation["created_at"].as_str().unwrap();
    assert!(conversation["updated_at"].as_str().unwrap() > created);
    assert!(reply["created_at"].as_str().unwrap() > question["created_at"].as_str().unwrap());
    assert_eq!(answer.header("x-turn-id").len(), 36);
}

/// S4-19, C-17
async fn a_model_is_called_by_its_configured_name(store: Store) {
    let app = App::start(store).await;
    let user = held(&app).await;
    app.llm.script(Reply::text("hi").by_model("gpt-3.5-turbo-0125"));
    assert_eq!(send(&user, 1, "hi").await.ok()["assistant_message"]["model_used"], "gpt-3.5-turbo");

    let settings = [
        ("LLM_PROVIDER", "openrouter"),
        ("OPENROUTER_API_KEY", "or-key"),
        ("OPENROUTER_BASE_URL", &app.llm.base_url()),
    ];
    let router = App::start_with(store, &settings).await;
    let user = held(&router).await;
    app.llm.script(Reply::text("hi").by_model("openai/gpt-3.5-turbo-0125"));
    assert_eq!(send(&user, 1, "hi").await.ok()["assistant_message"]["model_used"], "gpt-3.5-turbo");
    assert_eq!(app.llm.calls().pop().unwrap().model(), "openai/gpt-3.5-turbo");
}

/// S4-23, C-38
async fn a_conversation_has_one_turn_at_a_time(store: Store) {
    let app = App::start(store).await;
    let user = held(&app).await;
    let gate = Gate::closed();
    app.llm.script(Reply::text("one two").waiting_after_words(1, &gate));
    let sending = tokio::spawn({
        let user = user.clone();
        async move { send(&user, 1, "hi").await }
    });
    app.llm.wait_for_calls(1).await;
    let busy = send(&user, 1, "second").await;
    busy.is_error(409, "conversation_busy");
    assert!(busy.header("retry-after").parse::<u32>().unwrap() >= 1);
    let in_use = user.delete("/chat/messages/1").await;
    in_use.is_error(409, "conversation_busy");
    assert!(in_use.header("retry-after").parse::<u32>().unwrap() >= 1);
    // Another conversation is not affected.
    let other = conversation(&user, 1, "Other").await;
    send(&user, other, "hi").await.ok();
    gate.open();
    assert_eq!(sending.await.unwrap().ok()["assistant_message"]["content"], "one two");
    let list = user.get("/chat/conversations/1/messages").await.ok();
    assert_eq!(each(&list, "content"), ["hi", "one two"]);
    user.delete("/chat/messages/1").await.ok();
}

/// S4-23, S4-24
async fn a_deleted_message_keeps_its_cost(store: Store) {
    let app = App::start(store).await;
    let (user, other) = (held(&app).await, app.user("bob").await);
    send(&user, 1, "one").await.ok();
    let before = user.get("/chat/stats").await.ok();
    other.delete("/chat/messages/2").await.is_error(403, "message_forbidden");
    user.delete("/chat/messages/2").await.ok();
    user.delete("/chat/messages/2").await.is_error(404, "message_not_found");
    let after = user.get("/chat/stats").await.ok();
    assert_eq!((&before["total_messages"], &after["total_messages"]), (&json!(2), &json!(1)));
    for key in ["total_conversations", "total_tokens", "estimated_cost_usd"] {
        assert_eq!(before[key], after[key], "{key}");
    }
    assert_eq!(user.get("/conversations/1").await.ok()["total_tokens"], before["total_tokens"]);
    // The route also deletes messages of conversations without a persona, if they are the caller's.
    let plain = user.conversation().await;
    user.say(&plain, "hi").await.ok();
    assert_eq!(other.delete("/chat/messages/3").await.status, 404);
}

/// S4-24
async fn deleted_messages_are_not_counted_in_the_statistics(store: Store) {
    let app = App::start(store).await;
    let (user, other) = (held(&app).await, app.user("bob").await);
    send(&user, 1, "one").await.ok();
    let one = user.get("/chat/stats").await.ok();
    let second = conversation(&user, 1, "Second").await;
    send(&user, second, "two").await.ok();
    let two = user.get("/chat/stats").await.ok();
    assert_eq!((&two["total_conversations"], &two["total_messages"]), (&json!(2), &json!(4)));
    user.delete(&format!("/conversations/{second}")).await.ok();
    assert_eq!(user.get("/chat/stats").await.ok(), one);
    user.post_nothing(&format!("/conversations/{second}/restore")).await.ok();
    assert_eq!(user.get("/chat/stats").await.ok(), two);
    user.delete(&format!("/chat/conversations/{second}")).await.ok();
    assert_eq!(user.get("/chat/stats").await.ok(), one);
    let nothing = json!({
        "total_conversations": 0, "total_messages": 0, "total_tokens": 0, "estimated_cost_usd": 0.0
    });
    assert_eq!(other.get("/chat/stats").await.ok(), nothing);
}

/// C-39
async fn a_failed_turn_keeps_what_there_is(store: Store) {
    let app = App::start(store).await;
    let user = held(&app).await;
    app.llm.script(Reply::text("half of it").with(InjectedFault::EndAfter(Place::Words(2))));
    assert_eq!(send(&user, 1, "one").await.status, 500);
    app.llm.script(Reply::fault(InjectedFault::status(401)));
    send(&user, 1, "two").await.is_error(500, "upstream_unauthorized");
    let list = user.get("/chat/conversations/1/messages").await.ok();
    assert_eq!(each(&list, "content"), ["one", "half of ", "two"]);
    assert_eq!(each(&list, "state"), [Value::Null, json!("failed"), Value::Null]);
    send(&user, 1, "three").await.ok();
    let told = app.llm.calls().pop().unwrap().messages();
    let told: Vec<&str> = told[1..].iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(told, ["one", "half of ", "three"]);
    assert_eq!(user.get("/conversations/1").await.ok()["message_count"], 2);
}

/// S4-22, S4-51
async fn a_long_history_is_paged(store: Store) {
    let app = App::start(store).await;
    let user = held(&app).await;
    for number in 0..26 {
        send(&user, 1, &format!("n{number}")).await.ok();
    }
    let page = |query: &'static str| {
        let (user, path) = (user.clone(), format!("/chat/conversations/1/messages{query}"));
        async move { each(&user.get(&path).await.ok(), "id") }
    };
    let numbers = |range: std::ops::RangeInclusive<i64>| range.map(Value::from).collect::<Vec<_>>();
    assert_eq!(page("").await, numbers(1..=52));
    assert_eq!(page("?limit=50").await, numbers(3..=52));
    assert_eq!(page("?limit=10&offset=50").await, numbers(1..=2));
    assert_eq!(page("?limit=10&offset=5").await, numbers(38..=47));
    assert_eq!(page("?offset=50").await, numbers(1..=2));
    assert_eq!(page("?limit=10&offset=52").await, Vec::<Value>::new());
    for query in ["limit=0", "limit=1001", "limit=-1", "offset=-1", "limit=x"] {
        let path = format!("/chat/conversations/1/messages?{query}");
        user.get(&path).await.is_error(422, "validation_error");
    }
}
