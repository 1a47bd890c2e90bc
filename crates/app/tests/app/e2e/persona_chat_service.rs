//! Contract S4, row by row: settings, limits, and providers that fail.

use std::time::{Duration, Instant};

use serde_json::json;
use testkit::fake_llm::{Gate, InjectedFault, Reply};

use crate::support::persona_chat::{conversation, held, send};
use crate::support::{Answer, App, Store, on_both_stores, on_sqlite_alone, wait_until};

on_both_stores!(calls_beyond_the_limit_wait_until_another_one_ends);
on_sqlite_alone!(
    the_settings_of_persona_chat_are_its_own,
    bad_settings_refuse_to_start,
    sends_are_limited_for_each_user,
    only_model_calls_are_counted,
    a_provider_that_fails_has_the_documented_status,
    a_provider_that_hangs_is_given_up,
    a_provider_that_does_not_answer_is_unhealthy,
    the_check_of_the_provider_is_cached,
    a_trial_needs_no_key,
);

/// S4-27, S4-28, S4-47
async fn the_settings_of_persona_chat_are_its_own(store: Store) {
    let settings = [
        ("OPENAI_MODEL", "gpt-4"),
        ("OPENAI_MAX_TOKENS", "50"),
        ("OPENAI_TEMPERATURE", "0.25"),
        ("OMNICHAT_LIMITS__HISTORY_LIMIT", "3"),
    ];
    let app = App::start_with(store, &settings).await;
    let user = held(&app).await;
    for number in 0..3 {
        send(&user, 1, &format!("n{number}")).await.ok();
    }
    let call = app.llm.calls().pop().unwrap();
    assert_eq!((&call.body["model"], &call.body["max_tokens"]), (&json!("gpt-4"), &json!(50)));
    assert_eq!(call.body["temperature"].as_f64(), Some(0.25));
    let told: Vec<String> = call.messages().into_iter().skip(1).map(|(_, text)| text).collect();
    // As many whole exchanges as the limit allows.
    assert_eq!(told, ["n1", "You said: n1", "n2"]);
    // In the same conversation, other contracts use their own settings.
    user.say("1", "hi").await.ok();
    let call = app.llm.calls().pop().unwrap();
    assert_eq!(call.body["model"], "gpt-3.5-turbo");
    assert!(call.body.get("max_tokens").is_none() && call.body.get("temperature").is_none(), "{}", call.body);
    assert_eq!(call.messages().len(), 8);
}

/// S4-26, S4-27
async fn bad_settings_refuse_to_start(store: Store) {
    let app = App::start(store).await;
    for (name, value) in [
        ("OPENAI_API_KEY", ""),
        ("OPENAI_TEMPERATURE", "1.5"),
        ("OPENAI_TEMPERATURE", "-0.1"),
        ("OPENAI_MAX_TOKENS", "0"),
        ("OPENAI_MODEL", "no such model!"),
    ] {
        let output = app.command().env(name, value).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{name}={value} starts");
        assert!(told.contains(name), "{name}={value}: {told}");
    }
}

/// S4-47, S4-54, C-13
async fn sends_are_limited_for_each_user(store: Store) {
    let app = App::start_with(store, &[("RATE_LIMIT_TIERS", "free=2,pro=300,enterprise=1200")]).await;
    let user = held(&app).await;
    for left in ["1", "0"] {
        let answer = send(&user, 1, "hi").await;
        answer.ok();
        assert_eq!((answer.header("ratelimit-limit"), answer.header("ratelimit-remaining")), ("2", left));
    }
    let answer = send(&user, 1, "hi").await;
    answer.is_error(429, "rate_limit_exceeded");
    assert!((1..=60).contains(&answer.header("retry-after").parse::<u32>().unwrap()));
    assert_eq!(answer.header("ratelimit-remaining"), "0");
    // A user's cost is limited by the number of replies per minute and the tokens per reply.
    assert!(app.llm.calls().iter().all(|call| call.body["max_tokens"] == 1000));
    assert_eq!(app.llm.call_count(), 2);
    let other = app.user("bob").await;
    let persona = other.post("/personas", json!({"name": "Bo", "relation_type": "child"})).await.ok();
    let own = conversation(&other, persona["id"].as_i64().unwrap(), "T").await;
    send(&other, own, "hi").await.ok();
}

/// S4-47, C-13
async fn only_model_calls_are_counted(store: Store) {
    let app = App::start_with(store, &[("RATE_LIMIT_TIERS", "free=1,pro=1,enterprise=1")]).await;
    let user = held(&app).await;
    for _ in 0..3 {
        send(&user, 99, "hi").await.is_error(404, "conversation_not_found");
        send(&user, 1, " ").await.is_error(422, "validation_error");
        user.get("/chat/stats").await.ok();
    }
    send(&user, 1, "hi").await.ok();
    send(&user, 1, "hi").await.is_error(429, "rate_limit_exceeded");
    for path in
        ["/personas", "/chat/conversations", "/chat/conversations/1/messages", "/chat/stats", "/auth/me"]
    {
        user.get(path).await.ok();
    }
    conversation(&user, 1, "Another").await;
    user.delete("/chat/messages/1").await.ok();
    assert_eq!(user.get("/chat/conversations/1/messages").await.ok().as_array().unwrap().len(), 1);
}

/// S4-36, C-14
async fn a_provider_that_fails_has_the_documented_status(store: Store) {
    let app = App::start_with(store, &[("OMNICHAT_PROVIDER__ATTEMPTS", "1")]).await;
    let user = held(&app).await;
    for (fault, status, code) in [
        (InjectedFault::rate_limited(120), 429, "upstream_rate_limited"),
        (InjectedFault::status(503), 500, "upstream_unavailable"),
        (InjectedFault::status(500), 500, "upstream_unavailable"),
        (InjectedFault::status(401), 500, "upstream_unauthorized"),
        (InjectedFault::status(403), 500, "upstream_unauthorized"),
        (InjectedFault::status(400), 400, "upstream_rejected"),
        (InjectedFault::status(404), 400, "upstream_rejected"),
    ] {
        app.llm.script(Reply::fault(fault.clone()));
        let answer = send(&user, 1, "hi").await;
        answer.is_error(status, code);
        let expected = if status == 429 { "120" } else { "" };
        assert_eq!(answer.header("retry-after"), expected, "{fault:?}");
        assert_eq!(answer.header("www-authenticate"), "");
    }
    send(&user, 1, "hi").await.ok();
}

/// S4-36, S4-48
async fn a_provider_that_hangs_is_given_up(store: Store) {
    let settings = [
        ("OMNICHAT_PROVIDER__FIRST_EVENT_TIMEOUT_SECONDS", "1"),
        ("OMNICHAT_PROVIDER__IDLE_TIMEOUT_SECONDS", "1"),
    ];
    let app = App::start_with(store, &settings).await;
    let user = held(&app).await;
    app.llm.script(Reply::fault(InjectedFault::HangBeforeHeaders));
    let asked = Instant::now();
    send(&user, 1, "hi").await.is_error(500, "upstream_timeout");
    // Without these settings it would be given up after a minute.
    assert!(asked.elapsed() < Duration::from_secs(30), "{:?}", asked.elapsed());
    assert_eq!(app.llm.call_count(), 1);
    send(&user, 1, "hi").await.ok();
}

/// S4-25
async fn a_provider_that_does_not_answer_is_unhealthy(store: Store) {
    let app = App::start(store).await;
    let unhealthy = json!({"status": "unhealthy", "openai_api": "disconnected"});
    let router = |url: &str| {
        let settings = [
            ("LLM_PROVIDER", "openrouter".to_owned()),
            ("OPENROUTER_API_KEY", "or-key".to_owned()),
            ("OPENROUTER_BASE_URL", url.to_owned()),
        ];
        async move {
            let settings = settings.each_ref().map(|(name, value)| (*name, value.as_str()));
            App::start_with(store, &settings).await
        }
    };
    let nobody = format!("http://127.0.0.1:{}/v1", testkit::free_port());
    let away = App::start_with(store, &[("OPENAI_BASE_URL", &nobody)]).await;
    assert_eq!(away.probe("/chat/health").await.ok(), unhealthy);
    assert_eq!(router(&nobody).await.probe("/chat/health").await.ok(), unhealthy);
    assert_eq!(router(&app.llm.base_url()).await.probe("/chat/health").await.ok()["status"], "healthy");
    app.llm.require_key("another key");
    assert_eq!(app.probe("/chat/health").await.ok(), unhealthy);
}

/// S4-25, C-28
async fn the_check_of_the_provider_is_cached(store: Store) {
    let app = App::start(store).await;
    let looks: Vec<_> = (0..20)
        .map(|_| {
            let request = app.http.get(format!("{}/chat/health", app.url));
            tokio::spawn(async move { Answer::read(request.send().await.unwrap()).await })
        })
        .collect();
    for look in looks {
        let expected = json!({"status": "healthy", "openai_api": "connected"});
        assert_eq!(look.await.unwrap().ok(), expected);
    }
    assert_eq!(app.llm.call_count(), 1);
}

/// S4-48
async fn calls_beyond_the_limit_wait_until_another_one_ends(store: Store) {
    let app = App::start_with(store, &[("OMNICHAT_PROVIDER__MAX_CONCURRENT_CALLS", "2")]).await;
    let user = held(&app).await;
    let mut talks = vec![1];
    for _ in 0..3 {
        talks.push(conversation(&user, 1, "T").await);
    }
    let gate = Gate::closed();
    app.llm.otherwise(Reply::text("done").waiting_after_words(1, &gate));
    let sends: Vec<_> = talks
        .into_iter()
        .map(|talk| {
            let user = user.clone();
            tokio::spawn(async move { send(&user, talk, "hi").await })
        })
        .collect();
    app.llm.wait_for_calls(2).await;
    // Every turn has begun, and no call ends before the gate opens.
    wait_until("all questions are kept", async || user.get("/chat/stats").await.ok()["total_messages"] == 4)
        .await;
    gate.open();
    for send in sends {
        assert_eq!(send.await.unwrap().ok()["assistant_message"]["content"], "done");
    }
    assert_eq!((app.llm.call_count(), app.llm.most_open_streams()), (4, 2));
    let documented = include_str!("../../../../../docs/OPERATIONS.md");
    assert!(documented.contains("makes at most `OMNICHAT_PROVIDER__MAX_CONCURRENT_CALLS` calls"));
}

/// S4-34
async fn a_trial_needs_no_key(store: Store) {
    let settings = [("LLM_PROVIDER", ""), ("OPENAI_API_KEY", ""), ("OPENAI_BASE_URL", "")];
    let app = App::start_with(store, &settings).await;
    let user = held(&app).await;
    let body = send(&user, 1, "Hello!").await.ok();
    assert!(!body["assistant_message"]["content"].as_str().unwrap().is_empty());
    assert_eq!(app.probe("/chat/health").await.ok()["openai_api"], "connected");
    assert_eq!(app.llm.call_count(), 0);
}
