//! The figures in the ledger of calls that do not end well, and of providers that report only a part.

use std::sync::Arc;

use reqwest::Method;
use serde_json::json;
use testkit::FakeLlm;
use testkit::fake_llm::{InjectedFault, Place, Reply};

use super::llm_chat::answer_titles;
use crate::support::{App, Store, on_both_stores, sql, wait_until};

on_both_stores!(
    figures_that_came_before_the_end_of_a_call_are_kept,
    a_failed_response_is_counted_with_its_figures,
    counts_that_are_missing_are_estimated_and_marked,
    a_title_call_is_counted_with_its_figures,
);

const HELLO: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hello\"}}]}\n\n";
const FIGURES: &str = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":15,\"total_tokens\":25}}\n\n";
const FAILURE: &str = "data: {\"error\":{\"message\":\"The engine failed\",\"code\":500}}\n\n";

/// Input, output, whether a figure is estimated, and cost of all calls for this purpose, oldest first.
fn ledger(app: &App, purpose: &str) -> Vec<String> {
    let columns =
        "input_tokens, output_tokens, CASE WHEN usage_estimated THEN 'estimated' ELSE 'reported' END";
    let query = format!(
        "SELECT {columns}, cost_nanos FROM omnichat.ledger WHERE purpose = '{purpose}' ORDER BY created_at"
    );
    let counted = sql(app, &query);
    if purpose == "turn" {
        let query = format!("SELECT {columns}, cost_nanos FROM omnichat.turns ORDER BY started_at");
        assert_eq!(sql(app, &query), counted, "turns and the ledger have the same figures");
    }
    counted
}

async fn figures_that_came_before_the_end_of_a_call_are_kept(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let id = user.conversation().await;
    let mut expected = Vec::new();
    for (reply, code) in [
        (Reply::raw(&[HELLO, FIGURES, FAILURE].concat()), "upstream_broken"),
        (Reply::raw(&[FIGURES, HELLO, FAILURE].concat()), "upstream_broken"),
        (Reply::raw(&[HELLO, FIGURES].concat()), "upstream_truncated"),
        (
            Reply::raw(&[HELLO, FIGURES, HELLO].concat()).with(InjectedFault::CutAfter(Place::Events(2))),
            "upstream_truncated",
        ),
    ] {
        app.llm.script(reply);
        user.say(&id, "hi").await.is_error(502, code);
        expected.push("10|15|reported|27500");
        assert_eq!(ledger(&app, "turn"), expected, "{code}");
    }
    // A user stops the turn after the figures.
    let hanging = Reply::raw(&[FIGURES, HELLO, HELLO].concat());
    app.llm.script(hanging.with(InjectedFault::HangAfter(Place::Events(2))));
    let request = user.request(Method::POST, &format!("/conversation/completion/{id}"));
    let request = request.json(&json!({"message": "hi", "stream": true}));
    let mut answer = request.send().await.unwrap();
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "Hello");
    user.post_nothing(&format!("/conversations/{id}/stop")).await.ok();
    expected.push("10|15|reported|27500");
    assert_eq!(ledger(&app, "turn"), expected, "stopped");
}

async fn a_failed_response_is_counted_with_its_figures(store: Store) {
    let app = App::start_on(store, Arc::new(FakeLlm::start().await), &[("OPENAI_API", "")]).await;
    let user = app.user("ann").await;
    let id = user.conversation().await;
    let delta = "event: response.output_text.delta\n\
        data: {\"type\":\"response.output_text.delta\",\"item_id\":\"m\",\"output_index\":0,\"content_index\":0,\"delta\":\"Hello\"}\n\n";
    let failed = "event: response.failed\n\
        data: {\"type\":\"response.failed\",\"response\":{\"id\":\"resp_1\",\"status\":\"failed\",\
        \"error\":{\"code\":\"server_error\",\"message\":\"The model failed\"},\
        \"usage\":{\"input_tokens\":10,\"output_tokens\":15,\"total_tokens\":25}}}\n\n";
    app.llm.script(Reply::raw(&[delta, failed].concat()));
    assert_eq!(user.say(&id, "hi").await.status, 502);
    assert_eq!(user.history(&id).await, ["user: hi", "assistant: Hello (failed)"]);
    assert_eq!(ledger(&app, "turn"), ["10|15|reported|27500"]);
}

/// The question has 6 bytes and the reply 5, with a token for each 3 bytes.
async fn counts_that_are_missing_are_estimated_and_marked(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let mut expected = Vec::new();
    for (usage, counted) in [
        (r#"{"prompt_tokens":10,"completion_tokens":null}"#, "10|2|estimated|8000"),
        (r#"{"completion_tokens":15}"#, "2|15|estimated|23500"),
        (r#"{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}"#, "2|2|estimated|4000"),
        (r#"{"prompt_tokens":0,"completion_tokens":15}"#, "2|15|estimated|23500"),
        (r#"{"prompt_tokens":10,"completion_tokens":0}"#, "10|2|estimated|8000"),
    ] {
        let end = format!(
            "data: {{\"choices\":[{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"stop\"}}],\"usage\":{usage}}}\n\n"
        );
        app.llm.script(Reply::raw(&[HELLO, &end, "data: [DONE]\n\n"].concat()));
        let id = user.conversation().await;
        assert_eq!(user.say(&id, "abcdef").await.ok()["response"], "Hello");
        expected.push(counted);
        assert_eq!(ledger(&app, "turn"), expected, "{usage}");
    }
}

async fn a_title_call_is_counted_with_its_figures(store: Store) {
    let app = App::start(store).await;
    answer_titles(&app);
    let user = app.user("ann").await;
    for (reply, count) in [([HELLO, FIGURES, FAILURE].concat(), 1), ([FIGURES, HELLO].concat(), 2)] {
        app.llm.on(|call| call.model() == "gpt-4o-mini", Reply::raw(&reply));
        let answer = user.post("/chat", json!({"input": "one two three four five six"})).await.ok();
        assert_eq!(answer["title"], "one two three four five");
        let expected = vec!["10|15|reported"; count];
        wait_until("the title call is in the ledger", async || {
            let rows = ledger(&app, "title");
            rows.len() == count && rows.iter().zip(&expected).all(|(row, start)| row.starts_with(start))
        })
        .await;
    }
}
