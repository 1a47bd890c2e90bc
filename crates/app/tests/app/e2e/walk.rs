//! One conversation is used by all contracts in turn: each reads what the others wrote, and adds a turn.

use std::sync::Arc;

use serde_json::{Value, json};
use testkit::fake_llm::Reply;
use testkit::{FakeLlm, PgBouncer, PoolMode, PostgresServer};

use crate::support::files::{pdf, upload};
use crate::support::{App, Store, User, on_both_stores};

use Step::{Resend, Say, Switch, Upload};
use Way::{S0ByConv, S0ByNumber, S1Stream, S1Whole, S2, S3Stream, S3Whole, S4};

on_both_stores!(a_conversation_with_a_persona_is_used_by_all_contracts, a_session_is_used_by_all_contracts);

/// The way in which a contract sends a message.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    S0ByNumber,
    S0ByConv,
    S1Whole,
    S1Stream,
    S2,
    S3Whole,
    S3Stream,
    S4,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    /// Sends a message in this way; the model that answers it.
    Say(Way, &'static str),
    /// Sends the whole transcript and a new message by S1; the model that answers it.
    Resend(&'static str),
    /// Switches to this model.
    Switch(&'static str),
    /// Uploads a PDF.
    Upload,
}

const PERSONA_MODEL: &str = "gpt-3.5-turbo";
const SERVICE_MODEL: &str = "openai/gpt-3.5-turbo";
const CHAT_MODEL: &str = "gpt-4o";

/// What the uploaded PDF says.
const FILE: &str = "The canary sings at noon";

/// S1-22, S1-40, C-17, C-18, C-26
async fn a_conversation_with_a_persona_is_used_by_all_contracts(store: Store) {
    walk_with_a_persona(&App::start(store).await).await;
}

/// The schema is made through the pooler, too.
#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_is_used_by_all_contracts_behind_session_pooling() {
    let server = PostgresServer::shared();
    let pooler = PgBouncer::start(server, PoolMode::Session, "");
    let url = pooler.url(&server.database().await);
    let mut app = App::over(Some(url), Arc::new(FakeLlm::start().await), &[]);
    app.start_again().await;
    walk_with_a_persona(&app).await;
    let report = app.probe("/health").await.ok();
    assert_eq!(report["status"], "healthy");
}

/// S4 → S2 → S0 → S3 → S1, and back. The first message of S1 gives the conversation its own model.
async fn walk_with_a_persona(app: &App) {
    let user = app.user("ann").await;
    let persona = json!({"name": "Alex", "description": "Loves chess.", "relation_type": "friend"});
    let persona = user.post("/personas/", persona).await.ok();
    let body = json!({"title": "First Chat with Alex", "persona_id": persona["id"]});
    let begun = user.post("/chat/conversations", body).await.ok();
    let mut walk = Walk::of(user, begun["id"].as_i64().unwrap(), true, vec![]).await;
    assert_eq!(app.llm.call_count(), 0);
    let steps = [
        Say(S4, PERSONA_MODEL),
        Say(S2, SERVICE_MODEL),
        Say(S0ByConv, CHAT_MODEL),
        Say(S3Whole, SERVICE_MODEL),
        Say(S1Stream, "gpt-4"),
        Upload,
        Say(S3Stream, "gpt-4"),
        Switch("gpt-4-turbo"),
        Say(S0ByNumber, "gpt-4-turbo"),
        Say(S2, "gpt-4-turbo"),
        Say(S4, "gpt-4-turbo"),
    ];
    walk.take(app, &steps).await;
    walk.adds_up(app, "First Chat with Alex", &steps).await;
}

/// S1 → S0 → S2 → S3, and back. The session's own model answers in each contract.
///
/// S1-18 to S1-22, S1-32, S1-40, C-17, C-18, C-19, C-26
async fn a_session_is_used_by_all_contracts(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    app.llm.script(Reply::text("the first reply"));
    let body =
        json!({"model": "gpt-4", "messages": [{"role": "user", "content": "one two three four five six"}]});
    let begun = user.post("/v1/chat/stream", body).await;
    assert_eq!(streamed(&begun.text), "the first reply");
    let number = begun.header("x-session-id").parse().unwrap();
    let said = ["one two three four five six", "the first reply"].map(str::to_owned).to_vec();
    let mut walk = Walk::of(user, number, false, said).await;
    let steps = [
        Say(S0ByNumber, "gpt-4"),
        Say(S2, "gpt-4"),
        Resend("gpt-4"),
        Switch("gpt-4-turbo"),
        Say(S3Whole, "gpt-4-turbo"),
        Upload,
        Say(S3Stream, "gpt-4-turbo"),
        Say(S0ByConv, "gpt-4-turbo"),
        Resend("gpt-4-turbo"),
        Say(S1Whole, "gpt-4-turbo"),
    ];
    walk.take(&app, &steps).await;
    walk.adds_up(&app, "one two three four five", &steps).await;
    walk.user.get(&format!("/chat/conversations/{number}")).await.is_error(404, "conversation_not_found");
}

/// A conversation under all its ids, and all messages so far.
struct Walk {
    user: User,
    number: i64,
    uuid: String,
    conv: String,
    has_persona: bool,
    has_file: bool,
    said: Vec<String>,
}

impl Walk {
    /// The conversation with this number, found in each contract's own list.
    async fn of(user: User, number: i64, has_persona: bool, said: Vec<String>) -> Self {
        let listed = user.get(&format!("/conversations?user_id={}", user.id)).await.ok();
        let conv = listed[0]["id"].as_str().unwrap().to_owned();
        let listed = user.get("/conversation").await.ok();
        let uuid = listed[0]["id"].as_str().unwrap().to_owned();
        assert_eq!(conv, format!("conv_{}", uuid.replace('-', "")));
        let listed = user.get("/v1/chat/history").await.ok();
        assert_eq!((&listed["total"], &listed["sessions"][0]["id"]), (&json!(1), &json!(number)));
        Self { user, number, uuid, conv, has_persona, has_file: false, said }
    }

    /// Takes the steps, and reads all messages by each contract before each step and at the end.
    async fn take(&mut self, app: &App, steps: &[Step]) {
        for (at, step) in steps.iter().enumerate() {
            self.is_read_by_all(&format!("before step {at}")).await;
            match *step {
                Say(way, model) => self.add_turn(app, at, way, false, model).await,
                Resend(model) => self.add_turn(app, at, S1Stream, true, model).await,
                Switch(model) => self.switch(model).await,
                Upload => {
                    upload(&self.user, self.number, "document.pdf", &pdf(FILE)).await.ok();
                    self.has_file = true;
                }
            }
        }
        self.is_read_by_all("at the end").await;
    }

    async fn add_turn(&mut self, app: &App, step: usize, way: Way, resend: bool, model: &str) {
        let (question, reply) = (format!("question {step} by {way:?}"), format!("reply {step} to {way:?}"));
        app.llm.script(Reply::text(&reply));
        let calls = app.llm.call_count();
        let earlier = if resend { self.said.as_slice() } else { &[] };
        assert_eq!(self.say(way, earlier, &question).await, reply, "{way:?} in step {step}");
        // No model is asked for a title: the conversation has one.
        assert_eq!(app.llm.call_count(), calls + 1, "{way:?} in step {step}");
        // The model got the persona's instructions, the file, all earlier messages and the question.
        let call = app.llm.calls().pop().unwrap();
        assert_eq!(call.model().trim_start_matches("openai/"), model.trim_start_matches("openai/"));
        let mut told = call.messages().into_iter().map(|(_, text)| text);
        if self.has_persona {
            let instructions = told.next().unwrap();
            assert!(instructions.contains("Alex") && instructions.contains("Loves chess."), "{instructions}");
        }
        if self.has_file {
            let file = told.next().unwrap();
            assert!(file.starts_with("<file name=\"document.pdf\">") && file.contains(FILE), "{file}");
        }
        let asked = [self.said.as_slice(), std::slice::from_ref(&question)].concat();
        assert_eq!(told.collect::<Vec<_>>(), asked, "{way:?} in step {step}");
        self.said.extend([question, reply]);
    }

    /// Sends a message; the reply, as the contract returns it. S1 sends the earlier messages, too.
    async fn say(&self, way: Way, earlier: &[String], text: &str) -> String {
        let Self { user, number, uuid, conv, .. } = self;
        let whole = async |path: String, body: Value, reply: &str| {
            let body = user.post(&path, body).await.ok();
            body.pointer(reply).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        // The session's own model answers, whatever the request names (C-18).
        let session = |stream: bool| {
            let messages: Vec<Value> =
                earlier.iter().map(String::as_str).chain([text]).enumerate().map(message).collect();
            json!({"model": "gpt-4", "messages": messages, "session_id": number, "stream": stream})
        };
        let completion = format!("/conversation/completion/{uuid}");
        match way {
            S0ByNumber => {
                whole("/chat".to_owned(), json!({"input": text, "conversation_id": number}), "/output_text")
                    .await
            }
            S0ByConv => {
                whole("/chat".to_owned(), json!({"input": text, "conversation_id": conv}), "/output_text")
                    .await
            }
            S1Whole => whole("/v1/chat/stream".to_owned(), session(false), "/message/content").await,
            S1Stream => streamed(&user.post("/v1/chat/stream", session(true)).await.text),
            S2 => {
                whole(format!("/conversations/{uuid}/messages"), json!({"content": text}), "/response").await
            }
            S3Whole => whole(completion, json!({"message": text}), "/content").await,
            S3Stream => user.post(&completion, json!({"message": text, "stream": true})).await.text,
            S4 => {
                let path = format!("/chat/conversations/{number}/send");
                whole(path, json!({"content": text}), "/assistant_message/content").await
            }
        }
    }

    /// Switches the model by S1, which answers all messages.
    async fn switch(&self, model: &str) {
        let body = json!({"session_id": self.number, "model": model});
        let switched = self.user.post("/v1/chat/switch-model", body).await.ok();
        assert_eq!((&switched["session_id"], &switched["model"]), (&json!(self.number), &json!(model)));
        let messages: Vec<Value> = self.said.iter().map(String::as_str).enumerate().map(message).collect();
        assert_eq!(switched["messages"], json!(messages));
    }

    /// Checks that each contract shows all messages.
    async fn is_read_by_all(&self, when: &str) {
        let Self { user, number, uuid, conv, .. } = self;
        let mut shown = vec![
            ("S0", user.get(&format!("/conversations/{conv}/messages")).await.ok()),
            ("S1", user.get("/v1/chat/history").await.ok()["sessions"][0]["messages"].take()),
            ("S2", user.get(&format!("/conversations/{uuid}/messages")).await.ok()),
            ("S3", user.get("/conversation").await.ok()[0]["messages"].take()),
        ];
        if self.has_persona {
            shown.push(("S4", user.get(&format!("/chat/conversations/{number}/messages")).await.ok()));
        }
        let expected: Vec<Value> = self.said.iter().map(String::as_str).enumerate().map(message).collect();
        for (contract, messages) in shown {
            let role = if contract == "S3" { "author" } else { "role" };
            let messages: Vec<Value> = messages
                .as_array()
                .unwrap()
                .iter()
                .map(|message| json!({"role": message[role], "content": message["content"]}))
                .collect();
            assert_eq!(messages, expected, "{contract} {when}");
        }
    }

    /// Checks that the totals count the turns of all contracts, and that each reply names its model.
    async fn adds_up(&self, app: &App, title: &str, steps: &[Step]) {
        let figures: Vec<_> = app.llm.calls().into_iter().filter_map(|call| call.figures).collect();
        let tokens: u64 = figures.iter().map(|figures| figures.input + figures.output).sum();
        let row = self.user.get(&format!("/conversations/{}", self.conv)).await.ok();
        assert_eq!(
            (&row["message_count"], &row["total_tokens"]),
            (&json!(self.said.len() / 2), &json!(tokens))
        );
        assert_eq!(row["title"], title);
        if !self.has_persona {
            return;
        }
        let stats = self.user.get("/chat/stats").await.ok();
        assert_eq!(
            (&stats["total_messages"], &stats["total_tokens"]),
            (&json!(self.said.len()), &json!(tokens))
        );
        let messages = self.user.get(&format!("/chat/conversations/{}/messages", self.number)).await.ok();
        let replies = messages.as_array().unwrap().iter().skip(1).step_by(2);
        let used: Vec<&Value> = replies.map(|reply| &reply["model_used"]).collect();
        let expected: Vec<&str> = steps
            .iter()
            .filter_map(|step| match step {
                Say(_, model) | Resend(model) => Some(*model),
                Switch(_) | Upload => None,
            })
            .collect();
        assert_eq!(used, expected);
    }
}

/// A message of a transcript: the user and the model take turns.
fn message((at, content): (usize, &str)) -> Value {
    json!({"role": if at % 2 == 0 { "user" } else { "assistant" }, "content": content})
}

/// The text of a stream of S1, whose tokens have no line breaks.
fn streamed(events: &str) -> String {
    let text = events.strip_suffix("data: [DONE]\n\n").unwrap_or_else(|| panic!("no whole stream: {events}"));
    text.lines().filter_map(|line| line.strip_prefix("data: ")).collect()
}
