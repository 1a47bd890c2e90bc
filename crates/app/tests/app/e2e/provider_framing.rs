//! Providers whose streams have another content type, or have something beside their events.

use testkit::fake_llm::Reply;

use crate::support::{App, Store, on_sqlite_alone};

on_sqlite_alone!(
    a_stream_of_any_content_type_is_a_reply,
    a_body_that_is_no_stream_is_an_error,
    an_error_beside_the_events_breaks_the_reply,
    what_names_no_error_does_no_harm,
);

const CHAT: [&str; 2] = [
    "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n",
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
];
const RESPONSE: [&str; 2] = [
    "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"Hi\"}\n\n",
    "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":\"resp_1\"}}\n\n",
];
const WIRES: [(&str, [&str; 2]); 2] = [("chat", CHAT), ("responses", RESPONSE)];

/// An application that calls its provider by this wire.
async fn app(store: Store, api: &str) -> App {
    let app = App::start_with(store, &[("OPENAI_API", api)]).await;
    app.llm.on(|call| call.model() == "gpt-4o-mini", Reply::text("A title"));
    app
}

async fn a_stream_of_any_content_type_is_a_reply(store: Store) {
    for (api, events) in WIRES {
        let app = app(store, api).await;
        let user = app.user("ann").await;
        for content_type in [
            None,
            Some("application/json"),
            Some("text/plain; charset=utf-8"),
            Some("application/x-ndjson"),
            Some("application/octet-stream"),
            Some("TEXT/Event-Stream;charset"),
        ] {
            let id = user.conversation().await;
            app.llm.script(Reply::raw_as(content_type, &events.concat()));
            assert_eq!(user.say(&id, "hi").await.ok()["response"], "Hi", "{api}, {content_type:?}");
        }
    }
}

async fn a_body_that_is_no_stream_is_an_error(store: Store) {
    let page = "<!DOCTYPE html>\n<html>\n<title>Please sign in</title>\n</html>";
    for (api, _) in WIRES {
        let app = app(store, api).await;
        let user = app.user("ann").await;
        for content_type in [None, Some("text/html"), Some("application/json"), Some("text/event-stream")] {
            let id = user.conversation().await;
            app.llm.script(Reply::raw_as(content_type, page));
            let answer = user.say(&id, "hi").await;
            answer.is_error(502, "upstream_broken");
            assert!(!answer.text.contains("sign in"), "{}", answer.text);
            app.llm.script(Reply::raw_as(
                content_type,
                "{\"error\":{\"message\":\"no such deed\",\"code\":400}}",
            ));
            user.say(&id, "hi").await.is_error(400, "upstream_rejected");
            assert_eq!(user.history(&id).await, ["user: hi", "user: hi"]);
        }
        let log = app.log();
        assert_eq!(log.matches("Please sign in").count(), 4, "{api}: the words are for the log");
        assert_eq!(log.matches("no such deed").count(), 4, "{api}");
    }
}

async fn an_error_beside_the_events_breaks_the_reply(store: Store) {
    for (api, [begin, rest]) in WIRES {
        let app = app(store, api).await;
        let user = app.user("ann").await;
        for (number, error) in [
            "error: {\"message\":\"words-for-the-log\",\"type\":\"server_error\"}\n\n",
            "error: words-for-the-log\n\n",
            "{\"error\":{\"message\":\"words-for-the-log\",\"code\":500}}\n",
            "event: error\ndata: words-for-the-log\n\n",
            "event: error\ndata: {\"detail\":\"words-for-the-log\",\"message\":\"words-for-the-log\"}\n\n",
            "<html><title>words-for-the-log</title></html>\n\n",
        ]
        .into_iter()
        .enumerate()
        {
            let id = user.conversation().await;
            app.llm.script(Reply::raw(&[begin, error, rest].concat()));
            let answer = user.say(&id, "hi").await;
            assert_eq!(answer.status, 502, "{api}, {error}: {}", answer.text);
            assert!(!answer.text.contains("words-for-the-log"), "{}", answer.text);
            assert_eq!(user.history(&id).await, ["user: hi", "assistant: Hi (failed)"], "{api}, {error}");
            assert!(
                app.log().matches("words-for-the-log").count() > number,
                "{api}, {error}: not in the log"
            );
        }
    }
}

async fn what_names_no_error_does_no_harm(store: Store) {
    for (api, [begin, rest]) in WIRES {
        let app = app(store, api).await;
        let user = app.user("ann").await;
        for harmless in
            ["foo: bar\n\n", ": error: none\n\n", "event: ping\ndata: junk {\n\n", "error: null\n\n"]
        {
            let id = user.conversation().await;
            app.llm.script(Reply::raw(&[begin, harmless, rest].concat()));
            assert_eq!(user.say(&id, "hi").await.ok()["response"], "Hi", "{api}, {harmless}");
        }
    }
}
