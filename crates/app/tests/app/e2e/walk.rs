//! One conversation is used by all contracts in turn: each reads what the others wrote, and adds a turn.

use std::sync::Arc;

use serde_json::{Value, json};
use testkit::fake_llm::Reply;
use testkit::{FakeLlm, PgBouncer, PoolMode, PostgresServer};

use crate::support::{App, Store, User, on_both_stores};

on_both_stores!(one_conversation_is_used_by_all_contracts_in_turn);

/// A conversation under all its ids, and all messages so far.
struct Walk {
    user: User,
    number: i64,
    uuid: String,
    conv: String,
    said: Vec<String>,
}

async fn one_conversation_is_used_by_all_contracts_in_turn(store: Store) {
    walk(&App::start(store).await).await;
}

/// The schema is made through the pooler, too.
#[tokio::test(flavor = "multi_thread")]
async fn one_conversation_is_used_by_all_contracts_behind_session_pooling() {
    let server = PostgresServer::shared();
    let pooler = PgBouncer::start(server, PoolMode::Session, "");
    let url = pooler.url(&server.database().await);
    let mut app = App::over(Some(url), Arc::new(FakeLlm::start().await), &[]);
    app.start_again().await;
    walk(&app).await;
    let report = app.probe("/health").await.ok();
    assert_eq!(report["status"], "healthy");
}

/// S4 → S2 → S0 → S3, and back.
async fn walk(app: &App) {
    let user = app.user("ann").await;
    let persona = json!({"name": "Alex", "description": "Loves chess.", "relation_type": "friend"});
    let persona = user.post("/personas/", persona).await.ok();
    let body = json!({"title": "First Chat with Alex", "persona_id": persona["id"]});
    let begun = user.post("/chat/conversations", body).await.ok();
    let mut walk = Walk::of(app, user, begun["id"].as_i64().unwrap()).await;

    let steps = ["S4", "S2", "S0", "S3", "S3", "S0", "S2", "S4"];
    for (step, contract) in steps.into_iter().enumerate() {
        let (question, reply) =
            (format!("question {step} by {contract}"), format!("reply {step} to {contract}"));
        app.llm.script(Reply::text(&reply));
        assert_eq!(walk.read(contract).await, walk.said, "{contract} before step {step}");
        assert_eq!(walk.say(contract, &question).await, reply, "{contract}");
        // The model got the persona's instructions, all earlier messages and the question.
        let call = app.llm.calls().pop().unwrap();
        let told: Vec<String> = call.messages().into_iter().map(|(_, text)| text).collect();
        assert!(told[0].contains("Alex") && told[0].contains("Loves chess."), "{}", told[0]);
        assert_eq!(told[1..told.len() - 1], walk.said, "{contract} in step {step}");
        assert_eq!(*told.last().unwrap(), question);
        walk.said.extend([question, reply]);
    }
    for contract in ["S0", "S2", "S3", "S4"] {
        assert_eq!(walk.read(contract).await, walk.said, "{contract} at the end");
    }
    // No model was asked for a title, because the conversation has one.
    assert_eq!(app.llm.call_count(), 8);
    walk.adds_up(app).await;
}

impl Walk {
    /// The conversation, found in each contract's own list.
    async fn of(app: &App, user: User, number: i64) -> Self {
        let listed = user.get(&format!("/conversations?user_id={}", user.id)).await.ok();
        let conv = listed[0]["id"].as_str().unwrap().to_owned();
        let listed = user.get("/conversation").await.ok();
        let uuid = listed[0]["id"].as_str().unwrap().to_owned();
        assert_eq!(conv, format!("conv_{}", uuid.replace('-', "")));
        assert_eq!(app.llm.call_count(), 0);
        Self { user, number, uuid, conv, said: Vec::new() }
    }

    /// All messages, as a contract shows them.
    async fn read(&self, contract: &str) -> Vec<String> {
        let Self { number, uuid, conv, .. } = self;
        let messages = match contract {
            "S0" => self.user.get(&format!("/conversations/{conv}/messages")).await.ok(),
            "S2" => self.user.get(&format!("/conversations/{uuid}/messages")).await.ok(),
            "S3" => self.user.get("/conversation").await.ok()[0]["messages"].clone(),
            _ => self.user.get(&format!("/chat/conversations/{number}/messages")).await.ok(),
        };
        let messages = messages.as_array().unwrap();
        for (at, message) in messages.iter().enumerate() {
            let role = if contract == "S3" { &message["author"] } else { &message["role"] };
            assert_eq!(role, if at % 2 == 0 { "user" } else { "assistant" });
        }
        messages.iter().map(|message| message["content"].as_str().unwrap().to_owned()).collect()
    }

    /// Sends a message by a contract; the reply, as that contract returns it.
    async fn say(&self, contract: &str, text: &str) -> String {
        let Self { number, uuid, conv, .. } = self;
        let (path, body, reply) = match contract {
            "S0" => ("/chat".to_owned(), json!({"input": text, "conversation_id": conv}), "/output_text"),
            "S2" => (format!("/conversations/{uuid}/messages"), json!({"content": text}), "/response"),
            "S3" => (format!("/conversation/completion/{uuid}"), json!({"message": text}), "/content"),
            _ => {
                let path = format!("/chat/conversations/{number}/send");
                (path, json!({"content": text}), "/assistant_message/content")
            }
        };
        let body = self.user.post(&path, body).await.ok();
        body.pointer(reply).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// Checks that the totals count the turns of all contracts, and that each reply names its model.
    async fn adds_up(&self, app: &App) {
        let figures: Vec<_> = app.llm.calls().into_iter().filter_map(|call| call.figures).collect();
        let tokens: u64 = figures.iter().map(|figures| figures.input + figures.output).sum();
        let row = self.user.get(&format!("/conversations/{}", self.conv)).await.ok();
        assert_eq!((&row["message_count"], &row["total_tokens"]), (&json!(8), &json!(tokens)));
        assert_eq!(row["title"], "First Chat with Alex");
        let stats = self.user.get("/chat/stats").await.ok();
        assert_eq!((&stats["total_messages"], &stats["total_tokens"]), (&json!(16), &json!(tokens)));

        let messages = self.user.get(&format!("/chat/conversations/{}/messages", self.number)).await.ok();
        let models: Vec<&Value> = messages
            .as_array()
            .unwrap()
            .iter()
            .skip(1)
            .step_by(2)
            .map(|reply| &reply["model_used"])
            .collect();
        let (persona, service, llm) = ("gpt-3.5-turbo", "openai/gpt-3.5-turbo", "gpt-4o");
        assert_eq!(models, [persona, service, llm, service, service, llm, service, persona]);
    }
}
