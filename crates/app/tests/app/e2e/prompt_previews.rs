//! Contract S1: previews of prompts.

use std::time::Duration;

use serde_json::json;
use testkit::fake_llm::{CallEnd, Figures, Gate, InjectedFault, Reply};

use crate::support::persona_chat::put;
use crate::support::prompts::{preview, prompt, shown};
use crate::support::{App, Store, Tab, on_both_stores, on_sqlite_alone, sql, wait_until};

on_both_stores!(
    a_preview_asks_the_preview_model_once,
    a_preview_of_a_version_asks_what_it_said,
    what_cannot_be_previewed_reaches_no_model,
    a_client_that_leaves_ends_the_call,
);
on_sqlite_alone!(
    hostile_values_are_sent_as_they_are,
    failed_previews_have_the_statuses_of_the_contract,
    previews_count_against_the_limit_of_the_tier,
    a_shutdown_ends_previews,
    another_preview_model_can_be_configured,
);

const LEDGER: &str = "SELECT purpose, model, input_tokens, output_tokens, conversation_id IS NULL, turn_id IS NULL FROM omnichat.ledger";

/// The rows of the ledger; both stores write booleans in another way.
fn ledger(app: &App) -> Vec<String> {
    sql(app, LEDGER).into_iter().map(|row| row.replace("|1|1", "|t|t")).collect()
}

/// S1-48, S1-49, S1-51, S1-54, C-13
async fn a_preview_asks_the_preview_model_once(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let id = prompt(&user, "T", "Summarize the following text: {text}").await;
    let before = shown(&user, id).await;
    let answer =
        preview(&user, json!({"prompt_id": id, "variables": {"text": "Sample text to summarize"}})).await;
    let asked = "Summarize the following text: Sample text to summarize";
    let expected =
        json!({"preview": format!("You said: {asked}"), "tokens_used": 18, "model_used": "gpt-3.5-turbo"});
    assert_eq!(answer.ok(), expected);
    assert!(answer.header("ratelimit-remaining").parse::<u32>().is_ok());
    let calls = app.llm.calls();
    let messages = calls[0].messages();
    assert_eq!((calls.len(), calls[0].model()), (1, "gpt-3.5-turbo"));
    assert_eq!(messages, [("user".to_owned(), asked.to_owned())]);
    assert_eq!(ledger(&app), ["preview|gpt-3.5-turbo|8|10|t|t"]);

    // Only the count changes, by one for each preview of the prompt.
    let mut expected = before;
    expected["usage_count"] = json!(1);
    assert_eq!(shown(&user, id).await, expected);
    let both = json!({"prompt_id": id, "content": "Other {text}", "variables": {"text": "x"}});
    assert_eq!(preview(&user, both).await.ok()["preview"], "You said: Summarize the following text: x");
    let content = json!({"content": "Summarize this text: {text}", "variables": {"text": "y"}});
    assert_eq!(preview(&user, content).await.ok()["preview"], "You said: Summarize this text: y");
    expected["usage_count"] = json!(2);
    assert_eq!(shown(&user, id).await, expected);
    assert_eq!(user.get("/api/chat/prompts/1/versions").await.ok()["items"].as_array().unwrap().len(), 1);
    // Without values the variable stays.
    for variables in [json!(null), json!({}), json!({"other": "x"})] {
        let answer = preview(&user, json!({"content": "a {text}", "variables": variables})).await;
        assert_eq!(answer.ok()["preview"], "You said: a {text}");
    }
    // Previews leave no conversation.
    assert_eq!(user.get("/conversation").await.ok(), json!([]));
    assert_eq!(ledger(&app).len(), app.llm.call_count());
}

/// S1-48, S1-52
async fn a_preview_of_a_version_asks_what_it_said(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let id = prompt(&user, "T", "one {v}").await;
    put(&user, &format!("/api/chat/prompts/{id}"), json!({"content": "two {v}"})).await.ok();
    for (version, said) in
        [(json!(1), "one x"), (json!(2), "two x"), (json!(null), "two x"), (json!(2.0), "two x")]
    {
        let body = json!({"prompt_id": id, "version": version, "variables": {"v": "x"}});
        assert_eq!(preview(&user, body).await.ok()["preview"], format!("You said: {said}"));
    }
    assert_eq!(shown(&user, id).await["usage_count"], 4);
    for version in [0, 3, 2_147_483_648_u32] {
        let answer = preview(&user, json!({"prompt_id": id, "version": version})).await;
        answer.is_error(404, "prompt_version_not_found");
    }
}

/// S1-50, S1-54, Threat 3
async fn what_cannot_be_previewed_reaches_no_model(store: Store) {
    let app = App::start(store).await;
    let (ann, bob) = (app.user("ann").await, app.user("bob").await);
    let id = prompt(&ann, "Ann's", "canary {text}").await;
    for (body, status, code) in [
        (json!({}), 400, "bad_request"),
        (json!({"variables": {"text": "x"}}), 400, "bad_request"),
        (json!({"prompt_id": id}), 404, "prompt_not_found"),
        (json!({"prompt_id": id, "version": 1}), 404, "prompt_not_found"),
        (json!({"prompt_id": id, "content": "mine"}), 404, "prompt_not_found"),
        (json!({"prompt_id": 99}), 404, "prompt_not_found"),
        (json!({"content": " "}), 422, "validation_error"),
        (json!({"content": "{a}", "variables": {"a": "\n"}}), 422, "validation_error"),
        (json!({"content": "{a}{a}", "variables": {"a": "ä".repeat(50_001)}}), 422, "validation_error"),
        (json!({"content": "{a}", "variables": {"a": null}}), 422, "validation_error"),
    ] {
        let answer = preview(&bob, body).await;
        answer.is_error(status, code);
        assert!(!answer.text.contains("canary"));
    }
    assert_eq!((app.llm.call_count(), ledger(&app).len()), (0, 0));
    assert_eq!(shown(&ann, id).await["usage_count"], 0);
}

/// A client that leaves ends the call of the model. Of the preview only the row of the ledger is kept, with the usage that
/// the provider has reported, or else an estimate.
async fn a_client_that_leaves_ends_the_call(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let id = prompt(&user, "T", "Tell me: {text}").await;
    let before = shown(&user, id).await;
    let gate = Gate::closed();
    let replies = [
        Reply::text("one two three").waiting_after_words(1, &gate),
        Reply::text("one two three").waiting_after_words(0, &gate),
        Reply::fault(InjectedFault::HangBeforeHeaders),
    ];
    for (round, reply) in (1..).zip(replies) {
        app.llm.script(reply);
        let body = json!({"prompt_id": id, "variables": {"text": "a story"}});
        let tab = Tab::post(&app, &user, "/api/chat/prompts/preview", &body).await;
        app.llm.wait_for_calls(round).await;
        tab.close().await;
        app.llm.wait_until_idle().await;
        let end = app.llm.calls()[round - 1].end;
        assert!(matches!(end, Some(CallEnd::ClosedByClient { .. })), "{end:?}");
        wait_until("the call is counted", async || ledger(&app).len() == round).await;
    }
    let rows = sql(&app, "SELECT purpose, usage_estimated, input_tokens > 0 FROM omnichat.ledger");
    assert!(rows.iter().all(|row| ["preview|t|t", "preview|1|1"].contains(&row.as_str())), "{rows:?}");
    assert_eq!(shown(&user, id).await, before);
    // The next preview is as any other.
    assert_eq!(preview(&user, json!({"prompt_id": id})).await.ok()["preview"], "You said: Tell me: {text}");
    assert_eq!(shown(&user, id).await["usage_count"], 1);
    assert_eq!(ledger(&app).len(), 4);
}

/// S1-48, Threat 63
async fn hostile_values_are_sent_as_they_are(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    for (content, variables, asked) in [
        ("{text}", json!({"text": "{text}"}), "{text}".to_owned()),
        ("{text}", json!({"text": "{other}", "other": "SECRET"}), "{other}".to_owned()),
        ("{{text}}", json!({"text": "{{7*7}}"}), "{{{7*7}}}".to_owned()),
        (
            "${7*7} {% x %} {{7*7}} {text}",
            json!({"text": "${7*7}"}),
            "${7*7} {% x %} {{7*7}} ${7*7}".to_owned(),
        ),
        ("{__class__} {text}", json!({"text": "{__class__}"}), "{__class__} {__class__}".to_owned()),
        ("$1 \\1 %s {0} {text}", json!({"text": "$1 \\1 %s"}), "$1 \\1 %s {0} $1 \\1 %s".to_owned()),
        ("{größe} {名前} {n}", json!({"größe": "L", "名前": "花子", "n": 1.5}), "L 花子 1.5".to_owned()),
        (&"{".repeat(100_000), json!({}), "{".repeat(100_000)),
        (&"}{".repeat(50_000), json!({}), "}{".repeat(50_000)),
    ] {
        preview(&user, json!({"content": content, "variables": variables})).await.ok();
        assert_eq!(app.llm.calls().pop().unwrap().question(), asked, "{content:.60}");
    }
}

/// S1-54, C-14
async fn failed_previews_have_the_statuses_of_the_contract(store: Store) {
    let app = App::start_with(store, &[("OMNICHAT_PROVIDER__ATTEMPTS", "1")]).await;
    let user = app.user("ann").await;
    let id = prompt(&user, "T", "hi").await;
    for (reply, status, code) in [
        (Reply::fault(InjectedFault::status(400)), 400, "upstream_rejected"),
        (Reply::fault(InjectedFault::status(401)), 500, "upstream_unauthorized"),
        (Reply::fault(InjectedFault::rate_limited(7)), 429, "upstream_rate_limited"),
        (Reply::fault(InjectedFault::status(503)), 500, "upstream_unavailable"),
        (Reply::empty(), 500, "upstream_empty"),
        (Reply::text(" \n"), 500, "upstream_empty"),
        (Reply::empty().thinking("only thoughts"), 500, "upstream_empty"),
    ] {
        app.llm.script(reply);
        let answer = preview(&user, json!({"prompt_id": id})).await;
        answer.is_error(status, code);
        assert!(!answer.text.contains("scripted") && !answer.text.contains("slow down"), "{}", answer.text);
        assert_ne!(answer.header("ratelimit-remaining"), "");
        assert_eq!(answer.header("retry-after"), if status == 429 { "7" } else { "" });
    }
    assert_eq!(shown(&user, id).await["usage_count"], 0);
    // The provider has accepted three of them.
    assert_eq!(ledger(&app).len(), 3);
}

/// C-13
async fn previews_count_against_the_limit_of_the_tier(store: Store) {
    let app = App::start_with(store, &[("RATE_LIMIT_TIERS", "free=2,pro=9,enterprise=9")]).await;
    let user = app.user("ann").await;
    preview(&user, json!({})).await.is_error(400, "bad_request");
    preview(&user, json!({"prompt_id": 9})).await.is_error(404, "prompt_not_found");
    let first = preview(&user, json!({"content": "hi"})).await;
    assert_eq!(
        (first.status, first.header("ratelimit-limit"), first.header("ratelimit-remaining")),
        (200, "2", "1")
    );
    // The message of another contract counts in the same limit.
    let id = user.conversation().await;
    user.say(&id, "hi").await.ok();
    let refused = preview(&user, json!({"content": "hi"})).await;
    refused.is_error(429, "rate_limit_exceeded");
    assert!(refused.header("retry-after").parse::<u32>().unwrap() > 0);
    // What calls no model is free.
    prompt(&user, "T", "c").await;
    assert_eq!(app.llm.call_count(), 2);
}

async fn a_shutdown_ends_previews(store: Store) {
    let mut app = App::start_with(store, &[("SHUTDOWN_GRACE_SECONDS", "1")]).await;
    let user = app.user("ann").await;
    let id = prompt(&user, "T", "hi").await;
    let gate = Gate::closed();
    let figures = Figures { input: 3, cached: 0, output: 5, reasoning: 0, cost: None };
    app.llm.script(Reply::text("one two").figures(figures).waiting_after_words(1, &gate));
    let body = json!({"prompt_id": id});
    let waiting = tokio::spawn({
        let user = user.clone();
        async move { preview(&user, body).await }
    });
    app.llm.wait_for_calls(1).await;
    wait_until("the model has begun to answer", async || app.llm.calls()[0].events_sent > 0).await;
    assert_eq!(app.terminate().await, Some(0));
    waiting.await.unwrap().is_error(503, "shutting_down");
    app.llm.wait_until_idle().await;
    assert!(
        matches!(app.llm.calls()[0].end, Some(CallEnd::ClosedByClient { after }) if after < Duration::from_secs(20))
    );
    assert_eq!(sql(&app, "SELECT purpose, usage_estimated FROM omnichat.ledger"), ["preview|1"]);
    assert_eq!(sql(&app, "SELECT usage_count FROM omnichat.prompts"), ["0"]);
}

/// S1-49, C-17
async fn another_preview_model_can_be_configured(store: Store) {
    let app = App::start_with(store, &[("OMNICHAT_MODELS__PREVIEW", "other-model")]).await;
    let user = app.user("ann").await;
    assert_eq!(preview(&user, json!({"content": "hi"})).await.ok()["model_used"], "other-model");
    assert_eq!(app.llm.calls()[0].model(), "other-model");
}
