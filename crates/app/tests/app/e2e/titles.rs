//! Titles that a model writes with more around them, on both wires.

use std::sync::Arc;

use serde_json::json;
use testkit::FakeLlm;
use testkit::fake_llm::Reply;

use super::llm_chat::chat;
use crate::support::{App, Store, on_sqlite_alone};

on_sqlite_alone!(the_bare_title_is_kept_or_else_the_first_words);

/// S0-48, C-25
async fn the_bare_title_is_kept_or_else_the_first_words(store: Store) {
    const FIRST_WORDS: &str = "one two three four five";
    for api in ["chat", "responses"] {
        let app = App::start_on(store, Arc::new(FakeLlm::start().await), &[("OPENAI_API", api)]).await;
        let user = app.user("ann").await;
        for (reply, title) in [
            (
                Reply::text("<think>\nA greeting.\n</think>\n\n**Title:** \"Friendly Greeting\"."),
                "Friendly Greeting",
            ),
            (Reply::text("```json\n{\"title\": \"Friendly Greeting\"}\n```"), "Friendly Greeting"),
            (Reply::text("Here is a title:\n\n# C#\n\nIt is short."), "C#"),
            (Reply::text("Friendly Greeting").thinking("A greeting."), "Friendly Greeting"),
            (Reply::text("<think>The user greets, so"), FIRST_WORDS),
            (Reply::text("Friendly").finishing("length"), FIRST_WORDS),
            (Reply::text("Friendly").finishing("content_filter"), FIRST_WORDS),
            (Reply::refusal("I cannot help with that."), FIRST_WORDS),
            (Reply::empty().thinking("A greeting."), FIRST_WORDS),
            (Reply::text("** **"), FIRST_WORDS),
        ] {
            app.llm.on(|call| call.model() == "gpt-4o-mini", reply.clone());
            let answer = chat(&user, json!({"input": "one two three four five six"})).await.ok();
            assert_eq!(answer["title"], title, "{api}: {reply:?}");
        }
    }
}
