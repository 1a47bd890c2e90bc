//! The faults F1 to F10 in every dialect: what the client is told, what is stored, and how often the provider is
//! called.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use testkit::FakeLlm;
use testkit::fake_llm::{ErrorForm, InjectedFault, Place, Reply};

use crate::support::{Answer, App, Store, User, on_both_stores, on_sqlite_alone};

on_both_stores!(
    f6_a_stream_that_is_cut_anywhere_is_no_success,
    f9_filtered_cut_and_empty_replies_are_reported_as_such,
);
on_sqlite_alone!(
    f1_a_retry_after_is_waited_for_or_passed_on,
    f2_a_provider_that_fails_is_called_three_times,
    f3_a_refused_call_is_not_repeated,
    f4_a_provider_that_cannot_be_reached_is_unavailable,
    f5_a_provider_that_hangs_is_given_up,
    f7_an_error_within_200_is_no_success,
    f8_malformed_events_are_no_success,
    f10_a_slow_provider_is_waited_for,
);

/// A way to send a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    LlmChat { stream: bool },
    ChatService,
    ChatAi { stream: bool },
    PersonaChat,
}

const ALL: [Dialect; 6] = [
    Dialect::LlmChat { stream: false },
    Dialect::LlmChat { stream: true },
    Dialect::ChatService,
    Dialect::ChatAi { stream: false },
    Dialect::ChatAi { stream: true },
    Dialect::PersonaChat,
];

/// What a client sees of a response.
#[derive(Debug)]
struct Seen {
    status: u16,
    /// The reply, if the response looks complete.
    reply: Option<String>,
    code: Option<String>,
    retry_after: String,
}

/// A user with a conversation that every dialect can use, and that needs no title.
struct Talk {
    user: User,
    conversation: String,
}

impl Talk {
    async fn begin(app: &App) -> Self {
        let user = app.user("ann").await;
        let persona = user.post("/personas", json!({"name": "Alex", "relation_type": "friend"})).await.ok();
        let body = json!({"title": "T", "persona_id": persona["id"]});
        let conversation = user.post("/chat/conversations", body).await.ok()["id"].to_string();
        Self { user, conversation }
    }

    async fn ask(&self, dialect: Dialect) -> Seen {
        let id = &self.conversation;
        let (path, body) = match dialect {
            Dialect::LlmChat { stream } => {
                ("/chat".to_owned(), json!({"input": "hi", "conversation_id": id, "stream": stream}))
            }
            Dialect::ChatService => (format!("/conversations/{id}/messages"), json!({"content": "hi"})),
            Dialect::ChatAi { stream } => {
                (format!("/conversation/completion/{id}"), json!({"message": "hi", "stream": stream}))
            }
            Dialect::PersonaChat => (format!("/chat/conversations/{id}/send"), json!({"content": "hi"})),
        };
        let answer = self.user.request(Method::POST, &path).json(&body).send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        // A stream of plain text reports a failure by breaking off.
        let text = answer.text().await;
        let cut = text.is_err();
        let answer = Answer { status, headers, text: text.unwrap_or_default() };
        let retry_after = answer.header("retry-after").to_owned();
        if status != 200 {
            let code = answer.json()["error"]["code"].as_str().map(str::to_owned);
            return Seen { status, reply: None, code, retry_after };
        }
        let (reply, code) = match dialect {
            Dialect::LlmChat { stream: false } => (text_at(&answer.json(), "/output_text"), None),
            Dialect::ChatService => (text_at(&answer.json(), "/response"), None),
            Dialect::ChatAi { stream: false } => (text_at(&answer.json(), "/content"), None),
            Dialect::PersonaChat => (text_at(&answer.json(), "/assistant_message/content"), None),
            Dialect::ChatAi { stream: true } => ((!cut).then_some(answer.text), None),
            Dialect::LlmChat { stream: true } => Self::events(&answer.text),
        };
        Seen { status, reply, code, retry_after }
    }

    fn events(text: &str) -> (Option<String>, Option<String>) {
        let (mut reply, mut code) = (String::new(), None);
        let data: Vec<&str> = text.split("\n\n").filter_map(|event| event.strip_prefix("data: ")).collect();
        for event in data.iter().filter(|event| **event != "[DONE]") {
            let event: Value = serde_json::from_str(event).unwrap();
            reply += event["delta"]["text"].as_str().unwrap_or_default();
            code = code.or(event["error"]["code"].as_str().map(str::to_owned));
        }
        let finished = data.last() == Some(&"[DONE]");
        assert_eq!(finished, code.is_none(), "{text}");
        (finished.then_some(reply), code)
    }

    async fn last(&self) -> String {
        self.user.history(&self.conversation).await.pop().unwrap()
    }
}

fn text_at(body: &Value, pointer: &str) -> Option<String> {
    Some(body.pointer(pointer)?.as_str()?.to_owned())
}

/// The status of a provider's failure before the first event (C-14).
fn failed(dialect: Dialect) -> u16 {
    if dialect == Dialect::PersonaChat { 500 } else { 502 }
}

/// Sends in every dialect, with these scripted replies for each, and checks the number of calls.
async fn each(
    app: &App,
    talk: &Talk,
    replies: &[Reply],
    calls: usize,
    check: impl Fn(Dialect, Seen, String),
) {
    for dialect in ALL {
        for reply in replies {
            app.llm.script(reply.clone());
        }
        let before = app.llm.call_count();
        let seen = talk.ask(dialect).await;
        assert_eq!(app.llm.call_count() - before, calls, "{dialect:?}: {seen:?}");
        check(dialect, seen, talk.last().await);
    }
}

fn is_answer(dialect: Dialect, seen: &Seen, reply: &str) {
    assert_eq!((seen.status, seen.reply.as_deref()), (200, Some(reply)), "{dialect:?}: {seen:?}");
}

async fn f1_a_retry_after_is_waited_for_or_passed_on(store: Store) {
    let app = App::start(store).await;
    let talk = Talk::begin(&app).await;
    let asked = Instant::now();
    let replies = [Reply::fault(InjectedFault::rate_limited(1)), Reply::text("one two")];
    each(&app, &talk, &replies, 2, |dialect, seen, _| is_answer(dialect, &seen, "one two")).await;
    assert!(asked.elapsed() >= Duration::from_secs(ALL.len() as u64));
    each(&app, &talk, &[Reply::fault(InjectedFault::rate_limited(120))], 1, |dialect, seen, last| {
        assert_eq!(seen.status, 429, "{dialect:?}");
        assert_eq!((seen.code.as_deref(), seen.retry_after.as_str()), (Some("upstream_rate_limited"), "120"));
        assert_eq!(last, "user: hi");
    })
    .await;
}

/// S0-72, F2
async fn f2_a_provider_that_fails_is_called_three_times(store: Store) {
    let app = App::start(store).await;
    let talk = Talk::begin(&app).await;
    for code in [500, 502, 503, 529, 408] {
        let replies = [Reply::fault(InjectedFault::status(code)), Reply::text("one two")];
        each(&app, &talk, &replies, 2, |dialect, seen, _| is_answer(dialect, &seen, "one two")).await;
    }
    let down = vec![Reply::fault(InjectedFault::status(503)); 3];
    each(&app, &talk, &down, 3, |dialect, seen, last| {
        assert_eq!((seen.status, seen.code.as_deref()), (failed(dialect), Some("upstream_unavailable")));
        assert_eq!(last, "user: hi");
    })
    .await;
}

/// S0-72, F3, C-14
async fn f3_a_refused_call_is_not_repeated(store: Store) {
    let app = App::start(store).await;
    let talk = Talk::begin(&app).await;
    for (code, word) in [
        (400, "upstream_rejected"),
        (404, "upstream_rejected"),
        (401, "upstream_unauthorized"),
        (402, "upstream_unauthorized"),
        (403, "upstream_unauthorized"),
    ] {
        each(&app, &talk, &[Reply::fault(InjectedFault::status(code))], 1, |dialect, seen, _| {
            let status = if word == "upstream_rejected" { 400 } else { failed(dialect) };
            assert_eq!((seen.status, seen.code.as_deref()), (status, Some(word)), "{dialect:?}");
        })
        .await;
    }
}

async fn f4_a_provider_that_cannot_be_reached_is_unavailable(store: Store) {
    let nowhere = format!("http://127.0.0.1:{}/v1", testkit::free_port());
    let llm = Arc::new(FakeLlm::start().await);
    let app = App::start_on(store, llm, &[("OPENAI_BASE_URL", &nowhere)]).await;
    let talk = Talk::begin(&app).await;
    each(&app, &talk, &[], 0, |dialect, seen, last| {
        assert_eq!((seen.status, seen.code.as_deref()), (failed(dialect), Some("upstream_unavailable")));
        assert_eq!(last, "user: hi");
    })
    .await;
}

/// S0-72, F5
async fn f5_a_provider_that_hangs_is_given_up(store: Store) {
    let settings = [
        ("OMNICHAT_PROVIDER__FIRST_EVENT_TIMEOUT_SECONDS", "1"),
        ("OMNICHAT_PROVIDER__IDLE_TIMEOUT_SECONDS", "1"),
    ];
    let app = App::start_with(store, &settings).await;
    let talk = Talk::begin(&app).await;
    each(&app, &talk, &[Reply::fault(InjectedFault::HangBeforeHeaders)], 1, |dialect, seen, last| {
        assert_eq!((seen.status, seen.code.as_deref()), (failed(dialect), Some("upstream_timeout")));
        assert_eq!(last, "user: hi");
    })
    .await;
    let hanging = Reply::text("one two three").with(InjectedFault::HangAfter(Place::Words(2)));
    each(&app, &talk, &[hanging], 1, |dialect, seen, last| {
        assert_eq!(seen.reply, None, "{dialect:?}");
        assert_eq!(last, "assistant: one two  (failed)");
    })
    .await;
}

async fn f6_a_stream_that_is_cut_anywhere_is_no_success(store: Store) {
    let app = App::start(store).await;
    let talk = Talk::begin(&app).await;
    for bytes in (1..1_500).step_by(83) {
        let cut = Reply::text("one two three").with(InjectedFault::CutAfter(Place::Bytes(bytes)));
        each(&app, &talk, &[cut], 1, |dialect, seen, last| {
            // After the finish reason, the reply is complete and the cut does not matter.
            if let Some(reply) = seen.reply {
                assert_eq!((reply.as_str(), last.as_str()), ("one two three", "assistant: one two three"));
            } else {
                assert!(last == "user: hi" || last.ends_with("(failed)"), "{dialect:?} {bytes}: {last}");
            }
        })
        .await;
    }
}

async fn f7_an_error_within_200_is_no_success(store: Store) {
    let app = App::start(store).await;
    let talk = Talk::begin(&app).await;
    for form in [ErrorForm::InChunk, ErrorForm::WithoutChoices, ErrorForm::Bare] {
        let fails = Reply::text("one two three").with(InjectedFault::ErrorAfter(Place::Words(2), form));
        each(&app, &talk, &[fails], 1, |dialect, seen, last| {
            assert_eq!(seen.reply, None, "{dialect:?} {form:?}");
            assert_eq!(last, "assistant: one two  (failed)", "{dialect:?} {form:?}");
        })
        .await;
    }
}

async fn f8_malformed_events_are_no_success(store: Store) {
    let app = App::start(store).await;
    let talk = Talk::begin(&app).await;
    let malformed = Reply::text("one two three").with(InjectedFault::MalformedAfter(Place::Words(2)));
    each(&app, &talk, &[malformed], 1, |dialect, seen, last| {
        assert_eq!(seen.reply, None, "{dialect:?}");
        assert_eq!(last, "assistant: one two  (failed)");
    })
    .await;
    for fault in [InjectedFault::CrLf, InjectedFault::SingleBytes, InjectedFault::ByteOrderMark] {
        let sound = Reply::text("öne two").with(fault);
        each(&app, &talk, &[sound], 1, |dialect, seen, _| is_answer(dialect, &seen, "öne two")).await;
    }
}

async fn f9_filtered_cut_and_empty_replies_are_reported_as_such(store: Store) {
    let app = App::start(store).await;
    let talk = Talk::begin(&app).await;
    for reason in ["length", "content_filter"] {
        let reply = Reply::text("one two").finishing(reason);
        each(&app, &talk, &[reply], 1, |dialect, seen, last| {
            is_answer(dialect, &seen, "one two");
            assert_eq!(last, "assistant: one two");
        })
        .await;
    }
    each(&app, &talk, &[Reply::empty()], 1, |dialect, seen, last| {
        assert_eq!(
            (seen.status, seen.code.as_deref()),
            (failed(dialect), Some("upstream_empty")),
            "{dialect:?}"
        );
        assert_eq!(last, "user: hi");
    })
    .await;
}

async fn f10_a_slow_provider_is_waited_for(store: Store) {
    let settings =
        [("OMNICHAT_PROVIDER__IDLE_TIMEOUT_SECONDS", "1"), ("OMNICHAT_SERVER__HEARTBEAT_SECONDS", "1")];
    let app = App::start_with(store, &settings).await;
    let talk = Talk::begin(&app).await;
    let slow = Reply::text("a b c d").slowly(Duration::from_millis(400));
    each(&app, &talk, &[slow], 1, |dialect, seen, _| is_answer(dialect, &seen, "a b c d")).await;
}
