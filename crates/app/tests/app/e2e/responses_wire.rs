//! `OpenAI`'s Responses API, which is the default (S0-1, S2-3).

use std::sync::Arc;

use reqwest::Method;
use serde_json::json;
use testkit::FakeLlm;
use testkit::fake_llm::{ErrorForm, Figures, InjectedFault, Place, Reply};

use crate::support::{App, Store, on_both_stores, on_sqlite_alone};

on_both_stores!(the_responses_wire_carries_a_conversation);
on_sqlite_alone!(a_response_that_fails_is_no_success);

async fn app(store: Store) -> App {
    let app = App::start_on(store, Arc::new(FakeLlm::start().await), &[("OPENAI_API", "")]).await;
    app.llm.on(|call| call.model() == "gpt-4o-mini", Reply::text("Friendly Greeting"));
    app
}

/// S0-1, S0-8, S0-13, S0-16, S0-18, S2-3
async fn the_responses_wire_carries_a_conversation(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    let figures = Figures { input: 1_000, cached: 400, output: 15, reasoning: 5, cost: None };
    app.llm.script(Reply::text("one two").thinking("hm well").figures(figures));
    let body = json!({
        "input": "hi", "instructions": "Be brief.", "temperature": 0.5, "top_p": 0.9, "max_tokens": 50
    });
    let answer = user.post("/chat", body).await.ok();
    assert_eq!(answer["output_text"], "one two");
    assert_eq!(answer["usage"], json!({"input_tokens": 1_000, "output_tokens": 15, "total_tokens": 1_015}));
    let id = answer["conversation_id"].as_str().unwrap();
    assert_eq!(user.say(id, "again").await.ok()["response"], "You said: again");

    let calls: Vec<_> = app.llm.calls().into_iter().filter(|call| call.model() != "gpt-4o-mini").collect();
    assert!(calls.iter().all(|call| call.path == "/v1/responses"));
    assert_eq!(answer["id"], format!("resp_{}", calls[0].number), "the provider's own");
    let first = &calls[0].body;
    assert_eq!((&first["store"], &first["stream"]), (&json!(false), &json!(true)));
    assert_eq!((&first["instructions"], &first["max_output_tokens"]), (&json!("Be brief."), &json!(50)));
    assert_eq!((first["temperature"].as_f64(), first["top_p"].as_f64()), (Some(0.5), Some(0.9)));
    assert!(calls[1].body.get("instructions").is_none());
    let seen: Vec<String> =
        calls[1].messages().into_iter().map(|(role, text)| format!("{role}: {text}")).collect();
    assert_eq!(seen, ["user: hi", "assistant: one two", "user: again"]);
    // Reasoning is stored apart: no contract shows it, and no later request contains it.
    assert_eq!(user.history(id).await[1], "assistant: one two");
}

async fn a_response_that_fails_is_no_success(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    let at = Place::Words(2);
    for fault in [
        InjectedFault::ErrorAfter(at, ErrorForm::ResponseFailed),
        InjectedFault::ErrorAfter(at, ErrorForm::ErrorEvent),
        InjectedFault::CutAfter(at),
        InjectedFault::EndAfter(at),
        InjectedFault::MalformedAfter(at),
    ] {
        let id = user.conversation().await;
        let calls = app.llm.call_count();
        app.llm.script(Reply::text("one two three").with(fault.clone()));
        let request = user
            .request(Method::POST, &format!("/conversation/completion/{id}"))
            .json(&json!({"message": "hi", "stream": true}));
        let answer = request.send().await.unwrap();
        assert!(answer.status() != 200 || answer.text().await.is_err(), "{fault:?}");
        assert_eq!(user.history(&id).await, ["user: hi", "assistant: one two  (failed)"], "{fault:?}");
        assert_eq!(app.llm.call_count(), calls + 1, "{fault:?}");
    }
}
