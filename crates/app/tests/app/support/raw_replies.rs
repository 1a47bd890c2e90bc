//! Replies of a provider byte for byte, and what must become of them.

use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::FakeLlm;
use testkit::fake_llm::Reply;

use super::{App, Store, User};

/// The API that the provider is called by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    Chat,
    Responses,
}

/// What must become of a reply.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Becomes {
    /// A completed reply with this text.
    Completed(&'static str),
    /// A failure whose code begins so, after this text.
    Failed(&'static str, &'static str),
}

/// A reply of the provider.
pub(crate) struct Case {
    /// What is odd about it.
    name: String,
    reply: Reply,
    becomes: Becomes,
}

impl Case {
    pub(crate) fn new(name: impl Into<String>, reply: Reply, becomes: Becomes) -> Self {
        Self { name: name.into(), reply, becomes }
    }
}

/// A stream of events without names, as Chat Completions has them.
pub(crate) fn events(events: &[Value]) -> Reply {
    Reply::raw(&events.iter().map(data).collect::<String>())
}

/// The event with this data. A text is written as it is, and all else as JSON.
pub(crate) fn data(event: &Value) -> String {
    match event.as_str() {
        Some(text) => format!("data: {text}\n\n"),
        None => format!("data: {event}\n\n"),
    }
}

/// The last event of Chat Completions.
pub(crate) fn done() -> Value {
    json!("[DONE]")
}

/// A chunk of Chat Completions with a piece of the reply.
pub(crate) fn said(text: &str) -> Value {
    chunk(&json!({"index": 0, "delta": {"content": text}}))
}

/// A chunk of Chat Completions with a finish reason.
pub(crate) fn finished(reason: &str) -> Value {
    chunk(&json!({"index": 0, "delta": {}, "finish_reason": reason}))
}

/// A chunk of Chat Completions with this choice.
pub(crate) fn chunk(choice: &Value) -> Value {
    json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "m", "choices": [choice]})
}

/// An event of the Responses API with a piece of the reply.
pub(crate) fn output(text: &str) -> Value {
    json!({
        "type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0,
        "delta": text,
    })
}

/// An event of the Responses API with the whole response, which ends it: its status, its output and its usage.
pub(crate) fn response(status: &str, output: &Value, usage: &Value) -> Value {
    let response = json!({"id": "resp_1", "status": status, "output": output, "usage": usage});
    json!({"type": format!("response.{status}"), "response": response})
}

/// The last event of an ordinary response.
pub(crate) fn completed() -> Value {
    response("completed", &json!([]), &json!({"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}))
}

/// An application that calls its provider by this API, and only once for each turn.
pub(crate) async fn app_on(store: Store, wire: Wire, settings: &[(&str, &str)]) -> App {
    let api = match wire {
        Wire::Chat => "chat",
        Wire::Responses => "responses",
    };
    let mut all = vec![("OPENAI_API", api), ("OMNICHAT_PROVIDER__ATTEMPTS", "1")];
    all.extend(settings);
    App::start_on(store, Arc::new(FakeLlm::start().await), &all).await
}

/// Gives each reply to a turn that waits for the whole reply and to one that streams it, and checks both. All cases are
/// tried before the wrong ones are reported.
pub(crate) async fn check(app: &App, cases: Vec<Case>) {
    let user = app.user("ann").await;
    let mut wrong = Vec::new();
    for Case { name, reply, becomes } in cases {
        app.llm.otherwise(reply);
        for became in [whole(&user).await, streamed(&user).await] {
            if !became.is(becomes) {
                wrong.push(format!("{name}: {becomes:?} was expected, but there is {became:?}"));
            }
        }
    }
    app.llm.otherwise(Reply::echo());
    assert!(wrong.is_empty(), "{} wrong replies:\n{}", wrong.len(), wrong.join("\n"));
}

/// What became of a reply.
#[derive(Debug)]
struct Became {
    /// The code of the error that the client got; empty if it got none.
    code: String,
    /// What the client was shown of the reply, if it was shown any.
    shown: Option<String>,
    /// The stored messages after the question.
    stored: Vec<String>,
}

impl Became {
    fn is(&self, expected: Becomes) -> bool {
        let Self { code, shown, stored } = self;
        match expected {
            Becomes::Completed(text) => {
                code.is_empty() && shown.as_deref() == Some(text) && *stored == [format!("assistant: {text}")]
            }
            // A failed reply without words need not be stored.
            Becomes::Failed(expected, text) => {
                let partial = format!("assistant: {text} (failed)");
                !code.is_empty()
                    && (code.starts_with(expected) || code == "cut off")
                    && (*stored == [partial] || (text.is_empty() && stored.is_empty()))
            }
        }
    }
}

/// A turn of contract S2, which answers with the whole reply.
async fn whole(user: &User) -> Became {
    let id = user.conversation().await;
    let answer = user.say(&id, "hi").await;
    let body = answer.json();
    let code = body["error"]["code"].as_str().unwrap_or_default().to_owned();
    let shown = body["response"].as_str().map(str::to_owned);
    Became { code, shown, stored: stored(user, &id).await }
}

/// A turn of contract S3, which streams the text of the reply. A body without an end tells of a failure.
async fn streamed(user: &User) -> Became {
    let id = user.conversation().await;
    let request = user
        .request(Method::POST, &format!("/conversation/completion/{id}"))
        .json(&json!({"message": "hi", "stream": true}));
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let (code, shown) = match answer.text().await {
        Ok(text) if status == 200 => (String::new(), Some(text)),
        Ok(text) => {
            let body: Value = serde_json::from_str(&text).unwrap();
            (body["error"]["code"].as_str().unwrap_or_default().to_owned(), None)
        }
        Err(_) => ("cut off".to_owned(), None),
    };
    Became { code, shown, stored: stored(user, &id).await }
}

/// The stored messages after the question, which must be there.
async fn stored(user: &User, conversation: &str) -> Vec<String> {
    let mut history = user.history(conversation).await;
    assert_eq!(history.remove(0), "user: hi");
    history
}
